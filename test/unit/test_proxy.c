/* http/proxy: which requests go through one, by the environment. */
#include "unit.h"

#include <stdlib.h>

#include "base/compiler.h"
#include "http/proxy.h"

static struct url parse(const char *text)
{
	struct err e = {0};
	struct url u;

	assert_int_equal(url_parse(&u, text, strlen(text), &e), 0);
	return u;
}

static void test_exempt(void **state)
{
	static const struct {
		const char *list, *url;
		bool want;
	} cases[] = {
		{"", "http://a.example", false},
		{"*", "http://a.example", true},
		{"b, * ,c", "http://a.example", true},
		{"a.example", "http://a.example", true},
		{"A.Example", "http://a.example", true},
		{"example", "http://a.example", true},
		{".example", "http://a.example", true},
		{"*.example", "http://a.example", true},
		{".a.example", "http://a.example", true},
		{"ample", "http://a.example", false},
		{"b.example,xa.example", "http://a.example", false},
		{"a.example:80", "http://a.example", true},
		{"a.example:81", "http://a.example", false},
		{"a.example:443", "https://a.example", true},
		{"a.example:x", "https://a.example", false},
		{"192.0.2.1", "http://192.0.2.1", true},
		{"192.0.2.1:8080", "http://192.0.2.1:8080", true},
		{"192.0.2.1:8080", "http://192.0.2.1", false},
		{"192.0.2.0/24", "http://192.0.2.77", true},
		{"192.0.2.0/24", "http://192.0.3.77", false},
		{"2", "http://192.0.2.2", false},
		{"2001:db8::1", "http://[2001:db8::1]", true},
		{"[2001:db8::1]", "http://[2001:db8::1]", true},
		{"[2001:db8::1]:80", "http://[2001:db8::1]", true},
		{"[2001:db8::1]:81", "http://[2001:db8::1]", false},
		{"2001:db8::/32", "http://[2001:db8:1::1]", true},
		{"10.0.0.0/8", "http://[2001:db8:1::1]", false},
		{"10.0.0.0/8", "http://a.example", false},
		{"a\tb.example c", "http://b.example", true},
		{",,", "http://b.example", false},
		{".", "http://b.example", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct url u = parse(cases[i].url);

		if (proxy_exempt(cases[i].list, &u) != cases[i].want)
			fail_msg("%s %s", cases[i].list, cases[i].url);
	}
}

static const char *const variables[] = {"http_proxy", "HTTP_PROXY", "https_proxy",   "HTTPS_PROXY",
					"no_proxy",   "NO_PROXY",   "REQUEST_METHOD"};

/* One request under an environment of "NAME=VALUE", up to three; "host:port" or "" or "error". */
static const char *by(char buf[static URL_AUTHORITY_MAX], const char *url, const char *const *env)
{
	struct url u = parse(url), proxy;
	struct err e = {0};
	int got;

	for (size_t i = 0; i < ARRAY_SIZE(variables); i++)
		unsetenv(variables[i]);
	for (; *env; env++) {
		char name[32];
		size_t n = strcspn(*env, "=");

		snprintf(name, sizeof(name), "%.*s", (int)n, *env);
		setenv(name, *env + n + 1, 1);
	}
	got = proxy_for(&proxy, &u, &e);
	if (got < 0) {
		assert_int_equal(e.code, ERR_ENV);
		return "error";
	}
	return got ? url_authority(buf, &proxy, true) : "";
}

static void test_environment(void **state)
{
	static const struct {
		const char *url, *env[4], *want;
	} cases[] = {
		{"http://a", {NULL}, ""},
		{"http://a", {"http_proxy=http://p:3128/"}, "p:3128"},
		{"http://a", {"http_proxy=p:3128"}, "p:3128"},
		{"http://a", {"http_proxy=p"}, "p:80"},
		{"http://a", {"http_proxy="}, ""},
		{"http://a", {"HTTP_PROXY=p:1"}, "p:1"},
		{"http://a", {"HTTP_PROXY=p:1", "http_proxy=q:2"}, "q:2"},
		{"http://a", {"HTTP_PROXY=p:1", "REQUEST_METHOD=GET"}, ""},
		{"http://a", {"http_proxy=p:1", "REQUEST_METHOD=GET"}, "p:1"},
		{"http://a", {"https_proxy=p:1"}, ""},
		{"https://a", {"http_proxy=p:1"}, ""},
		{"https://a", {"HTTPS_PROXY=p:1"}, "p:1"},
		{"https://a", {"HTTPS_PROXY=p:1", "https_proxy=[::1]:2"}, "[::1]:2"},
		{"https://a", {"HTTPS_PROXY=p:1", "NO_PROXY=a"}, ""},
		{"https://a", {"HTTPS_PROXY=p:1", "no_proxy=b", "NO_PROXY=a"}, "p:1"},
		{"https://localhost", {"HTTPS_PROXY=p:1"}, ""},
		{"https://x.localhost", {"HTTPS_PROXY=p:1"}, ""},
		{"https://127.8.8.8", {"HTTPS_PROXY=p:1"}, ""},
		{"https://[::1]", {"HTTPS_PROXY=p:1"}, ""},
		{"https://a", {"HTTPS_PROXY=https://p:1"}, "error"},
		{"https://a", {"HTTPS_PROXY=socks5://p:1"}, "error"},
		{"https://a", {"HTTPS_PROXY=http://u:p@p:1"}, "error"},
		{"https://a", {"HTTPS_PROXY=:::"}, "error"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char buf[URL_AUTHORITY_MAX];
		const char *got = by(buf, cases[i].url, cases[i].env);

		if (strcmp(got, cases[i].want) != 0)
			fail_msg("case %zu: %s", i, got);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exempt),
		cmocka_unit_test(test_environment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
