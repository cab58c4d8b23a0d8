/* cni/plugin: from environment and standard input to standard output and exit status. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/compiler.h"
#include "base/file.h"
#include "cni/plugin.h"
#include "json/grammar.h"

static const char conf[] = "{\"cniVersion\":\"1.1.0\",\"name\":\"mynet\"}";
static char seen[65536]; /* what it printed */
static char calls[4096]; /* which verbs ran, one letter each */
static char calls_file[] = "/tmp/cnibox-test-XXXXXX";

static void note(const char *letter)
{
	cleanup_fd int fd = open(calls_file, O_WRONLY | O_APPEND | O_CLOEXEC);

	if (file_write_all(fd, letter, 1))
		abort();
}

static int fake_add(const struct cni_request *rq, struct cni_result *rs, struct err *e)
{
	struct cni_interface *f = cni_result_interface(rs, e);

	note("A");
	if (!f)
		return -1;
	f->name = rq->ifname;
	return 0;
}

static int failing_add(const struct cni_request *rq, struct cni_result *rs, struct err *e)
{
	(void)rs;
	note("a");
	err_set(e, ERR_STATE, "connect pod", "container %s is \"%s\"", rq->container_id, "odd");
	err_hint(e, "look\nat it");
	return -1;
}

static int fake_del(const struct cni_request *rq, struct err *e)
{
	(void)rq;
	(void)e;
	note("D");
	return 0;
}

static int failing_status(const struct cni_request *rq, struct err *e)
{
	(void)rq;
	return err_set(e, ERR_UNAVAILABLE, NULL, "no address left");
}

static const struct cni_plugin fake = {.name = "fake", .add = fake_add, .del = fake_del};
static const struct cni_plugin failing = {
	.name = "fake", .add = failing_add, .status = failing_status, .refuses_get = true};
static const struct cni_plugin no_del = {.name = "fake", .add = fake_add};

static int setup(void **state)
{
	int fd;

	(void)state;
	strcpy(calls_file + sizeof(calls_file) - 7, "XXXXXX");
	fd = mkstemp(calls_file);
	if (fd < 0)
		return -1;
	close(fd);
	setenv("CNI_COMMAND", "ADD", 1);
	setenv("CNI_CONTAINERID", "c0ffee", 1);
	setenv("CNI_NETNS", "/run/netns/pod", 1);
	setenv("CNI_IFNAME", "eth0", 1);
	setenv("CNI_PATH", "/opt/cni/bin", 1);
	unsetenv("DEBUG");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	return unlink(calls_file);
}

/*
 * Serve one request in a process of its own, with input on standard input. Standard output is out,
 * or a file whose content is in seen afterwards. Gives the exit status.
 */
