/* json/reader: values by name, errors with their path, strings unescaped. */
#include "unit.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/compiler.h"
#include "json/grammar.h"
#include "json/reader.h"

static struct err e;

static int reset(void **state)
{
	(void)state;
	arena_reset();
	err_clear(&e);
	return 0;
}

static struct json open_bytes(const char *text, size_t n)
{
	return json_open(text, n, "configuration", &e);
}

static struct json open_text(const char *text)
{
	struct json v = open_bytes(text, strlen(text));

	if (e.code)
		fail_msg("%s: %s", text, e.msg);
	return v;
}

static void test_every_type(void **state)
{
	static const char text[] = "{\"s\":\"x\",\"t\":true,\"f\":false,\"n\":7,\"m\":-1,\"a\":[],"
				   "\"o\":{},\"z\":null}";
	struct json root = open_text(text);

	(void)state;
	assert_int_equal(json_type(root), JSON_OBJECT);
	assert_int_equal(json_type(json_get(root, "s")), JSON_STRING);
	assert_int_equal(json_type(json_get(root, "t")), JSON_BOOL);
	assert_int_equal(json_type(json_get(root, "f")), JSON_BOOL);
	assert_int_equal(json_type(json_get(root, "n")), JSON_NUMBER);
	assert_int_equal(json_type(json_get(root, "m")), JSON_NUMBER);
	assert_int_equal(json_type(json_get(root, "a")), JSON_ARRAY);
	assert_int_equal(json_type(json_get(root, "o")), JSON_OBJECT);
	assert_int_equal(json_type(json_get(root, "z")), JSON_ABSENT);
	assert_int_equal(json_type(json_get(root, "missing")), JSON_ABSENT);
	assert_string_equal(json_str(json_get(root, "s"), "dflt"), "x");
	assert_true(json_bool(json_get(root, "t"), false));
	assert_false(json_bool(json_get(root, "f"), true));
	assert_int_equal(json_u32(json_get(root, "n"), 1, 10), 7);
	assert_int_equal(e.code, 0);
}

/* A document may be a single value; what is made of it is the caller's business. */
static void test_scalar_documents(void **state)
{
	static const struct {
		const char *text;
		enum json_type type;
	} cases[] = {{"1", JSON_NUMBER},    {" -0.5 ", JSON_NUMBER}, {"true", JSON_BOOL},
		     {"null", JSON_ABSENT}, {"\"x\"", JSON_STRING},  {"[]", JSON_ARRAY}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct json v;

		reset(NULL);
		v = open_text(cases[i].text);
		assert_int_equal(json_type(v), cases[i].type);
		if (json_present(v))
			assert_string_equal(json_path(v), "");
	}
}

static void test_defaults_for_absent_values(void **state)
{
	struct json root = open_text("{\"null\":null,\"o\":{}}");
	static const char *const keys[] = {"null", "missing"};
	struct prefix p = {.len = 9};
	struct ip ip = {.family = 9};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		struct json v = json_get(root, keys[i]);

		assert_string_equal(json_str(v, "dflt"), "dflt");
		assert_null(json_str(v, NULL));
		assert_true(json_bool(v, true));
		assert_int_equal(json_u32(v, 42, 10), 42);
		assert_false(json_ip(v, &ip));
		assert_false(json_prefix(v, &p));
		assert_false(json_present(json_get(json_get(v, "deeper"), "still")));
		json_each(element, v)
			fail();
	}
	assert_int_equal(ip.family, 9);
	assert_int_equal(p.len, 9);
	assert_int_equal(e.code, 0);
}

/* A struct json that nobody has filled in is an absent value, not a crash. */
static void test_zeroed_value_is_absent(void **state)
{
	struct json v = {0};

	(void)state;
	assert_false(json_present(v));
	assert_string_equal(json_str(json_get(v, "x"), "dflt"), "dflt");
	json_each(element, v)
		fail();
}

static void test_keys_as_go_matches_them(void **state)
{
	struct json root = open_text("{\"CNIVERSION\":\"1\",\"mtu\":1,\"MTU\":2,\"m\\u0074u\":3,"
				     "\"nam\":\"short\",\"names\":\"long\"}");

	(void)state;
	assert_string_equal(json_str(json_get(root, "cniVersion"), ""), "1");
	assert_int_equal(json_u32(json_get(root, "mtu"), 0, 9), 3); /* the last of several */
	assert_false(json_present(json_get(root, "name")));
	assert_false(json_present(json_get(root, "")));
}

