/* http/url: RFC 3986 as far as requests need it, and nothing that two programs could read differently. */
#include "unit.h"

#include <string.h>

#include "base/compiler.h"
#include "http/url.h"

static void test_taken(void **state)
{
	static const struct {
		const char *text;
		bool https;
		const char *host;
		uint16_t port;
		const char *target, *authority;
	} cases[] = {
		{"http://example.com", false, "example.com", 80, "/", "example.com"},
		{"HTTPS://Example.COM./a", true, "example.com", 443, "/a", "example.com"},
		{"https://h:8443/a/b?c=d/e?f&g=%2F", true, "h", 8443, "/a/b?c=d/e?f&g=%2F",
		 "h:8443"},
		{"http://h?q", false, "h", 80, "/?q", "h"},
		{"http://h:/", false, "h", 80, "/", "h"},
		{"http://h:80/", false, "h", 80, "/", "h"},
		{"https://h:80/", true, "h", 80, "/", "h:80"},
		{"http://169.254.169.254/computeMetadata/v1/", false, "169.254.169.254", 80,
		 "/computeMetadata/v1/", "169.254.169.254"},
		{"http://[FD20:CE::0:254]:65535/", false, "fd20:ce::254", 65535, "/",
		 "[fd20:ce::254]:65535"},
		{"http://[::1]", false, "::1", 80, "/", "[::1]"},
		{"http://a_b.c-d/~x;y=(1)!*',:@$", false, "a_b.c-d", 80, "/~x;y=(1)!*',:@$",
		 "a_b.c-d"},
		{"http://1a.2b", false, "1a.2b", 80, "/", "1a.2b"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char authority[URL_AUTHORITY_MAX];
		struct err e = {0};
		struct url u;

		assert_int_equal(url_parse(&u, cases[i].text, strlen(cases[i].text), &e), 0);
		assert_int_equal(u.https, cases[i].https);
		assert_string_equal(u.host, cases[i].host);
		assert_int_equal(u.port, cases[i].port);
		assert_string_equal(u.target, cases[i].target);
		assert_string_equal(url_authority(authority, &u, false), cases[i].authority);
	}
}

static void test_refused(void **state)
{
	static const struct {
		const char *text, *words;
	} cases[] = {
		{"", "neither"},
		{"example.com", "neither"},
		{"ftp://h/", "neither"},
		{"http:/h", "neither"},
		{"http://", "no host"},
		{"http://:80/", "no host"},
		{"http://user@h/", "user name or password"},
		{"http://user:secret@h/", "user name or password"},
		{"http://h#f", "fragment"},
		{"http://h/#f", "fragment"},
		{"http://h/a b", "percent-encoded"},
		{"http://h/\r\nA: b", "percent-encoded"},
		{"http://h/\x80", "percent-encoded"},
		{"http://h/\"", "percent-encoded"},
		{"http://h/%", "percent-encoded"},
		{"http://h/%2", "percent-encoded"},
		{"http://h/%zz", "percent-encoded"},
		{"http://h:0/", "port"},
		{"http://h:65536/", "port"},
		{"http://h:+1/", "port"},
		{"http://h:000080/", "port"},
		{"http://::1/", "neither a DNS name"},
		{"http://[1.2.3.4]/", "brackets"},
		{"http://[::1/", "neither a DNS name"},
		{"http://[h]/", "no IPv6 address"},
		{"http://[fe80::1%25eth0]/", "no IPv6 address"},
		{"http://[::1]x/", "neither a DNS name"},
		{"http://1.2.3/", "neither a DNS name"},
		{"http://1.2.3.256/", "neither a DNS name"},
		{"http://0x7f.1/", "neither a DNS name"},
		{"http://2130706433/", "neither a DNS name"},
		{"http://a..b/", "neither a DNS name"},
		{"http://.a/", "neither a DNS name"},
		{"http://a%2eb/", "neither a DNS name"},
		{"http://a\\b/", "neither a DNS name"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err e = {0};
		struct url u;

		if (url_parse(&u, cases[i].text, strlen(cases[i].text), &e) != -1)
			fail_msg("taken: %s", cases[i].text);
		assert_int_equal(e.code, ERR_FIELD);
		if (!strstr(e.msg, cases[i].words))
			fail_msg("%s: %s", cases[i].text, e.msg);
		assert_null(strstr(e.msg, "secret"));
	}
}

static void test_lengths(void **state)
{
	char text[URL_MAX + 2];
	struct err e = {0};
	struct url u;

	(void)state;
	snprintf(text, sizeof(text), "%s", "http://h/");
	memset(text + 9, 'a', sizeof(text) - 9);
	assert_int_equal(url_parse(&u, text, URL_MAX, &e), 0);
	assert_int_equal(strlen(u.target), URL_MAX - 8);
	assert_int_equal(url_parse(&u, text, URL_MAX + 1, &e), -1);
	err_clear(&e);
	text[8] = '?'; /* one more is put in front */
	assert_int_equal(url_parse(&u, text, URL_MAX, &e), 0);
	assert_int_equal(strlen(u.target), URL_MAX - 7);
	text[8] = 'a';
	assert_int_equal(url_parse(&u, text, 7 + 64, &e), -1); /* a label has 63 at most */
	err_clear(&e);
	assert_int_equal(url_parse(&u, text, 7 + 63, &e), 0);
	for (size_t i = 7 + 60; i < sizeof(text); i += 50)
		text[i] = '.';
	assert_int_equal(url_parse(&u, text, 7 + URL_HOST_MAX, &e), 0);
	assert_int_equal(url_parse(&u, text, 7 + URL_HOST_MAX + 1, &e), -1);
	err_clear(&e);
	assert_int_equal(url_parse(&u, "http://h\0x/", 11, &e), -1);
}

static void test_same_origin(void **state)
{
	struct err e = {0};
	struct url a, b;

	(void)state;
	assert_int_equal(url_parse(&a, "https://A/x", 11, &e), 0);
	assert_int_equal(url_parse(&b, "https://a.:443/y", 16, &e), 0);
	assert_true(url_same_origin(&a, &b));
	assert_int_equal(url_parse(&b, "http://a:443/y", 14, &e), 0);
	assert_false(url_same_origin(&a, &b));
	assert_int_equal(url_parse(&b, "https://a:444/", 14, &e), 0);
	assert_false(url_same_origin(&a, &b));
}

static void test_escape(void **state)
{
	char buf[32];

	(void)state;
	/* Python: urllib.parse.quote("a-Z_0.~ /?&=+%ä", safe="") */
	assert_int_equal(url_escape(buf, sizeof(buf), "a-Z_0.~ /?"), 16);
	assert_string_equal(buf, "a-Z_0.~%20%2F%3F");
	assert_int_equal(url_escape(buf, sizeof(buf), "&=+%\xc3\xa4"), 18);
	assert_string_equal(buf, "%26%3D%2B%25%C3%A4");
	assert_int_equal(url_escape(buf, 5, "ab cd"), 7);
	assert_string_equal(buf, "ab");
	assert_int_equal(url_escape(NULL, 0, "ab cd"), 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_taken),	cmocka_unit_test(test_refused),
		cmocka_unit_test(test_lengths), cmocka_unit_test(test_same_origin),
		cmocka_unit_test(test_escape),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