static int serve(const struct cni_plugin *p, const char *input, int out)
{
	FILE *in = tmpfile(), *printed = tmpfile();
	ssize_t n;
	int status;
	pid_t pid;

	assert_true(in && printed);
	assert_int_equal(file_write_all(fileno(in), input, strlen(input)), 0);
	assert_int_equal(lseek(fileno(in), 0, SEEK_SET), 0);
	pid = fork();
	if (pid == 0) {
		signal(SIGSEGV, SIG_DFL); /* cmocka's handler would go on with the next test here */
		dup2(fileno(in), STDIN_FILENO);
		dup2(out < 0 ? fileno(printed) : out, STDOUT_FILENO);
		_exit(cni_run(p));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(lseek(fileno(printed), 0, SEEK_SET), 0);
	n = file_read_all(fileno(printed), seen, sizeof(seen) - 1);
	assert_true(n >= 0);
	seen[n] = '\0';
	fclose(in);
	fclose(printed);
	assert_true(file_read(AT_FDCWD, calls_file, calls, sizeof(calls)) >= 0);
	if (!WIFEXITED(status))
		fail_msg("ended by signal %d", WTERMSIG(status));
	return WEXITSTATUS(status);
}

static void test_add(void **state)
{
	(void)state;
	assert_int_equal(serve(&fake, conf, -1), 0);
	assert_string_equal(seen,
			    "{\n    \"cniVersion\": \"1.1.0\",\n    \"interfaces\": [\n        {\n"
			    "            \"name\": \"eth0\"\n        }\n    ]\n}\n");
	assert_string_equal(calls, "A");
}

static void test_error_object(void **state)
{
	(void)state;
	assert_int_equal(serve(&failing, conf, -1), 1);
	assert_string_equal(seen, "{\n    \"cniVersion\": \"1.1.0\",\n    \"code\": 101,\n"
				  "    \"msg\": \"connect pod: container c0ffee is \\\"odd\\\"\",\n"
				  "    \"details\": \"look\\u000aat it\"\n}\n");
}

/* Whatever bytes a message quotes, the error object is JSON. */
static void test_error_object_is_json(void **state)
{
	static const char *const ids[] = {"\xff\xfe", "a\"b", "\\",
					  "\x01\x1f", "\xc3", "\xed\xa0\x80"};
	static char longest[5000];
	const char *why = "";

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		setenv("CNI_CONTAINERID", ids[i], 1);
		assert_int_equal(serve(&fake, conf, -1), 1);
		if (json_grammar_fault(seen, strlen(seen), &why) >= 0)
			fail_msg("%s: %s", why, seen);
	}
	/* Two-byte characters, clipped after an odd number of bytes or an even one. */
	for (size_t shift = 1; shift <= 2; shift++) {
		memset(longest, 'a', shift);
		for (size_t i = shift; i < sizeof(longest) - 3; i += 2) {
			longest[i] = '\xc3';
			longest[i + 1] = '\xa4';
		}
		setenv("CNI_CONTAINERID", longest, 1);
		assert_int_equal(serve(&fake, conf, -1), 1);
		if (json_grammar_fault(seen, strlen(seen), &why) >= 0)
			fail_msg("%s: %s", why, seen);
	}
}

static void test_verbs_that_a_plugin_lacks_succeed(void **state)
{
	static const char *const verbs[] = {"DEL", "CHECK", "GC", "STATUS"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		setenv("CNI_COMMAND", verbs[i], 1);
		assert_int_equal(serve(&no_del, conf, -1), 0);
		assert_string_equal(seen, "");
	}
	assert_string_equal(calls, "");
}

static void test_status_code(void **state)
{
	(void)state;
	setenv("CNI_COMMAND", "STATUS", 1);
	assert_int_equal(serve(&failing, conf, -1), 1);
	assert_non_null(strstr(seen, "\"code\": 50,\n    \"msg\": \"no address left\"\n"));
}

static void test_get(void **state)
{
	(void)state;
	setenv("CNI_COMMAND", "GET", 1);
	assert_int_equal(serve(&failing, "", -1), 1);
	assert_non_null(strstr(seen, "\"msg\": \"GET not supported\""));
	assert_int_equal(serve(&fake, conf, -1), 1);
	assert_non_null(strstr(seen, "\"msg\": \"unknown CNI_COMMAND: GET\""));
}

static void test_version(void **state)
{
	static const char list[] =
		"\"supportedVersions\":"
		"[\"0.1.0\",\"0.2.0\",\"0.3.0\",\"0.3.1\",\"0.4.0\",\"1.0.0\",\"1.1.0\"]}\n";
	static const struct {
		const char *input, *echoed;
	} cases[] = {{"{\"cniVersion\":\"0.4.0\"}", "0.4.0"},
		     {"{\"cniVersion\":\"9.9.9\"}", "1.1.0"},
		     {"{}", "1.1.0"},
		     {"", "1.1.0"},
		     {"not JSON", "1.1.0"},
		     {"[]", "1.1.0"}};

	(void)state;
	setenv("CNI_COMMAND", "VERSION", 1);
	unsetenv("CNI_PATH");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char want[256];

		snprintf(want, sizeof(want), "{\"cniVersion\":\"%s\",%s", cases[i].echoed, list);
		assert_int_equal(serve(&fake, cases[i].input, -1), 0);
		assert_string_equal(seen, want);
	}
}

