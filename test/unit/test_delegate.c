/* cni/delegate: plugins that are found, called, and may fail in every way. */
#include "unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/compiler.h"
#include "base/file.h"
#include "cni/delegate.h"

static struct err e;
static struct cni_request rq;
static char dir[] = "/tmp/cnibox-test-XXXXXX";
static char path[128];
static const char *out;
static size_t len;

static int setup(void **state)
{
	(void)state;
	arena_reset();
	err_clear(&e);
	strcpy(dir + sizeof(dir) - 7, "XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "/nowhere::%s:/", dir);
	rq = (struct cni_request){.path = path, .text = "{\"name\":\"n\"}", .text_len = 12};
	setenv("CNI_COMMAND", "ADD", 1);
	setenv("CNI_CONTAINERID", "c1", 1);
	return 0;
}

static int teardown(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", dir);
	return system(command);
}

/* A plugin that is a shell script. */
static void put_script(const char *name, const char *body)
{
	char file[128], text[1024];
	int n = snprintf(text, sizeof(text), "#!/bin/sh\n%s\n", body);

	snprintf(file, sizeof(file), "%s/%s", dir, name);
	assert_int_equal(file_replace(file, 0755, text, (size_t)n, &e), 0);
}

static int run(enum cni_verb verb)
{
	struct delegate d;

	assert_int_equal(delegate_find(&d, &rq, "plugin", &e), 0);
	assert_false(d.is_self);
	return delegate_run(&d, &rq, verb, &out, &len, &e);
}

static void test_names(void **state)
{
	static const struct {
		const char *type, *msg;
	} bad[] = {
		{"", "no plugin name provided"},
		{"../plugin", "invalid plugin name: ../plugin"},
		{"..", "invalid plugin name: .."},
	};
	char want[256];
	struct delegate d;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		err_clear(&e);
		assert_int_equal(delegate_find(&d, &rq, bad[i].type, &e), -1);
		assert_int_equal(e.code, ERR_CONFIG);
		assert_string_equal(e.msg, bad[i].msg);
	}
	err_clear(&e);
	snprintf(want, sizeof(want), "failed to find plugin \"plugin\" in path [/nowhere  %s /]",
		 dir);
	assert_int_equal(delegate_find(&d, &rq, "plugin", &e), -1);
	assert_string_equal(e.msg, want);
}

static void test_which(void **state)
{
	char file[128], want[128];
	struct delegate d;

	(void)state;
	put_script("plugin", "exit 0");
	assert_int_equal(delegate_find(&d, &rq, "plugin", &e), 0);
	snprintf(want, sizeof(want), "%s/plugin", dir);
	assert_string_equal(d.path, want);
	assert_false(d.is_self);
	/* A directory is no plugin; a link to this program is this program. */
	snprintf(file, sizeof(file), "%s/self", dir);
	assert_int_equal(symlink("/proc/self/exe", file), 0);
	assert_int_equal(delegate_find(&d, &rq, "self", &e), 0);
	assert_true(d.is_self);
	snprintf(file, sizeof(file), "%s/dir", dir);
	assert_int_equal(mkdir(file, 0755), 0);
	assert_int_equal(delegate_find(&d, &rq, "dir", &e), -1);
}

static void test_what_it_is_given(void **state)
{
	(void)state;
	put_script("plugin", "echo $CNI_COMMAND $CNI_CONTAINERID; cat; echo; grep SigBlk "
			     "/proc/self/status; ls -l /proc/$$/fd | grep -c memfd");
	assert_int_equal(run(CNI_DEL), 0);
	/* Of its input, there is one descriptor: the other one was not for it. */
	assert_string_equal(out, "DEL c1\n{\"name\":\"n\"}\nSigBlk:\t0000000000000000\n1\n");
	assert_int_equal(len, strlen(out));
	assert_string_equal(getenv("CNI_COMMAND"), "ADD");
}

static void test_its_error_is_passed_on(void **state)
{
	(void)state;
	put_script("plugin",
		   "echo '{\"cniVersion\":\"1.0.0\",\"code\":999,\"msg\":\"no \\\"luck\\\"\","
		   "\"details\":\"more\"}'; exit 1");
	assert_int_equal(run(CNI_ADD), -1);
	assert_int_equal(e.code, 999);
	assert_string_equal(e.msg, "no \"luck\"");
	assert_string_equal(e.details, "more");
}

static void test_ends_without_a_word(void **state)
{
	static const struct {
		const char *body, *words;
	} cases[] = {
		{"exit 3", "failed with no error message: exit status 3"},
		{"echo nonsense; exit 1", "failed with no error message: exit status 1"},
		{"echo '[]'; exit 1", "failed with no error message: exit status 1"},
		{"echo '{\"code\":7}'; exit 1", "failed with no error message: exit status 1"},
		{"kill -9 $$", "was killed by signal 9"},
		{"head -c 1048577 /dev/zero", "printed more than 1048576 bytes"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		arena_reset();
		err_clear(&e);
		put_script("plugin", cases[i].body);
		assert_int_equal(run(CNI_ADD), -1);
		assert_int_equal(e.code, ERR_DELEGATE);
		if (!strstr(e.msg, cases[i].words) || !strstr(e.msg, dir))
			fail_msg("%s: %s", cases[i].body, e.msg);
	}
}

static void test_cannot_be_executed(void **state)
{
	char file[128];

	(void)state;
	put_script("plugin", "exit 0");
	snprintf(file, sizeof(file), "%s/plugin", dir);
	assert_int_equal(chmod(file, 0644), 0);
	assert_int_equal(run(CNI_ADD), -1);
	assert_int_equal(e.code, ERR_DELEGATE);
	assert_non_null(strstr(e.msg, "execute plugin"));
	assert_non_null(strstr(e.msg, "Permission denied"));
}

/* A plugin that is just being replaced is busy for a moment. */
static void test_busy(void **state)
{
	char file[128], command[256];
	cleanup_fd int fd = -1;
	pid_t pid;

	(void)state;
	snprintf(file, sizeof(file), "%s/plugin", dir);
	snprintf(command, sizeof(command), "cp /bin/echo %s", file);
	assert_int_equal(system(command), 0);
	fd = open(file, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	pid = fork();
	if (pid == 0) {
		usleep(300000);
		_exit(0);
	}
	file_close(&fd); /* the child's copy stays open for a while */
	assert_int_equal(run(CNI_ADD), 0);
	assert_string_equal(out, "\n");
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* The runtime's ignoring children does not hide how one ended. */
static void test_children_ignored(void **state)
{
	(void)state;
	put_script("plugin", "exit 3");
	signal(SIGCHLD, SIG_IGN);
	assert_int_equal(run(CNI_ADD), -1);
	assert_non_null(strstr(e.msg, "exit status 3"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_names),
		TEST(test_which),
		TEST(test_what_it_is_given),
		TEST(test_its_error_is_passed_on),
		TEST(test_ends_without_a_word),
		TEST(test_cannot_be_executed),
		TEST(test_busy),
		TEST(test_children_ignored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
