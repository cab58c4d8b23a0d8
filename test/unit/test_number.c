/* base/number: whole decimal numbers, nothing else. */
#include "unit.h"

#include "base/compiler.h"
#include "base/number.h"

static void test_numbers(void **state)
{
	static const struct {
		const char *text;
		uint32_t max, want;
	} cases[] = {{"0", 0, 0},
		     {"007", 7, 7},
		     {"1460", 65535, 1460},
		     {"4294967295", UINT32_MAX, UINT32_MAX}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint32_t n = 77;

		assert_true(number_parse(&n, cases[i].text, cases[i].max));
		assert_int_equal(n, cases[i].want);
	}
}

static void test_refused(void **state)
{
	static const struct {
		const char *text;
		uint32_t max;
	} cases[] = {{"", 9},
		     {"10", 9},
		     {"4294967296", UINT32_MAX},
		     {"99999999999999999999", UINT32_MAX},
		     {"-1", 9},
		     {"+1", 9},
		     {" 1", 9},
		     {"1 ", 9},
		     {"0x1", 9},
		     {"1.0", 9},
		     {"a", 9}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint32_t n = 77;

		assert_false(number_parse(&n, cases[i].text, cases[i].max));
		assert_int_equal(n, 77);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
