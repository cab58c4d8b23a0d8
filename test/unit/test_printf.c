/*
 * base/printf: what it writes is what the C library writes. The file itself is included, under
 * other names: those of ASan's run-time library would come before it.
 */
#include "unit.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/compiler.h"

#define vsnprintf box_vsnprintf
#define snprintf  box_snprintf

int vsnprintf(char *buf, size_t size, const char *f, va_list ap) print_format(3, 0);
int snprintf(char *buf, size_t size, const char *f, ...) print_format(3, 4);

#include "base/printf.c" /* NOLINT(bugprone-suspicious-include) */

typedef int vsnprintf_fn(char *buf, size_t size, const char *fmt, va_list ap);

static vsnprintf_fn *libc;

/* The C library's own, which the one linked in may hide. */
static int find_libc(void **state)
{
	(void)state;
	*(void **)&libc = dlsym(RTLD_NEXT, "vsnprintf");
	return libc ? 0 : -1;
}

static void check(const char *fmt, ...) print_format(1, 2);

/* Into a buffer of every size: the same text, the same count, no byte too far. */
static void check(const char *fmt, ...)
{
	char want[256], got[256];
	va_list ap;
	int n;

	errno = ENODEV;
	va_start(ap, fmt);
	n = libc(want, sizeof(want), fmt, ap);
	va_end(ap);
	assert_in_range(n, 0, sizeof(want) - 8);
	for (size_t size = 0; size < (size_t)n + 3; size++) {
		memset(want, '~', sizeof(want));
		memset(got, '~', sizeof(got));
		errno = ENODEV;
		va_start(ap, fmt);
		assert_int_equal(libc(want, size, fmt, ap), n);
		va_end(ap);
		errno = ENODEV;
		va_start(ap, fmt);
		assert_int_equal(vsnprintf(got, size, fmt, ap), n);
		va_end(ap);
		if (memcmp(got, want, sizeof(got)) != 0)
			fail_msg("%s: '%.40s', want '%.40s'", fmt, got, want);
	}
}

static void test_text(void **state)
{
	(void)state;
	check("plain");
	check("100%%");
	check("%s", "");
	check("<%s> and <%s>", "one", "two");
	check("%10s|%-10s|%2s", "abc", "abc", "abc");
	check("%.2s|%.0s|%.9s|%10.2s|%-10.2s|", "abcdef", "abc", "abc", "abcdef", "abcdef");
	check("%*s|%-*s|%.*s|", 7, "abc", 7, "abc", 2, "abc");
	check("%.*s", -1, "abc");
	check("%c%c%3c|%-3c|", 'a', '\0', 'b', 'c');
	check("%m");
	check("create %s: %m (%d)", "veth0", ENODEV);
}

/* A text that is not terminated is read only as far as the precision goes. */
static void test_precision_bounds_reading(void **state)
{
	char *three = malloc(3);
	char got[16];

	(void)state;
	assert_non_null(three);
	memset(three, 'a', 3);
	assert_int_equal(snprintf(got, sizeof(got), "%.3s.", three), 4);
	assert_string_equal(got, "aaa.");
	free(three);
}

static void test_integers(void **state)
{
	static const int ints[] = {0, 1, -1, 9, 10, -10, 12345, INT_MAX, INT_MIN};
	static const long longs[] = {0, 1, -1, 4294967296, LONG_MAX, LONG_MIN};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ints); i++) {
		int v = ints[i];

		check("%d|%i|%u|%x|", v, v, (unsigned)v, (unsigned)v);
		check("%5d|%-5d|%05d|%1d|", v, v, v, v);
		check("%5x|%-9x|%02x|%016x|", (unsigned)v, (unsigned)v, (unsigned)v, (unsigned)v);
		check("%.3d|%8.3d|%-8.3d|%.0d|%.0x", v, v, v, v, (unsigned)v);
		check("%*d|%-*d|%0*d", 4, v, 4, v, 4, v);
		check("%hhd|%hhu|%hhx|%hd|%hu", (signed char)v, (unsigned char)v, (unsigned char)v,
		      (short)v, (unsigned short)v);
	}
	for (size_t i = 0; i < ARRAY_SIZE(longs); i++) {
		long v = longs[i];

		check("%ld|%lu|%lx|%lld|%llu|%llx", v, (unsigned long)v, (unsigned long)v,
		      (long long)v, (unsigned long long)v, (unsigned long long)v);
		check("%zu|%zd|%jd|%ju|%td", (size_t)v, (ssize_t)v, (intmax_t)v, (uintmax_t)v,
		      (ptrdiff_t)v);
		check("%22ld|%-22lu|%020lx", v, (unsigned long)v, (unsigned long)v);
	}
}

static void use(const char *fmt, ...)
{
	vsnprintf_fn *ours = vsnprintf; /* its format is not checked */
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		char buf[64];
		va_list none;

		signal(SIGILL, SIG_DFL);
		signal(SIGTRAP, SIG_DFL);
		va_start(none, fmt);
		ours(buf, sizeof(buf), fmt, none);
		va_end(none);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
}

/* What it does not know ends the process: never a wrong message, never a misread argument. */
static void test_unknown_conversions(void **state)
{
	static const char *const formats[] = {"%",  "%k", "%5", "%-", "%l",
					      "%o", "%X", "%n", "%f", "%+d"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
		use(formats[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_precision_bounds_reading),
		cmocka_unit_test(test_integers),
		cmocka_unit_test(test_unknown_conversions),
	};

	return cmocka_run_group_tests(tests, find_libc, NULL);
}
