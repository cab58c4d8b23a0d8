/* gce/refusal: what the API says when it refuses, in each of its forms, and what is none. */
#include "unit.h"

#include "base/arena.h"
#include "base/compiler.h"
#include "gce/refusal.h"

static struct gce_refusal read_text(unsigned status, const char *text)
{
	struct gce_refusal r;

	gce_refusal_read(&r, status, text, strlen(text));
	assert_int_equal(r.status, status);
	return r;
}

static void test_forms(void **state)
{
	static const struct {
		const char *text, *reason, *message;
	} cases[] = {
		{"{\"error\":{\"code\":409,\"message\":\"there already\",\"errors\":[{\"message\":\"m\","
		 "\"domain\":\"global\",\"reason\":\"alreadyExists\"}]}}",
		 "alreadyExists", "there already"},
		{"{\"error\":{\"message\":\"m\",\"errors\":[{\"reason\":\"one\"},{\"reason\":\"two\"}]}}",
		 "one", "m"},
		{"{\"error\":{\"message\":\"m\",\"status\":\"PERMISSION_DENIED\",\"details\":[{\"@type\":"
		 "\"x\"},{\"reason\":\"ACCESS_TOKEN_SCOPE_INSUFFICIENT\"}]}}",
		 "ACCESS_TOKEN_SCOPE_INSUFFICIENT", "m"},
		{"{\"error\":{\"message\":\"m\",\"status\":\"UNAVAILABLE\"}}", "UNAVAILABLE", "m"},
		{"{\"error\":{\"message\":\"two\\nlines \\u001b[31m\"}}", "", "two lines  [31m"},
		{"{\"error\":{}}", "", "HTTP status 403 without a word of the API"},
		{"{\"error\":\"text\"}", "", "HTTP status 403 without a word of the API"},
		{"{\"error\":{\"message\":7}}", "", "HTTP status 403 without a word of the API"},
		{"<html>no</html>", "", "HTTP status 403 without a word of the API"},
		{"", "", "HTTP status 403 without a word of the API"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct gce_refusal r = read_text(403, cases[i].text);

		assert_string_equal(r.reason, cases[i].reason);
		assert_string_equal(r.message, cases[i].message);
	}
}

static void test_long_ones_are_cut(void **state)
{
	static char text[4096], message[2000], reason[500];
	struct gce_refusal r;

	(void)state;
	memset(message, 'm', sizeof(message) - 1);
	memset(reason, 'r', sizeof(reason) - 1);
	snprintf(text, sizeof(text),
		 "{\"error\":{\"message\":\"%s\",\"errors\":[{\"reason\":\"%s\"}]}}", message,
		 reason);
	r = read_text(400, text);
	assert_int_equal(strlen(r.message), sizeof(r.message) - 1);
	assert_int_equal(strlen(r.reason), sizeof(r.reason) - 1);
}

static void test_nothing_is_kept_of_it(void **state)
{
	size_t mark = arena_mark();

	(void)state;
	read_text(400, "{\"error\":{\"message\":\"m\"}}");
	assert_int_equal(arena_mark(), mark);
}

static void test_hints(void **state)
{
	static const struct {
		unsigned status;
		const char *reason, *part;
	} cases[] = {
		{401, "authError", "credentials"},
		{403, "insufficientPermissions", "/auth/compute"},
		{403, "forbidden", "roles/compute.networkAdmin"},
		{403, "accessNotConfigured", "gcloud services enable"},
		{403, "rateLimitExceeded", "minute"},
		{403, "quotaExceeded", "quota"},
		{412, "conditionNotMet", "again"},
		{503, "backendError", "service"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct gce_refusal r = {.status = cases[i].status};

		snprintf(r.reason, sizeof(r.reason), "%s", cases[i].reason);
		assert_non_null(strstr(gce_refusal_hint(&r), cases[i].part));
	}
	assert_string_equal(gce_refusal_hint(&(struct gce_refusal){.status = 400}), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_long_ones_are_cut),
		cmocka_unit_test(test_nothing_is_kept_of_it),
		cmocka_unit_test(test_hints),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