static void test_called_by_a_person(void **state)
{
	(void)state;
	unsetenv("CNI_COMMAND");
	assert_int_equal(serve(&fake, "", -1), 0);
	assert_string_equal(seen, "");
	assert_string_equal(calls, "");
}

/* A result that nobody has heard of: the pod's network is taken down again. */
static void test_output_that_cannot_be_written(void **state)
{
	cleanup_fd int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	int gone[2];

	(void)state;
	assert_int_equal(serve(&fake, conf, full), 1);
	assert_string_equal(calls, "AD");
	assert_int_equal(serve(&no_del, conf, full), 1);
	assert_string_equal(calls, "ADA");
	assert_int_equal(pipe(gone), 0);
	close(gone[0]);
	assert_int_equal(serve(&fake, conf, gone[1]), 1);
	assert_string_equal(calls, "ADAAD");
	close(gone[1]);
}

static struct cni_request request_of(const char *text, struct err *e)
{
	arena_reset();
	return (struct cni_request){.conf = json_open(text, strlen(text), "conf", e)};
}

static void test_attachments(void **state)
{
	static const char good[] =
		"{\"cni.dev/valid-attachments\":[{\"containerID\":\"a\",\"ifname\":\"eth0\"},"
		"{\"containerID\":\"b\",\"ifname\":\"eth1\"}]}";
	struct cni_attachments valid;
	struct err e = {0};
	struct cni_request rq = request_of(good, &e);

	(void)state;
	assert_int_equal(cni_attachments_read(&valid, &rq, &e), 0);
	assert_int_equal(valid.count, 2);
	assert_true(cni_attachments_have(&valid, "a", "eth0"));
	assert_true(cni_attachments_have(&valid, "b", "eth1"));
	assert_false(cni_attachments_have(&valid, "a", "eth1"));
	assert_false(cni_attachments_have(&valid, "c", "eth0"));
	assert_false(cni_attachments_have(&valid, "", ""));

	rq = request_of("{\"cni.dev/valid-attachments\":[]}", &e);
	assert_int_equal(cni_attachments_read(&valid, &rq, &e), 0);
	assert_int_equal(valid.count, 0);
}

/* No list would mean "remove everything": it must be there, and right. */
static void test_bad_attachments(void **state)
{
	static const char *const bad[] = {
		"{}",
		"{\"cni.dev/valid-attachments\":null}",
		"{\"cni.dev/valid-attachments\":{}}",
		"{\"cni.dev/valid-attachments\":[{}]}",
		"{\"cni.dev/valid-attachments\":[{\"containerID\":\"\"}]}",
		"{\"cni.dev/valid-attachments\":[{\"containerID\":7}]}",
		"{\"cni.dev/valid-attachments\":[\"a\"]}",
		"{\"cni.dev/valid-attachments\":[{\"containerID\":\"a\",\"ifname\":[]}]}"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct cni_attachments valid;
		struct err e = {0};
		struct cni_request rq = request_of(bad[i], &e);

		assert_int_equal(cni_attachments_read(&valid, &rq, &e), -1);
		assert_int_equal(e.code, ERR_CONFIG);
		assert_non_null(strstr(e.msg, "cni.dev/valid-attachments"));
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_add),
		TEST(test_error_object),
		TEST(test_error_object_is_json),
		TEST(test_verbs_that_a_plugin_lacks_succeed),
		TEST(test_status_code),
		TEST(test_get),
		TEST(test_version),
		TEST(test_called_by_a_person),
		TEST(test_output_that_cannot_be_written),
		TEST(test_attachments),
		TEST(test_bad_attachments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
