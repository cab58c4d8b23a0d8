/* cni/wanted: where a runtime may ask for addresses, in which order they count, what is refused. */
#include "unit.h"

#include "base/arena.h"
#include "base/compiler.h"
#include "cni/wanted.h"

static const char *const known[] = {"IP", "MAC", NULL};
static struct err e;

/* A request as an ADD brings it; e is what its document reports to. */
static struct cni_request request(const char *json, const char *args)
{
	struct cni_request rq = {.args = args};

	arena_reset();
	err_clear(&e);
	rq.conf = json_open(json, strlen(json), "network configuration", &e);
	if (e.code)
		fail_msg("%s", e.msg);
	return rq;
}

static void assert_ips(const char *json, const char *args, const char *want)
{
	struct cni_request rq = request(json, args);
	char got[256] = "", text[IP_TEXT];
	struct cni_wanted_ips w;

	if (cni_wanted_ips(&w, &rq, known, &e))
		fail_msg("%s %s: %s", json, args, e.msg);
	for (unsigned i = 0; i < w.count; i++) {
		strcat(got, i ? " " : "");
		strcat(got, ip_format(text, &w.ip[i]));
	}
	assert_string_equal(got, want);
}

static void addresses(void **state)
{
	(void)state;
	assert_ips("{}", "", "");
	assert_ips("{}", "IP=", "");
	assert_ips("{}", "IgnoreUnknown=1;X=y;IP=10.1.2.3;MAC=x", "10.1.2.3");
	assert_ips("{}", "IP=10.1.2.3/16", "10.1.2.3");
	assert_ips("{\"args\": {\"cni\": {\"ips\": [\"10.1.2.3\", \"fd00::1/64\"]}}}", "",
		   "10.1.2.3 fd00::1");
	assert_ips("{\"runtimeConfig\": {\"ips\": [\"10.1.2.5\", \"10.1.2.3\", \"10.1.2.4\"]},"
		   " \"args\": {\"cni\": {\"ips\": [\"10.1.2.4\", \"10.1.2.4\"]}}}",
		   "IP=10.1.2.3", "10.1.2.3 10.1.2.4 10.1.2.5");
	assert_ips("{\"runtimeConfig\": null, \"args\": {\"cni\": {\"ips\": []}}}", "", "");
}

static void assert_no_ips(const char *json, const char *args, enum err_code code, const char *msg)
{
	struct cni_request rq = request(json, args);
	struct cni_wanted_ips w;

	assert_int_equal(cni_wanted_ips(&w, &rq, known, &e), -1);
	assert_int_equal(e.code, code);
	if (!strstr(e.msg, msg))
		fail_msg("'%s' is not in '%s'", msg, e.msg);
}

static void bad_addresses(void **state)
{
	(void)state;
	assert_no_ips("{}", "IP=x", ERR_ENV,
		      "ARGS: error parsing value of pair \"IP=x\": invalid IP address x");
	assert_no_ips("{}", "IP=10.1.2.3/33", ERR_ENV, "invalid IP address 10.1.2.3/33");
	assert_no_ips("{}", "X=y", ERR_ENV, "ARGS: unknown args [\"X=y\"]");
	assert_no_ips("{\"args\": {\"cni\": {\"ips\": [\"10.1.2.3\", \"x\"]}}}", "", ERR_CONFIG,
		      "args.cni.ips[1]: invalid IP address x");
	assert_no_ips("{\"runtimeConfig\": {\"ips\": [\"\"]}}", "", ERR_CONFIG,
		      "runtimeConfig.ips[0]: invalid IP address");
	assert_no_ips("{\"runtimeConfig\": {\"ips\": [1]}}", "", ERR_CONFIG,
		      "runtimeConfig.ips[0]");
	assert_no_ips("{\"runtimeConfig\": {\"ips\": {\"a\": 1}}}", "", ERR_CONFIG,
		      "runtimeConfig.ips");
}

static void any_other_key(void **state)
{
	struct cni_request rq = request("{}", "X=y;IP=10.1.2.3");
	struct cni_wanted_ips w;

	(void)state;
	assert_int_equal(cni_wanted_ips(&w, &rq, NULL, &e), 0);
	assert_int_equal(w.count, 1);
}

#define ARGS_MAC    "\"args\": {\"cni\": {\"mac\": \"02:00:00:00:00:02\"}}"
#define RUNTIME_MAC "\"runtimeConfig\": {\"mac\": \"02:00:00:00:00:03\"}"

static void macs(void **state)
{
	static const struct {
		const char *json, *args, *want;
	} cases[] = {
		{"{}", "", NULL},
		{"{}", "MAC=;IP=10.1.2.3", NULL},
		{"{}", "MAC=02:00:00:00:00:01", "02:00:00:00:00:01"},
		{"{}", "MAC=0A:58:aB:Cd:eF:90", "0a:58:ab:cd:ef:90"},
		{"{" ARGS_MAC "}", "", "02:00:00:00:00:02"},
		{"{" ARGS_MAC "}", "MAC=02:00:00:00:00:01", "02:00:00:00:00:02"},
		{"{" ARGS_MAC ", " RUNTIME_MAC "}", "MAC=02:00:00:00:00:01", "02:00:00:00:00:03"}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct cni_request rq = request(cases[i].json, cases[i].args);
		uint8_t mac[MAC_BYTES];
		char text[MAC_TEXT];

		assert_int_equal(cni_wanted_mac(mac, &rq, known, &e), cases[i].want != NULL);
		if (cases[i].want)
			assert_string_equal(names_format_mac(text, mac), cases[i].want);
	}
}

static void bad_macs(void **state)
{
	static const char *const bad[] = {"x",
					  "02:00:00:00:00",
					  "02:00:00:00:00:0",
					  "02:00:00:00:00:001",
					  "02:00:00:00:00:01:",
					  "02:00:00:00:00:0g",
					  "02:00:00:00:00:@1",
					  "02-00:00:00:00:01",
					  " 2:00:00:00:00:01",
					  "01:00:5e:00:00:01",
					  "ff:ff:ff:ff:ff:ff",
					  "00:00:00:00:00:00"};
	char text[128];
	uint8_t mac[MAC_BYTES];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct cni_request rq;

		snprintf(text, sizeof(text), "MAC=%s", bad[i]);
		rq = request("{}", text);
		assert_int_equal(cni_wanted_mac(mac, &rq, known, &e), -1);
		assert_int_equal(e.code, ERR_ENV);
		assert_non_null(strstr(e.msg, bad[i]));

		snprintf(text, sizeof(text), "{\"runtimeConfig\": {\"mac\": \"%s\"}}", bad[i]);
		rq = request(text, "");
		assert_int_equal(cni_wanted_mac(mac, &rq, known, &e), -1);
		assert_int_equal(e.code, ERR_CONFIG);
		assert_non_null(strstr(e.msg, "runtimeConfig.mac"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses),	 cmocka_unit_test(bad_addresses),
		cmocka_unit_test(any_other_key), cmocka_unit_test(macs),
		cmocka_unit_test(bad_macs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
