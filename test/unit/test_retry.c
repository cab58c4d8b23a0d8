/* gce/retry: the table of Compute's errors, and how long each is waited for. */
#include "unit.h"

#include <signal.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "gce/retry.h"

static void test_what_to_do(void **state)
{
	static const struct {
		unsigned status;
		const char *reason;
		enum gce_verdict verdict;
	} table[] = {
		{400, "invalid", GCE_FINAL},
		{400, "invalidResourceUsage", GCE_FINAL},
		{400, "required", GCE_FINAL},
		{400, "badRequest", GCE_FINAL},
		{400, "", GCE_FINAL},
		{400, "resourceNotReady", GCE_SLOWLY},
		{400, "resourceInUseByAnotherResource", GCE_SLOWLY},
		{401, "authError", GCE_NEW_TOKEN},
		{401, "", GCE_NEW_TOKEN},
		{403, "forbidden", GCE_FINAL},
		{403, "insufficientPermissions", GCE_FINAL},
		{403, "accessNotConfigured", GCE_FINAL},
		{403, "rateLimitExceeded", GCE_NEXT_MINUTE},
		{403, "quotaExceeded", GCE_FINAL},
		{404, "notFound", GCE_FINAL},
		{409, "alreadyExists", GCE_FINAL},
		{412, "conditionNotMet", GCE_FINAL},
		{302, "", GCE_FINAL},
		{408, "", GCE_AGAIN},
		{429, "", GCE_AGAIN},
		{500, "internalError", GCE_AGAIN},
		{502, "", GCE_AGAIN},
		{503, "backendError", GCE_AGAIN},
		{504, "", GCE_AGAIN},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (gce_judge(table[i].status, table[i].reason) != table[i].verdict)
			fail_msg("%u %s", table[i].status, table[i].reason);
}

/* Least and most over random numbers. */
static void range_of(enum gce_verdict verdict, unsigned next, unsigned after, unsigned second,
		     unsigned *least, unsigned *most)
{
	*least = UINT32_MAX;
	*most = 0;
	for (uint32_t random = 0; random < 1u << 16; random++) {
		unsigned ms = gce_pause(verdict, next, after, second, random);

		*least = ms < *least ? ms : *least;
		*most = ms > *most ? ms : *most;
	}
}

static void test_doubling_to_a_cap(void **state)
{
	static const unsigned bounds[] = {100,	200,   400,   800,   1600, 3200,
					  6400, 12800, 25600, 30000, 30000};
	unsigned least, most;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(bounds); i++) {
		range_of(GCE_AGAIN, i + 2, 0, 0, &least, &most);
		assert_int_equal(least, 0);
		assert_int_equal(most, bounds[i] - 1);
	}
	assert_true(gce_pause(GCE_AGAIN, 4000000000u, 0, 0, 12345) < 30000);
}

static void test_slower_ones(void **state)
{
	unsigned least, most;

	(void)state;
	range_of(GCE_SLOWLY, 2, 0, 0, &least, &most);
	assert_int_equal(least, 1000);
	assert_int_equal(most, 1999);
	range_of(GCE_SLOWLY, 4, 0, 0, &least, &most);
	assert_int_equal(least, 4000);
	assert_int_equal(most, 7999);
}

static void test_next_minute(void **state)
{
	unsigned least, most;

	(void)state;
	range_of(GCE_NEXT_MINUTE, 2, 0, 0, &least, &most);
	assert_int_equal(least, 60000);
	assert_int_equal(most, 60999);
	range_of(GCE_NEXT_MINUTE, 2, 0, 59, &least, &most);
	assert_int_equal(least, 1000);
	range_of(GCE_NEXT_MINUTE, 2, 7, 59, &least, &most);
	assert_int_equal(least, 7000);
}

static void test_retry_after(void **state)
{
	unsigned least, most;

	(void)state;
	range_of(GCE_AGAIN, 2, 3, 0, &least, &most);
	assert_int_equal(least, 3000);
	assert_int_equal(most, 3099);
	range_of(GCE_AGAIN, 2, UINT32_MAX, 0, &least, &most);
	assert_int_equal(least, 3600000);
}

static void test_tries_are_counted(void **state)
{
	struct err e = {0};

	(void)state;
	for (unsigned next = 2; next <= GCE_TRIES; next++) {
		err_set(&e, ERR_TRY_AGAIN, NULL, "no");
		assert_int_equal(gce_try_again(GCE_NEW_TOKEN, next, 0, deadline_in(60000), &e), 0);
		assert_int_equal(e.code, 0);
	}
	err_set(&e, ERR_TRY_AGAIN, NULL, "no");
	assert_int_equal(gce_try_again(GCE_NEW_TOKEN, GCE_TRIES + 1, 0, deadline_in(60000), &e),
			 -1);
	assert_string_equal(e.msg, "no");
	assert_int_equal(gce_try_again(GCE_FINAL, 2, 0, deadline_in(60000), &e), -1);
	assert_int_equal(gce_try_again(GCE_AGAIN, 2, 2, deadline_in(1900), &e), -1);
	assert_string_equal(e.msg, "no");
}

/* A signal that was held back ends the wait, and every later one. */
static void test_asked_to_stop(void **state)
{
	struct timespec before, after;
	sigset_t signals;

	(void)state;
	assert_true(gce_sleep(1));
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	assert_true(gce_sleep(1));
	raise(SIGTERM);
	before = clock_now(CLOCK_MONOTONIC);
	assert_false(gce_sleep(30000));
	assert_false(gce_sleep(30000));
	after = clock_now(CLOCK_MONOTONIC);
	assert_true(after.tv_sec - before.tv_sec < 10);
}

/* RFC 9562: version 4, variant 10; and no two alike. */
static void test_uuid(void **state)
{
	char one[GCE_UUID_TEXT], other[GCE_UUID_TEXT];

	(void)state;
	for (int i = 0; i < 100; i++) {
		gce_uuid(one);
		gce_uuid(other);
		assert_int_equal(strlen(one), 36);
		assert_int_equal(strspn(one, "0123456789abcdef-"), 36);
		for (int at = 0; at < 36; at++)
			assert_int_equal(one[at] == '-',
					 at == 8 || at == 13 || at == 18 || at == 23);
		assert_int_equal(one[14], '4');
		assert_non_null(strchr("89ab", one[19]));
		assert_string_not_equal(one, other);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_to_do),  cmocka_unit_test(test_doubling_to_a_cap),
		cmocka_unit_test(test_slower_ones), cmocka_unit_test(test_next_minute),
		cmocka_unit_test(test_retry_after), cmocka_unit_test(test_tries_are_counted),
		cmocka_unit_test(test_uuid),	    cmocka_unit_test(test_asked_to_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
