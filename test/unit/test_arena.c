/* base/arena: zeroed, aligned, bounded. */
#include "unit.h"

#include "base/arena.h"

static int reset(void **state)
{
	(void)state;
	arena_reset();
	return 0;
}

static void test_zeroed_after_reset(void **state)
{
	static const unsigned char zeros[1000];
	struct err e = {0};

	(void)state;
	for (int round = 0; round < 3; round++) {
		/* Other sizes each time: old bytes must not show through anywhere. */
		for (size_t n = 1; n < sizeof(zeros); n += 7 + (size_t)round) {
			unsigned char *p = arena_take(n, &e);

			assert_non_null(p);
			assert_memory_equal(p, zeros, n);
			memset(p, 0xff, n);
		}
		arena_reset();
	}
	assert_int_equal(e.code, 0);
}

static void test_aligned_and_apart(void **state)
{
	struct err e = {0};
	unsigned char *last = arena_take(0, &e);

	(void)state;
	for (size_t n = 1; n < 40; n++) {
		unsigned char *p = arena_take(n, &e);

		assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
		assert_true(p >= last);
		last = p + n;
	}
}

static void test_full(void **state)
{
	static const size_t sizes[] = {1, ARENA_SIZE, (size_t)1 << 40, SIZE_MAX - 8, SIZE_MAX};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		struct err e = {0};

		arena_reset();
		assert_non_null(arena_take(ARENA_SIZE, &e));
		assert_null(arena_take(sizes[i], &e));
		assert_int_equal(e.code, ERR_INTERNAL);
		assert_string_equal(e.msg, "take memory: the input needs more than 16 MiB");
	}
}

static void test_text_and_format(void **state)
{
	struct err e = {0};
	char *text = arena_text("abcdef", 3, &e);
	char *formatted = arena_format(&e, "%s-%d", "node", 7);

	(void)state;
	assert_string_equal(text, "abc");
	assert_string_equal(formatted, "node-7");
	assert_string_equal(arena_text("", 0, &e), "");
	assert_non_null(arena_take(ARENA_SIZE - 4096, &e));
	assert_null(arena_format(&e, "%8000d", 1));
	assert_int_equal(e.code, ERR_INTERNAL);
}

/* What was there before the mark stays; what comes after going back is zeroed. */
static void test_keep_the_first_bytes(void **state)
{
	struct err e = {0};
	char *large, *next;

	(void)state;
	large = arena_take(ARENA_SIZE / 2, &e);
	assert_non_null(large);
	strcpy(large, "text");
	arena_keep(large, sizeof("text"));
	next = arena_take(ARENA_SIZE - 16, &e);
	assert_ptr_equal(next, large + 16);
	assert_string_equal(large, "text");
	assert_int_equal(next[0], 0);
	assert_null(arena_take(1, &e));
	arena_reset();
}

static void test_back_to_a_mark(void **state)
{
	static const unsigned char zeros[100];
	struct err e = {0};
	char *kept = arena_text("kept", 4, &e);
	size_t mark = arena_mark();
	unsigned char *first = NULL;

	(void)state;
	for (size_t round = 0; round < (size_t)3 * ARENA_SIZE / sizeof(zeros); round++) {
		unsigned char *p = arena_take(sizeof(zeros), &e);

		assert_non_null(p);
		first = first ? first : p;
		assert_ptr_equal(p, first);
		assert_memory_equal(p, zeros, sizeof(zeros));
		memset(p, 0xff, sizeof(zeros));
		arena_back(mark);
	}
	assert_string_equal(kept, "kept");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_zeroed_after_reset, reset),
		cmocka_unit_test_setup(test_aligned_and_apart, reset),
		cmocka_unit_test_setup(test_full, reset),
		cmocka_unit_test_setup(test_text_and_format, reset),
		cmocka_unit_test_setup(test_keep_the_first_bytes, reset),
		cmocka_unit_test_setup(test_back_to_a_mark, reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
