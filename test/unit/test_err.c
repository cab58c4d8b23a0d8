/* base/err: the first error wins, messages are clipped, never overrun. */
#include "unit.h"

#include <errno.h>

#include "base/err.h"

static void test_first_error_wins(void **state)
{
	struct err e = {0};

	(void)state;
	assert_int_equal(err_set(&e, ERR_CONFIG, "read configuration", "subnet %d", 1), -1);
	assert_int_equal(err_sys(&e, ERR_IO, "write file", EACCES, "second"), -1);
	err_set(&e, ERR_KERNEL, NULL, "third");
	assert_int_equal(e.code, ERR_CONFIG);
	assert_int_equal(e.sys, 0);
	assert_string_equal(e.msg, "read configuration: subnet 1");
	assert_string_equal(e.details, "");
}

static void test_sys_appends_the_reason(void **state)
{
	struct err e = {0};
	char want[128];

	(void)state;
	err_sys(&e, ERR_KERNEL, "create veth pair", EEXIST, "%s", "veth0");
	snprintf(want, sizeof(want), "create veth pair: veth0: %s", strerror(EEXIST));
	assert_string_equal(e.msg, want);
	assert_int_equal(e.sys, EEXIST);
}

static void test_without_doing(void **state)
{
	struct err e = {0};

	(void)state;
	err_set(&e, ERR_ENV, NULL, "unknown CNI_COMMAND: %s", "FOO");
	assert_string_equal(e.msg, "unknown CNI_COMMAND: FOO");
}

static void test_hint_keeps_the_first(void **state)
{
	struct err e = {0};

	(void)state;
	err_set(&e, ERR_STATE, "look", "wrong");
	err_hint(&e, "do %s", "this");
	err_hint(&e, "do that");
	assert_string_equal(e.details, "do this");
}

static void test_clear(void **state)
{
	struct err e = {0};

	(void)state;
	err_sys(&e, ERR_IO, "read", EIO, "x");
	err_hint(&e, "hint");
	err_clear(&e);
	assert_int_equal(e.code, 0);
	assert_int_equal(e.sys, 0);
	assert_string_equal(e.msg, "");
	assert_string_equal(e.details, "");
	err_set(&e, ERR_STATE, NULL, "anew");
	assert_string_equal(e.msg, "anew");
}

/* Whatever the length of each part, msg holds what fits of the whole, terminated. */
static void test_clipping(void **state)
{
	static char part[2 * sizeof(((struct err *)0)->msg)];
	char whole[2 * sizeof(part) + 200];
	size_t room = sizeof(((struct err *)0)->msg);

	(void)state;
	for (size_t n = room - 60; n < room + 10; n++) {
		struct {
			struct err e;
			char canary[16];
		} guarded = {.canary = "canary"};

		memset(part, 'a', n);
		part[n] = '\0';
		err_sys(&guarded.e, ERR_IO, "do", ENOENT, "%s", part);
		snprintf(whole, sizeof(whole), "do: %s: %s", part, strerror(ENOENT));
		whole[room - 1] = '\0';
		assert_string_equal(guarded.e.msg, whole);

		err_clear(&guarded.e);
		err_set(&guarded.e, ERR_IO, part, "%s", part);
		snprintf(whole, sizeof(whole), "%s: %s", part, part);
		whole[room - 1] = '\0';
		assert_string_equal(guarded.e.msg, whole);

		err_hint(&guarded.e, "%s", part);
		assert_int_equal(strlen(guarded.e.details), sizeof(guarded.e.details) - 1);
		assert_string_equal(guarded.canary, "canary");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_error_wins),
		cmocka_unit_test(test_sys_appends_the_reason),
		cmocka_unit_test(test_without_doing),
		cmocka_unit_test(test_hint_keeps_the_first),
		cmocka_unit_test(test_clear),
		cmocka_unit_test(test_clipping),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
