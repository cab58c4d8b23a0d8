/* json/grammar: RFC 8259, what it allows and what jsmn lets through although it does not. */
#include "unit.h"

#include <stdlib.h>

#include "base/compiler.h"
#include "json/grammar.h"

/* Bytes with their length, so that they may hold NUL. */
#define BYTES(s)                                                                                   \
	{                                                                                          \
		s, sizeof(s) - 1                                                                   \
	}

struct bytes {
	const char *p;
	size_t n;
};

/* Checked in a block of exactly that size, so that ASan sees a byte too far. */
static long fault_in(const char *text, size_t n)
{
	char *copy = malloc(n ? n : 1);
	const char *why = NULL;
	long at;

	assert_non_null(copy);
	memcpy(copy, text, n);
	at = json_grammar_fault(copy, n, &why);
	free(copy);
	if (at >= 0) {
		assert_non_null(why);
		assert_true((size_t)at <= n);
	}
	return at;
}

static const struct bytes accepted[] = {
	BYTES("{}"),
	BYTES("[]"),
	BYTES("0"),
	BYTES("-0"),
	BYTES("-1.5e-10"),
	BYTES("1E+2"),
	BYTES("1e00"),
	BYTES("0.0"),
	BYTES("true"),
	BYTES("false"),
	BYTES("null"),
	BYTES("\"\""),
	BYTES(" \t\r\n[ ] \n"),
	BYTES("[1,2 , 3]"),
	BYTES("[[],[[]],{}]"),
	BYTES("{\"a\":1,\"a\":2}"),
	BYTES("{ \"a\" : { \"b\" : [ null ] } }"),
	BYTES("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0000\\uD834\\udd1e\""),
	BYTES("\"\x7f\""),
	BYTES("\"\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\""),
	BYTES("\"\\ud800\""), /* a lone surrogate is an escape like any other to the grammar */
	BYTES("[\"]\",\"}\",\",\",\":\"]"),
	BYTES("123456789012345678901234567890")};

static const struct bytes refused[] = {
	/* What jsmn lets through, strict or not. */
	BYTES(""), BYTES(" "), BYTES("{\"a\"}"), BYTES("{\"a\":1,}"), BYTES("[1,]"),
	BYTES("[1,,3]"), BYTES("[,1]"), BYTES("{,}"), BYTES("{\"a\":nope}"),
	BYTES("{\"a\":1}{\"b\":2}"), BYTES("{\"a\":1} x"), BYTES("{\"a\":1}}"), BYTES("[1]]"),
	BYTES("{\"a\":1:2}"), BYTES("{\"a\" 1}"), BYTES("[1 2]"), BYTES("{\"a\":}"), BYTES("{:1}"),
	BYTES("{1:2}"), BYTES("{\"a\":1,\"b\"}"), BYTES("[\"a\":1]"), BYTES("{\"a\",\"b\"}"),
	BYTES("{[]:1}"), BYTES("[nul]"), BYTES("[nullx]"), BYTES("[tru e]"), BYTES("[-]"),
	BYTES("[-a]"), BYTES("[0x10]"), BYTES("[01]"), BYTES("[-01]"), BYTES("[1.]"), BYTES("[.5]"),
	BYTES("[1e]"), BYTES("[1e+]"), BYTES("[+1]"), BYTES("[1.2.3]"), BYTES("[1e5.0]"),
	BYTES("[1_000]"), BYTES("\"a\"\"b\""), BYTES("{\"a\":\"b\"\"c\"}"), BYTES("[\"\t\"]"),
	BYTES("[\"\n\"]"), BYTES("[\"\x1f\"]"),
	/* Brackets and words. */
	BYTES("["), BYTES("]"), BYTES("{"), BYTES("}"), BYTES("[}"), BYTES("{]"),
	BYTES("{\"a\":[}"), BYTES("True"), BYTES("NULL"), BYTES("NaN"), BYTES("Infinity"),
	BYTES("'a'"), BYTES("[1]/**/"), BYTES("//\n1"), BYTES("\xef\xbb\xbf{}"), BYTES("\v1"),
	BYTES("\f1"), BYTES("\xa0 1"),
	/* Strings. */
	BYTES("\""), BYTES("\"\\"), BYTES("\"\\\""), BYTES("\"\\a\""), BYTES("\"\\'\""),
	BYTES("\"\\x41\""), BYTES("\"\\U0041\""), BYTES("\"\\u\""), BYTES("\"\\u00g0\""),
	BYTES("\"\\u123\""), BYTES("\"\\u 123\""),
	/* NUL bytes. */
	BYTES("\0"), BYTES("{}\0"), BYTES("[\0]"), BYTES("\"\0\""), BYTES("\"\\\0\""),
	BYTES("\"\\u\0000\""),
	/* UTF-8: stray, cut short, overlong, surrogates, beyond U+10FFFF. */
	BYTES("\"\x80\""), BYTES("\"\xbf\""), BYTES("\"\xc2\""), BYTES("\"\xc2\x41\""),
	BYTES("\"\xe0\xa0\""), BYTES("\"\xf0\x90\x80\""), BYTES("\"\xc0\x80\""),
	BYTES("\"\xc1\xbf\""), BYTES("\"\xe0\x9f\xbf\""), BYTES("\"\xed\xa0\x80\""),
	BYTES("\"\xed\xbf\xbf\""), BYTES("\"\xf0\x8f\xbf\xbf\""), BYTES("\"\xf4\x90\x80\x80\""),
	BYTES("\"\xf5\x80\x80\x80\""), BYTES("\"\xfe\""), BYTES("\"\xff\""), BYTES("\xc3\xa4"),
	BYTES("\"\xc3"), BYTES("\"\xf0\x9f\x98")};