/* A key is looked for among the members, never among their values or deeper down. */
static void test_values_are_no_keys(void **state)
{
	struct json root =
		open_text("{\"a\":\"b\",\"c\":{\"b\":1},\"d\":[\"b\",{\"b\":2}],\"e\":9}");

	(void)state;
	assert_false(json_present(json_get(root, "b")));
	assert_int_equal(json_u32(json_get(root, "e"), 0, 9), 9);
	assert_int_equal(json_u32(json_get(json_get(root, "c"), "b"), 0, 9), 1);
}

static void test_strings(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {{"\"\"", ""},
		     {"\"plain\"", "plain"},
		     {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t"},
		     {"\"\\u0041\\u00e4\\u20AC\"", "A\xc3\xa4\xe2\x82\xac"},
		     {"\"\\ud83d\\ude00\"", "\xf0\x9f\x98\x80"},
		     {"\"\\uD800\\uDC00\\uDBFF\\uDFFF\"", "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"},
		     {"\"\\u007f\\u0080\\u07ff\\u0800\\uffff\"",
		      "\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf"},
		     /* Halves of surrogate pairs, as Go replaces them. */
		     {"\"\\ud800\"", "\xef\xbf\xbd"},
		     {"\"\\udc00x\"", "\xef\xbf\xbdx"},
		     {"\"\\ud800\\u0041\"", "\xef\xbf\xbd"
					    "A"},
		     {"\"\\ud800\\ud83d\\ude00\"", "\xef\xbf\xbd\xf0\x9f\x98\x80"},
		     {"\"\\ud83d\\n\"", "\xef\xbf\xbd\n"},
		     {"\"\\ud83dabcdefgh\"", "\xef\xbf\xbd"
					     "abcdefgh"},
		     {"\"\xc3\xa4\xf0\x9f\x98\x80\"", "\xc3\xa4\xf0\x9f\x98\x80"}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		reset(NULL);
		assert_string_equal(json_str(open_text(cases[i].text), NULL), cases[i].want);
		assert_int_equal(e.code, 0);
	}
}

static void test_nul_in_a_string(void **state)
{
	struct json root = open_text("{\"a\":\"x\\u0000y\",\"b\\u0000\":1}");

	(void)state;
	assert_false(json_present(json_get(root, "b")));
	assert_string_equal(json_str(json_get(root, "a"), "dflt"), "dflt");
	assert_int_equal(e.code, ERR_CONFIG);
	assert_string_equal(e.msg,
			    "configuration: a: want a string without NUL, got \"x\\u0000y\"");
}

static void test_numbers(void **state)
{
	static const struct {
		const char *text;
		uint32_t max;
		int64_t want; /* -1: refused */
	} cases[] = {{"0", 0, 0},
		     {"1", 0, -1},
		     {"65535", 65535, 65535},
		     {"65536", 65535, -1},
		     {"4294967295", UINT32_MAX, UINT32_MAX},
		     {"4294967296", UINT32_MAX, -1},
		     {"42949672950", UINT32_MAX, -1},
		     {"18446744073709551616", UINT32_MAX, -1},
		     {"18446744073709551617", UINT32_MAX, -1},
		     {"99999999999999999999999", UINT32_MAX, -1},
		     {"-1", 9, -1},
		     {"1.0", 9, -1},
		     {"1e0", 9, -1},
		     {"0.5", 9, -1},
		     {"\"1\"", 9, -1},
		     {"true", 9, -1},
		     {"[]", 9, -1},
		     {"{}", 9, -1}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct json v;

		reset(NULL);
		v = open_text(cases[i].text);
		if (cases[i].want >= 0) {
			assert_int_equal(json_u32(v, 77, cases[i].max), cases[i].want);
			assert_int_equal(e.code, 0);
		} else {
			assert_int_equal(json_u32(v, 77, cases[i].max), 77);
			assert_int_equal(e.code, ERR_CONFIG);
		}
	}
}

static void test_messages_name_path_and_value(void **state)
{
	static const char text[] =
		"{\"ipam\":{\"ranges\":[[{\"subnet\":\"10.0.0.0/8\"},{\"subnet\":\"10.300.0.0/8\"}]]},"
		"\"mtu\":\"big\",\"dns\":{\"n\":[1,2]},\"long\":"
		"\"0123456789012345678901234567890123456789012345678901234567890123456789\"}";
	struct json root = open_text(text), v;
	struct prefix p;
	struct ip ip;

	(void)state;
	json_u32(json_get(root, "mtu"), 0, 65535);
	assert_string_equal(e.msg,
			    "configuration: mtu: want a whole number from 0 to 65535, got \"big\"");
	err_clear(&e);

	v = json_first(json_get(json_get(root, "ipam"), "ranges"));
	v = json_next(json_first(v));
	assert_false(json_prefix(json_get(v, "subnet"), &p));
	assert_string_equal(e.msg, "configuration: ipam.ranges[0][1].subnet: want a range such as "
				   "10.244.0.0/24, got \"10.300.0.0/8\"");
	err_clear(&e);

	json_str(json_get(json_get(root, "dns"), "n"), "");
	assert_string_equal(e.msg, "configuration: dns.n: want a string, got [1,2]");
	err_clear(&e);

	json_fault(json_get(json_get(root, "dns"), "domain"), ERR_FIELD, "want %s", "a name");
	assert_int_equal(e.code, ERR_FIELD);
	assert_string_equal(e.msg, "configuration: dns.domain: want a name, but it is missing");
	err_clear(&e);

	json_get(json_get(root, "mtu"), "x");
	assert_string_equal(e.msg, "configuration: mtu: want an object, got \"big\"");
	err_clear(&e);

	json_first(root);
	assert_true(strstr(e.msg, "configuration: want an array, got {\"ipam\"") == e.msg);
	err_clear(&e);

	assert_false(json_ip(json_get(root, "long"), &ip));
	assert_string_equal(e.msg,
			    "configuration: long: want an IP address, got "
			    "\"01234567890123456789012345678901234567890123456789012345678...");

	/* The first error stays. */
	json_bool(json_get(root, "mtu"), false);
	assert_true(strstr(e.msg, "long: want an IP address") != NULL);
}

static void test_path_longer_than_its_room(void **state)
{
	char text[4096] = "";
	char key[120];
	struct json v;

	(void)state;
	memset(key, 'k', sizeof(key) - 1);
	key[sizeof(key) - 1] = '\0';
	for (int i = 0; i < 6; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "{\"%s\":[", key);
	strcat(text, "true");
	for (int i = 0; i < 6; i++)
		strcat(text, "]}");
	v = open_text(text);
	for (int i = 0; i < 6; i++)
		v = json_first(json_get(v, key));
	json_str(v, "");
	assert_int_equal(e.code, ERR_CONFIG);
	assert_true(strncmp(e.msg, "configuration: kkkk", 19) == 0);
	assert_non_null(strstr(e.msg, "want a string, got true"));
	json_path(json_get(v, "deeper"));
}

static void test_iteration(void **state)
{
	struct json root =
		open_text("{\"a\":[1,[2,3],{\"x\":4},[],{},5],\"b\":{\"k1\":[9,9],\"k\\u0032\":"
			  "{\"z\":1},\"k3\":3}}");
	static const char *const names[] = {"k1", "k2", "k3"};
	static const enum json_type types[] = {JSON_NUMBER, JSON_ARRAY,	 JSON_OBJECT,
					       JSON_ARRAY,  JSON_OBJECT, JSON_NUMBER};
	unsigned n = 0;
	size_t len;

	(void)state;
	json_each(v, json_get(root, "a"))
		assert_int_equal(json_type(v), types[n++]);
	assert_int_equal(n, 6);
	n = 0;
	for (struct json m = json_first_member(json_get(root, "b")); m.tok >= 0 && n < 3;
	     m = json_next_member(m))
		assert_string_equal(json_name(m), names[n++]);
	assert_int_equal(n, 3);
	assert_memory_equal(json_raw(json_get(json_get(root, "b"), "k2"), &len), "{\"z\":1}", 7);
	assert_int_equal(len, 7);
	assert_memory_equal(json_raw(json_first(json_get(root, "a")), &len), "1", 1);
	assert_int_equal(len, 1);
	assert_int_equal(e.code, 0);
}

static void test_raw_string_keeps_its_quotes(void **state)
{
	size_t len;
	const char *raw = json_raw(open_text(" \"a\\\"b\" "), &len);

	(void)state;
	assert_int_equal(len, 6);
	assert_memory_equal(raw, "\"a\\\"b\"", 6);
}

static void test_addresses(void **state)
{
	struct json root = open_text("{\"a\":\"10.0.0.1\",\"p\":\"fd00::1/64\",\"empty\":\"\","
				     "\"bad\":\"10.0.0.1/8\"}");
	struct prefix p;
	struct ip ip;

	(void)state;
	assert_true(json_ip(json_get(root, "a"), &ip));
	assert_int_equal(ip.family, 4);
	assert_true(json_prefix(json_get(root, "p"), &p));
	assert_int_equal(p.len, 64);
	assert_false(json_ip(json_get(root, "empty"), &ip)); /* Go's nil address */
	assert_int_equal(e.code, 0);
	assert_false(json_prefix(json_get(root, "empty"), &p));
	assert_int_equal(e.code, ERR_CONFIG);
	err_clear(&e);
	assert_false(json_ip(json_get(root, "bad"), &ip));
	assert_int_equal(e.code, ERR_CONFIG);
}

static void test_what_is_not_json(void **state)
{
	static const char nul[] = "{\"a\":\"\\\0\"}";

	(void)state;
	assert_false(json_present(open_bytes("", 0)));
	assert_int_equal(e.code, ERR_DECODE);
	assert_string_equal(e.msg,
			    "read JSON: configuration, line 1, column 1: the text ends too early");
	err_clear(&e);
	assert_false(json_present(open_bytes("{\n  \"a\": 1,\n  \"b\" 2\n}", 21)));
	assert_string_equal(e.msg,
			    "read JSON: configuration, line 3, column 7: want ':' after the key");
	err_clear(&e);
	assert_false(json_present(open_bytes(nul, sizeof(nul) - 1)));
	assert_int_equal(e.code, ERR_DECODE);
}

/* Every prefix of a document is an error, and none is read beyond its end. */
static void test_every_prefix(void **state)
{
	static const char text[] =
		"{\"name\": \"my\\u006eet\", \"list\": [1, {\"k\": null}], \"t\": true}";

	(void)state;
	for (size_t n = 0; n < sizeof(text) - 1; n++) {
		char *copy = malloc(n ? n : 1);

		assert_non_null(copy);
		memcpy(copy, text, n);
		reset(NULL);
		assert_false(json_present(open_bytes(copy, n)));
		assert_int_equal(e.code, ERR_DECODE);
		free(copy);
	}
	reset(NULL);
	assert_string_equal(json_str(json_get(open_text(text), "name"), ""), "mynet");
}

/* The largest document in its densest form fits in the arena; one byte more is refused. */
static void test_largest_document(void **state)
{
	static char text[JSON_TEXT_MAX + 1];
	char *stdin_copy;
	unsigned n = 0;
	struct json v;

	(void)state;
	for (size_t i = 0; i < JSON_TEXT_MAX; i++)
		text[i] = i % 2 ? '1' : ',';
	text[0] = '[';
	text[JSON_TEXT_MAX - 2] = ' ';
	text[JSON_TEXT_MAX - 1] = ']';
	stdin_copy = arena_take(JSON_TEXT_MAX + 1, &e); /* where a request keeps its text */
	assert_non_null(stdin_copy);
	memcpy(stdin_copy, text, JSON_TEXT_MAX);
	v = json_open(stdin_copy, JSON_TEXT_MAX, "configuration", &e);
	assert_int_equal(e.code, 0);
	json_each(element, v)
		n++;
	assert_int_equal(n, JSON_TEXT_MAX / 2 - 1);

	text[JSON_TEXT_MAX] = ' ';
	assert_false(json_present(open_bytes(text, JSON_TEXT_MAX + 1)));
	assert_int_equal(e.code, ERR_DECODE);
}

static void test_full_arena_is_an_error(void **state)
{
	(void)state;
	assert_non_null(arena_take(ARENA_SIZE - 64, &e));
	assert_false(json_present(open_bytes("[1,2,3,4,5,6,7]", 15)));
	assert_int_equal(e.code, ERR_INTERNAL);
}

#define TEST(f) cmocka_unit_test_setup(f, reset)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_every_type),
		TEST(test_scalar_documents),
		TEST(test_defaults_for_absent_values),
		TEST(test_zeroed_value_is_absent),
		TEST(test_keys_as_go_matches_them),
		TEST(test_values_are_no_keys),
		TEST(test_strings),
		TEST(test_nul_in_a_string),
		TEST(test_numbers),
		TEST(test_messages_name_path_and_value),
		TEST(test_path_longer_than_its_room),
		TEST(test_iteration),
		TEST(test_raw_string_keeps_its_quotes),
		TEST(test_addresses),
		TEST(test_what_is_not_json),
		TEST(test_every_prefix),
		TEST(test_largest_document),
		TEST(test_full_arena_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
