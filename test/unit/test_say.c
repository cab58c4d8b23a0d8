/* base/say: everything that is said arrives, once and in order, and a failure is told. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/say.h"

#define ROOM 100000

/* Run speak() in a process of its own, with descriptor fd at path; gives its exit status. */
static int run(void (*speak)(void), int fd, const char *path)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

		if (file < 0 || dup2(file, fd) < 0)
			_exit(99);
		speak();
		_exit(say_end() ? errno : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static const char *heard(void (*speak)(void), int fd)
{
	static char text[ROOM];
	char path[] = "/tmp/test_say.XXXXXX";
	int file = mkstemp(path);
	ssize_t n;

	assert_int_equal(run(speak, fd, path), 0);
	n = read(file, text, sizeof(text) - 1);
	assert_true(n >= 0);
	text[n] = '\0';
	close(file);
	unlink(path);
	return text;
}

static void speak_little(void)
{
	say("%s=%d\n", "a", 1);
	say_text("");
	say_text("100%\n");
	say_bytes("%bytes\nand no more", 7);
	say_bytes("", 0);
}

static void speak_much(void)
{
	static char long_text[5001];

	for (unsigned i = 0; i < 2000; i++)
		say("%08u", i);
	memset(long_text, 'x', 5000);
	say_text(long_text);
	say_text("end");
}

static void speak_up(void)
{
	complain("%s: %s\n", "cnibox", "no");
}

static void test_little(void **state)
{
	(void)state;
	assert_string_equal(heard(speak_little, STDOUT_FILENO), "a=1\n100%\n%bytes\n");
	assert_string_equal(heard(speak_up, STDERR_FILENO), "cnibox: no\n");
	assert_string_equal(heard(speak_up, STDOUT_FILENO), "");
}

static void test_much(void **state)
{
	const char *text = heard(speak_much, STDOUT_FILENO);
	char number[16];

	(void)state;
	assert_int_equal(strlen(text), 2000 * 8 + 5000 + 3);
	for (unsigned i = 0; i < 2000; i++) {
		snprintf(number, sizeof(number), "%08u", i);
		assert_memory_equal(text + (size_t)i * 8, number, 8);
	}
	assert_int_equal(strspn(text + 16000, "x"), 5000);
	assert_string_equal(text + 21000, "end");
}

static void test_full(void **state)
{
	(void)state;
	assert_int_equal(run(speak_little, STDOUT_FILENO, "/dev/full"), ENOSPC);
	assert_int_equal(run(speak_much, STDOUT_FILENO, "/dev/full"), ENOSPC);
	assert_int_equal(run(speak_up, STDERR_FILENO, "/dev/full"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_little),
		cmocka_unit_test(test_much),
		cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
