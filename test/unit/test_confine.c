/* net/confine: what a process may still do afterwards; each in a child, as there is no way back. */
#include "unit.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/compiler.h"
#include "net/confine.h"

/* "CapEff:\t00000000..." of /proc/self/status: the number behind the name. */
static unsigned long long status_of(const char *name, int base)
{
	char text[8192];
	int fd = openat(AT_FDCWD, "/proc/self/status", O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, text, sizeof(text) - 1);
	char *at;

	close(fd);
	text[n > 0 ? n : 0] = '\0';
	at = strstr(text, name);
	return at ? strtoull(at + strlen(name) + 1, NULL, base) : ~0ull;
}

/* How a child ends that does it: its exit status, or 128 and the signal's number. */
static int ends(int (*doing)(void))
{
	pid_t child = fork();
	int status;

	if (child == 0)
		_exit(doing());
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int rights_of_a_plugin(void)
{
	unsigned long long had = status_of("CapPrm", 16);

	confine_rights(confine_plugin);
	return status_of("CapPrm", 16) == (had & confine_plugin) &&
			       status_of("CapEff", 16) == (had & confine_plugin) &&
			       status_of("CapInh", 16) == 0 && status_of("NoNewPrivs", 10) == 1
		       ? 7
		       : 1;
}

static int rights_twice(void)
{
	confine_rights(1);
	confine_rights(confine_plugin);
	return status_of("CapPrm", 16) == 0 && status_of("CapEff", 16) == 0 ? 7 : 1;
}

static void test_plugin(void **state)
{
	(void)state;
	assert_int_equal(ends(rights_of_a_plugin), 7);
	assert_int_equal(ends(rights_twice), 7);
}

/* --- a client's calls -------------------------------------------------------------------------- */

static int client(void)
{
	confine_client();
	confine_client();
	return status_of("CapPrm", 16) == 0 && status_of("NoNewPrivs", 10) == 1 ? 7 : 1;
}

#if !IS_SANITIZED
static int client_filtered(void)
{
	confine_client();
	return status_of("Seccomp", 10) == 2 ? 7 : 1;
}

static int connects(void)
{
	confine_client();
	return socket(AF_INET, SOCK_STREAM, 0) >= 0 && socket(AF_INET6, SOCK_DGRAM, 0) >= 0 ? 7 : 1;
}

static int looks_into_a_directory(void)
{
	confine_client();
	return openat(AT_FDCWD, "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC) >= 0 ? 7 : 1;
}

static int asks_the_kernel(void)
{
	confine_client();
	return socket(AF_NETLINK, SOCK_RAW, 0) >= 0;
}

static int writes_a_file(void)
{
	confine_client();
	return openat(AT_FDCWD, "/dev/null", O_WRONLY | O_CLOEXEC) >= 0;
}

static int makes_a_file(void)
{
	confine_client();
	return openat(AT_FDCWD, "/tmp", O_RDONLY | O_CREAT | O_EXCL, 0600) >= 0;
}

static int truncates_a_file(void)
{
	confine_client();
	return openat(AT_FDCWD, "/nowhere", O_RDONLY | O_TRUNC | O_CLOEXEC) >= 0;
}

static int makes_a_nameless_file(void)
{
	confine_client();
	return openat(AT_FDCWD, "/tmp", O_TMPFILE | O_RDWR, 0600) >= 0;
}

static int executes(void)
{
	char *argv[] = {(char *)"true", NULL};

	confine_client();
	execv("/bin/true", argv);
	return 1;
}

static int forks(void)
{
	confine_client();
	return _Fork() >= 0;
}

static int kills(void)
{
	confine_client();
	return kill(getppid(), 0);
}

static int removes_a_file(void)
{
	confine_client();
	return unlink("/nowhere/at-all");
}

static void test_client_calls(void **state)
{
	int (*const good[])(void) = {client_filtered, connects, looks_into_a_directory};
	int (*const bad[])(void) = {
		asks_the_kernel,       writes_a_file, makes_a_file, truncates_a_file,
		makes_a_nameless_file, executes,      forks,	    kills,
		removes_a_file,
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_int_equal(ends(good[i]), 7);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(ends(bad[i]), 128 + SIGSYS);
}

#endif

static void test_client(void **state)
{
	(void)state;
	assert_int_equal(ends(client), 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plugin),
		cmocka_unit_test(test_client),
#if !IS_SANITIZED
		cmocka_unit_test(test_client_calls),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
