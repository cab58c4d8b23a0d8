/* json/writer: what it writes is JSON whatever it is given, or it says so. */
#include "unit.h"

#include "base/arena.h"
#include "base/compiler.h"
#include "json/grammar.h"
#include "json/reader.h"
#include "json/writer.h"

static void write_sample(struct out *w)
{
	out_object(w, NULL) {
		out_str(w, "cniVersion", "1.1.0");
		out_array(w, "ips") {
			out_object(w, NULL) {
				out_str(w, "address", "10.244.0.2/24");
				out_u64(w, "interface", 0);
			}
			out_str(w, NULL, "x");
		}
		out_array(w, "empty") {
		}
		out_object(w, "none") {
		}
		out_bool(w, "yes", true);
		out_bool(w, "no", false);
		out_raw(w, "raw", "[1, 2]", 6);
		out_u64(w, "most", UINT64_MAX);
	}
}

static const char pretty[] = "{\n"
			     "    \"cniVersion\": \"1.1.0\",\n"
			     "    \"ips\": [\n"
			     "        {\n"
			     "            \"address\": \"10.244.0.2/24\",\n"
			     "            \"interface\": 0\n"
			     "        },\n"
			     "        \"x\"\n"
			     "    ],\n"
			     "    \"empty\": [],\n"
			     "    \"none\": {},\n"
			     "    \"yes\": true,\n"
			     "    \"no\": false,\n"
			     "    \"raw\": [1, 2],\n"
			     "    \"most\": 18446744073709551615\n"
			     "}\n";

static const char dense[] = "{\"cniVersion\":\"1.1.0\",\"ips\":[{\"address\":\"10.244.0.2/24\","
			    "\"interface\":0},\"x\"],\"empty\":[],\"none\":{},\"yes\":true,"
			    "\"no\":false,\"raw\":[1, 2],\"most\":18446744073709551615}\n";

static void test_indented(void **state)
{
	struct err e = {0};
	struct out w;
	char buf[512];

	(void)state;
	out_begin(&w, buf, sizeof(buf));
	write_sample(&w);
	assert_int_equal(out_end(&w, &e), 0);
	assert_string_equal(buf, pretty);
	assert_int_equal(w.len, sizeof(pretty) - 1);
}

static void test_compact(void **state)
{
	struct err e = {0};
	struct out w;
	char buf[512];

	(void)state;
	out_begin(&w, buf, sizeof(buf));
	w.compact = true;
	write_sample(&w);
	assert_int_equal(out_end(&w, &e), 0);
	assert_string_equal(buf, dense);
}

/* Into every size of buffer: the whole text, or an error and no byte beyond the end. */
static void test_every_buffer_size(void **state)
{
	(void)state;
	for (size_t size = 1; size <= sizeof(pretty) + 4; size++) {
		char buf[sizeof(pretty) + 32];
		struct err e = {0};
		struct out w;

		memset(buf, '~', sizeof(buf));
		out_begin(&w, buf, size);
		write_sample(&w);
		if (size >= sizeof(pretty)) {
			assert_int_equal(out_end(&w, &e), 0);
			assert_string_equal(buf, pretty);
		} else {
			assert_int_equal(out_end(&w, &e), -1);
			assert_int_equal(e.code, ERR_INTERNAL);
			assert_true(memchr(buf, '\0', size) != NULL);
		}
		for (size_t i = size; i < sizeof(buf); i++)
			assert_int_equal(buf[i], '~');
	}
}

/* Write text as a string, read it back. */
static const char *there_and_back(const char *text, char *buf, size_t size)
{
	struct err e = {0};
	const char *why = "";
	const char *back;
	struct out w;

	out_begin(&w, buf, size);
	out_str(&w, NULL, text);
	assert_int_equal(out_end(&w, &e), 0);
	if (json_grammar_fault(buf, w.len, &why) >= 0)
		fail_msg("%s: %s", why, buf);
	arena_reset();
	back = json_str(json_open(buf, w.len, "text", &e), NULL);
	assert_int_equal(e.code, 0);
	return back;
}

static void test_every_byte_comes_back(void **state)
{
	char text[128], buf[1024];
	size_t n = 0;

	(void)state;
	for (char b = 1; b > 0 && b < 127; b++)
		text[n++] = b;
	text[n++] = 127;
	text[n] = '\0';
	assert_string_equal(there_and_back(text, buf, sizeof(buf)), text);
}

static void test_escapes(void **state)
{
	char buf[128];

	(void)state;
	there_and_back("\"\\/\n\t\x01\x1f<&>\x7f", buf, sizeof(buf));
	assert_string_equal(buf, "\"\\\"\\\\/\\u000a\\u0009\\u0001\\u001f<&>\x7f\"\n");
}

/*
 * Messages quote what the environment and files hold, and are clipped anywhere: bytes that are not
 * UTF-8 come out as U+FFFD, or no reader would take the document.
 */
static void test_what_is_not_utf8(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"},
		{"a\xff", "a\xef\xbf\xbd"},
		{"\x80z", "\xef\xbf\xbdz"},
		{"\xe2\x82", "\xef\xbf\xbd\xef\xbf\xbd"},
		{"\xc3", "\xef\xbf\xbd"},
		{"\xc3\"", "\xef\xbf\xbd\""},
		{"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
		{"\xc0\x80", "\xef\xbf\xbd\xef\xbf\xbd"}};
	char buf[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(there_and_back(cases[i].text, buf, sizeof(buf)), cases[i].want);
}

static void test_keys_are_escaped_too(void **state)
{
	struct err e = {0};
	struct out w;
	char buf[64];

	(void)state;
	out_begin(&w, buf, sizeof(buf));
	w.compact = true;
	out_object(&w, NULL)
		out_bool(&w, "a\"\n", true);
	assert_int_equal(out_end(&w, &e), 0);
	assert_string_equal(buf, "{\"a\\\"\\u000a\":true}\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_indented),
		cmocka_unit_test(test_compact),
		cmocka_unit_test(test_every_buffer_size),
		cmocka_unit_test(test_every_byte_comes_back),
		cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_what_is_not_utf8),
		cmocka_unit_test(test_keys_are_escaped_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
