/* json/stream: the wanted values, in whatever pieces the text comes; its bounds and its errors. */
#include "unit.h"

#include <stdlib.h>

#include "base/compiler.h"
#include "json/stream.h"

/* What was handed on, a line for each value. */
static char seen[4096];

static int note(void *context, unsigned want, const char *text, size_t len, struct err *e)
{
	size_t used = strlen(seen);

	(void)context;
	if (len == 4 && memcmp(text, "\"no\"", 4) == 0)
		return err_set(e, ERR_FIELD, NULL, "not that one");
	snprintf(seen + used, sizeof(seen) - used, "%u %.*s\n", want, (int)len, text);
	return 0;
}

static const struct json_want wants[] = {
	{"items", true}, {"nextPageToken", false}, {"items", false}, {NULL, true}};

/* Read text in pieces of the given size, each in a block of its own, so that ASan sees a byte too far. */
static int read_pieces(const char *text, size_t first, size_t piece, unsigned want_count,
		       size_t room, struct err *e)
{
	size_t n = strlen(text), at = 0;
	char *buf = malloc(room);
	struct json_stream s = {.what = "answer",
				.wants = wants,
				.want_count = want_count,
				.buf = buf,
				.size = room,
				.take = note};
	int result = 0;

	seen[0] = '\0';
	while (at < n && result == 0) {
		size_t size = at == 0 && first ? first : piece;
		char *block;

		size = size < n - at ? size : n - at;
		block = malloc(size);
		assert_non_null(block);
		memcpy(block, text + at, size);
		result = json_stream_feed(&s, block, size, e);
		free(block);
		at += size;
	}
	if (result == 0)
		result = json_stream_end(&s, e);
	free(buf);
	return result;
}

static void expect(const char *text, const char *wanted)
{
	size_t n = strlen(text);
	struct err e = {0};

	for (size_t first = 0; first <= n; first++) {
		assert_int_equal(read_pieces(text, first, n + 1, 2, 64, &e), 0);
		assert_string_equal(seen, wanted);
	}
	assert_int_equal(read_pieces(text, 1, 1, 2, 64, &e), 0);
	assert_string_equal(seen, wanted);
}

static void test_values(void **state)
{
	(void)state;
	expect("{\"kind\":\"x\",\"items\":[{\"a\":1},2,\"three\",[4],null , -1.5e3 ],\"nextPageToken\":\"t\"}",
	       "0 {\"a\":1}\n0 2\n0 \"three\"\n0 [4]\n0 null\n0 -1.5e3\n1 \"t\"\n");
	expect("{\"nextPageToken\" : 12 , \"items\" : []}", "1 12\n");
	expect("{\"nextPageToken\":12}", "1 12\n");
	expect("{}", "");
	expect(" [1] ", "");
	expect("7", "");
}

/* Only of the outermost object, and only where an array is. */
static void test_not_wanted(void **state)
{
	(void)state;
	expect("{\"a\":{\"items\":[1],\"nextPageToken\":2},\"b\":[{\"items\":[3]}]}", "");
	expect("{\"items\":{\"items\":[1]}}", "");
	expect("{\"items\":5,\"x\":[1]}", "");
	expect("[\"items\",[1],{\"items\":[2]}]", "");
	expect("{\"item\":[1],\"itemss\":[2],\"\":[3],\"Items\":[4]}", "");
	expect("{\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\":[1]}",
	       "");
}

/* Keys are what their escapes stand for; of values nothing is touched. */
static void test_escapes(void **state)
{
	(void)state;
	expect("{\"it\\u0065ms\":[\"\\u0065\\\"]}\",\"\xc3\xa4\"]}",
	       "0 \"\\u0065\\\"]}\"\n0 \"\xc3\xa4\"\n");
	expect("{\"items\":[{\"}\":\"{\"},\"[\"]}", "0 {\"}\":\"{\"}\n0 \"[\"\n");
}

static void test_the_same_key_twice(void **state)
{
	(void)state;
	expect("{\"items\":[1],\"x\":[9],\"items\":[2]}", "0 1\n0 2\n");
}

static void test_document_itself(void **state)
{
	static const struct json_want whole[] = {{NULL, false}};
	static const char *const texts[] = {"{\"a\":[1,{}]}", "[]", "12", "\"x\"", "null"};
	struct err e = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		char buf[32], wanted[64];
		struct json_stream s = {.what = "answer",
					.wants = whole,
					.want_count = 1,
					.buf = buf,
					.size = sizeof(buf),
					.take = note};

		seen[0] = '\0';
		assert_int_equal(json_stream_feed(&s, "  ", 2, &e), 0);
		for (const char *p = texts[i]; *p; p++)
			assert_int_equal(json_stream_feed(&s, p, 1, &e), 0);
		assert_int_equal(json_stream_feed(&s, " \n", 2, &e), 0);
		assert_int_equal(json_stream_end(&s, &e), 0);
		snprintf(wanted, sizeof(wanted), "0 %s\n", texts[i]);
		assert_string_equal(seen, wanted);
	}
}

static void test_elements_of_the_document(void **state)
{
	struct err e = {0};

	(void)state;
	assert_int_equal(read_pieces("[1,{\"items\":[2]},[3]]", 1, 1, 4, 64, &e), 0);
	assert_string_equal(seen, "3 1\n3 {\"items\":[2]}\n3 [3]\n");
}

/* A value that fits to the byte, and one that is a byte too long. */
static void test_too_long(void **state)
{
	struct err e = {0};

	(void)state;
	assert_int_equal(read_pieces("{\"items\":[\"123456\"]}", 1, 3, 2, 8, &e), 0);
	assert_int_equal(
		read_pieces("{\"x\":\"123456789012345\",\"items\":[\"1234567\"]}", 1, 3, 2, 8, &e),
		-1);
	assert_int_equal(e.code, ERR_STATE);
	assert_string_equal(e.msg, "read JSON: answer, byte 41: items is longer than 8 bytes");
}

static void test_no_json(void **state)
{
	static const struct {
		const char *text, *said;
	} cases[] = {
		{"<html>", "read JSON: answer, byte 1: want a value"},
		{"{\"items\":[1,]}", "read JSON: answer, byte 13: want a value"},
		{"{\"items\":[1", "read JSON: answer, byte 12: the text ends too early"},
		{"{} {}", "read JSON: answer, byte 4: want nothing after the document"},
		{"", "read JSON: answer, byte 1: the text ends too early"},
		{"{\"a\":\"\x80\"}", "read JSON: answer, byte 7: want valid UTF-8"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		for (size_t piece = 1; piece < 8; piece++) {
			struct err e = {0};

			assert_int_equal(read_pieces(cases[i].text, piece, piece, 2, 64, &e), -1);
			assert_int_equal(e.code, ERR_DECODE);
			assert_string_equal(e.msg, cases[i].said);
		}
}

static void test_taker_may_refuse(void **state)
{
	struct err e = {0};

	(void)state;
	assert_int_equal(read_pieces("{\"items\":[1,\"no\",2]}", 1, 1, 2, 64, &e), -1);
	assert_string_equal(e.msg, "not that one");
	assert_string_equal(seen, "0 1\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_not_wanted),
		cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_the_same_key_twice),
		cmocka_unit_test(test_document_itself),
		cmocka_unit_test(test_elements_of_the_document),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_no_json),
		cmocka_unit_test(test_taker_may_refuse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