static void test_accepted(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(accepted); i++)
		if (fault_in(accepted[i].p, accepted[i].n) != -1)
			fail_msg("refused: %s", accepted[i].p);
}

static void test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		if (fault_in(refused[i].p, refused[i].n) < 0)
			fail_msg("accepted: case %zu, %s", i, refused[i].p);
}

static const char *const documents[] = {
	"{\"cniVersion\": \"0.3.1\", \"name\": \"mynet\", \"mtu\": 1460, \"a\": [true, null, -1.5e3]}",
	"[{\"k\": \"\\u00e4\\n\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"}, [], {}, [[\"\"]], false]",
	"\"text\\\\\""};

/* No proper prefix of a document is one: it is cut short, and the fault is at its end. */
static void test_every_prefix_is_refused(void **state)
{
	(void)state;
	for (size_t d = 0; d < ARRAY_SIZE(documents); d++) {
		size_t n = strlen(documents[d]);

		assert_int_equal(fault_in(documents[d], n), -1);
		for (size_t i = 0; i < n; i++)
			if (fault_in(documents[d], i) < 0)
				fail_msg("the first %zu bytes of %s were accepted", i,
					 documents[d]);
	}
}

/* It is the first byte that cannot be, not the end of what it is in. */
static void test_offset_of_the_fault(void **state)
{
	static const struct {
		const char *text;
		long at;
	} cases[] = {{"{\"a\":1,}", 7},	 {"[1,,3]", 3}, {"{\"a\"}", 4}, {"{} {}", 3},
		     {"  x", 2},	 {"[1", 2},	{"[01]", 2},	{"\"\\q\"", 2},
		     {"\"\\u12x4\"", 5}, {"[tru]", 4}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(fault_in(cases[i].text, strlen(cases[i].text)), cases[i].at);
}

static void test_depth(void **state)
{
	static const char openers[][6] = {"[", "{\"a\":"};
	static const char closers[] = "]}";

	(void)state;
	for (unsigned kind = 0; kind < 2; kind++) {
		for (size_t depth = JSON_DEPTH_MAX - 1; depth <= JSON_DEPTH_MAX + 1; depth++) {
			char text[8 * JSON_DEPTH_MAX] = "";

			for (size_t i = 0; i < depth; i++)
				strcat(text, openers[kind]);
			strcat(text, "1");
			for (size_t i = 0; i < depth; i++)
				text[strlen(text)] = closers[kind];
			assert_int_equal(fault_in(text, strlen(text)) == -1,
					 depth <= JSON_DEPTH_MAX);
		}
	}
}

/* Objects and arrays in turn: the closing bracket of each level must be its own. */
static void test_brackets_match_at_every_depth(void **state)
{
	char text[8 * JSON_DEPTH_MAX] = "";
	size_t closers;

	(void)state;
	for (size_t i = 0; i < JSON_DEPTH_MAX; i++)
		strcat(text, i % 2 ? "{\"a\":" : "[");
	strcat(text, "0");
	closers = strlen(text);
	for (size_t i = JSON_DEPTH_MAX; i-- > 0;)
		strcat(text, i % 2 ? "}" : "]");
	assert_int_equal(fault_in(text, strlen(text)), -1);
	for (size_t i = closers; text[i]; i++) {
		char right = text[i];

		text[i] = right == '}' ? ']' : '}';
		assert_int_equal(fault_in(text, strlen(text)), (long)i);
		text[i] = right;
	}
}

/* A megabyte of opening brackets ends at the bound, not on the stack. */
static void test_depth_bomb(void **state)
{
	static char bomb[1 << 20];

	(void)state;
	memset(bomb, '[', sizeof(bomb));
	assert_int_equal(fault_in(bomb, sizeof(bomb)), JSON_DEPTH_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_accepted),
					   cmocka_unit_test(test_refused),
					   cmocka_unit_test(test_every_prefix_is_refused),
					   cmocka_unit_test(test_offset_of_the_fault),
					   cmocka_unit_test(test_depth),
					   cmocka_unit_test(test_brackets_match_at_every_depth),
					   cmocka_unit_test(test_depth_bomb)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
