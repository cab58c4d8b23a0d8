/* ipam/host_local_conf: every source of ranges and wishes, their order, and what is refused. */
#include "unit.h"

#include "base/arena.h"
#include "base/compiler.h"
#include "ipam/host_local_conf.h"
#include "ipam/store.h"

static struct err err;

/* A request as an ADD brings it; err is what its document reports to. */
static struct cni_request request(const char *version, const char *json, const char *args)
{
	struct cni_request rq = {.container_id = "c1", .ifname = "eth0", .network = "net"};

	arena_reset();
	memset(&err, 0, sizeof(err));
	rq.args = args;
	assert_true(cni_version_parse(&rq.version, version));
	rq.conf = json_open(json, strlen(json), "network configuration", &err);
	if (err.code)
		fail_msg("%s", err.msg);
	return rq;
}

static int read_conf(struct host_local_conf *conf, const char *json)
{
	struct cni_request rq = request("1.0.0", json, "");

	return host_local_conf_read(conf, &rq, &err);
}

static void assert_sets(const struct host_local_conf *conf, const char *want)
{
	char got[1024] = "", text[256];

	for (unsigned i = 0; i < conf->set_count; i++) {
		strcat(got, i ? " | " : "");
		strcat(got, range_set_format(&conf->set[i], text, sizeof(text)));
	}
	assert_string_equal(got, want);
}

static void assert_requested(const struct host_local_conf *conf, const char *want)
{
	char got[1024] = "", text[IP_TEXT];

	for (unsigned i = 0; i < conf->requested.count; i++) {
		strcat(got, i ? " " : "");
		strcat(got, ip_format(text, &conf->requested.ip[i]));
	}
	assert_string_equal(got, want);
}

static void old_keys(void **state)
{
	struct host_local_conf conf;
	char text[IP_TEXT];

	(void)state;
	assert_int_equal(read_conf(&conf, "{\"ipam\": {\"type\": \"host-local\", "
					  "\"SUBNET\": \"10.1.2.0/24\", "
					  "\"rangeStart\": \"10.1.2.9\", "
					  "\"rangeEnd\": \"10.1.2.19\", "
					  "\"gateway\": \"10.1.2.3\"}}"),
			 0);
	assert_sets(&conf, "10.1.2.9-10.1.2.19");
	assert_string_equal(ip_format(text, &conf.set[0].range[0].gateway), "10.1.2.3");
	assert_string_equal(conf.data_dir, LEASE_DATA_DIR);
	assert_string_equal(conf.resolv_conf, "");
	assert_int_equal(conf.requested.count, 0);
	assert_false(json_present(conf.routes));
}

static void order_of_sets(void **state)
{
	struct host_local_conf conf;

	(void)state;
	assert_int_equal(
		read_conf(&conf,
			  "{\"ipam\": {\"ranges\": [[{\"subnet\": \"10.3.0.0/24\"},"
			  "{\"subnet\": \"10.4.0.0/24\"}], [{\"subnet\": \"fd00::/64\"}]],"
			  "\"subnet\": \"10.2.0.0/24\", \"dataDir\": \"/d\", "
			  "\"resolvConf\": \"/r\", \"routes\": []},"
			  "\"runtimeConfig\": {\"ipRanges\": [[{\"subnet\": \"10.1.0.0/24\"}]]}}"),
		0);
	assert_sets(&conf, "10.1.0.1-10.1.0.254 | 10.2.0.1-10.2.0.254 | "
			   "10.3.0.1-10.3.0.254,10.4.0.1-10.4.0.254 | "
			   "fd00::1-fd00::ffff:ffff:ffff:ffff");
	assert_string_equal(conf.data_dir, "/d");
	assert_string_equal(conf.resolv_conf, "/r");
	assert_true(json_present(conf.routes));
}

static void wishes_of_all_three_sources(void **state)
{
	struct host_local_conf conf;
	struct cni_request rq = request(
		"1.0.0",
		"{\"ipam\": {\"subnet\": \"10.1.2.0/24\"},"
		"\"args\": {\"cni\": {\"ips\": [\"10.1.2.6\", \"10.1.2.5/24\"]}},"
		"\"runtimeConfig\": {\"ips\": [\"10.1.2.7/8\", \"10.1.2.6\", \"fd00::9/64\"]}}",
		"IgnoreUnknown=1;K8S_POD_NAME=p;IP=10.1.2.5/16");

	(void)state;
	assert_int_equal(host_local_conf_read(&conf, &rq, &err), 0);
	assert_requested(&conf, "10.1.2.5 10.1.2.6 10.1.2.7 fd00::9");
}

static void args(void **state)
{
	static const struct {
		const char *args, *msg;
	} cases[] = {
		{"IP=foo", "ARGS: error parsing value of pair \"IP=foo\": invalid IP address foo"},
		{"IP=10.1.2.300", "ARGS: error parsing value of pair \"IP=10.1.2.300\": "
				  "invalid IP address 10.1.2.300"},
		{"IP=10.1.2.3/33", "ARGS: error parsing value of pair \"IP=10.1.2.3/33\": "
				   "invalid IP address 10.1.2.3/33"},
		{"MAC=x", "ARGS: unknown args [\"MAC=x\"]"},
		{"IP", "ARGS: invalid pair \"IP\""},
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct host_local_conf conf;
		struct cni_request rq = request(
			"1.0.0", "{\"ipam\": {\"subnet\": \"10.1.2.0/24\"}}", cases[i].args);

		assert_int_equal(host_local_conf_read(&conf, &rq, &err), -1);
		assert_int_equal(err.code, ERR_ENV);
		assert_string_equal(err.msg, cases[i].msg);
	}
}

static void an_empty_wish_is_none(void **state)
{
	struct host_local_conf conf;
	struct cni_request rq =
		request("1.0.0", "{\"ipam\": {\"subnet\": \"10.1.2.0/24\"}}", "IP=");

	(void)state;
	assert_int_equal(host_local_conf_read(&conf, &rq, &err), 0);
	assert_int_equal(conf.requested.count, 0);
}

#define RANGES(r) "{\"ipam\": {\"ranges\": " r "}}"

static void refused(void **state)
{
	static const struct {
		const char *json, *msg;
	} cases[] = {
		{"{}", "IPAM config missing 'ipam' key"},
		{"{\"ipam\": null}", "IPAM config missing 'ipam' key"},
		{"{\"ipam\": 5}", "network configuration: ipam: want an object, got 5"},
		{"{\"ipam\": {}}", "no IP ranges specified"},
		{"{\"ipam\": {\"rangeStart\": \"10.1.2.3\"}}", "no IP ranges specified"},
		{RANGES("[]"), "no IP ranges specified"},
		{RANGES("[[]]"), "invalid range set 0: empty range set"},
		{RANGES("[{}]"), "network configuration: ipam.ranges[0]: want an array, got {}"},
		{RANGES("[[{}]]"), "invalid range set 0: IP <nil> not v4 nor v6"},
		{RANGES("[[{\"subnet\": \"10.1.2.0\"}]]"),
		 "ipam.ranges[0][0].subnet: invalid CIDR address: 10.1.2.0"},
		{"{\"ipam\": {\"subnet\": \"\"}}", "ipam.subnet: invalid CIDR address: "},
		{"{\"ipam\": {\"subnet\": \"::ffff:10.0.0.0/120\"}}",
		 "ipam.subnet: invalid CIDR address: ::ffff:10.0.0.0/120"},
		{"{\"ipam\": {\"subnet\": 24}}",
		 "network configuration: ipam.subnet: want a string, got 24"},
		{"{\"ipam\": {\"gateway\": \"xx\"}}", "ipam.gateway: invalid IP address: xx"},
		{"{\"ipam\": {\"subnet\": \"10.1.2.0/24\", \"dataDir\": []}}",
		 "network configuration: ipam.dataDir: want a string, got []"},
		{RANGES("[[{\"subnet\": \"10.1.2.0/24\"}], [{\"subnet\": \"10.1.3.0/31\"}]]"),
		 "invalid range set 1: Network 10.1.3.0/31 too small to allocate from"},
		{RANGES("[[{\"subnet\": \"10.1.2.0/24\"}, {\"subnet\": \"fd00::/64\"}]]"),
		 "invalid range set 0: mixed address families"},
		{RANGES("[[{\"subnet\": \"10.1.2.0/24\"}], [{\"subnet\": \"10.1.0.0/16\"}]]"),
		 "range set 0 overlaps with 1"},
		{"{\"ipam\": {\"subnet\": \"10.1.2.0/24\"}, \"args\": {\"cni\": {\"ips\": "
		 "[\"10.1.2.300\"]}}}",
		 "args.cni.ips[0]: invalid IP address 10.1.2.300"},
		{"{\"ipam\": {\"subnet\": \"10.1.2.0/24\"}, \"runtimeConfig\": {\"ips\": [\"\"]}}",
		 "runtimeConfig.ips[0]: invalid IP address "},
		{"{\"ipam\": {\"subnet\": \"10.1.2.0/24\"}, \"runtimeConfig\": {\"ips\": \"x\"}}",
		 "network configuration: runtimeConfig.ips: want an array, got \"x\""},
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct host_local_conf conf;

		assert_int_equal(read_conf(&conf, cases[i].json), -1);
		assert_string_equal(err.msg, cases[i].msg);
		assert_int_equal(err.code, ERR_CONFIG);
	}
}

static void more_sets_than_a_result_holds(void **state)
{
	struct host_local_conf conf;
	char json[4096] = "{\"ipam\": {\"ranges\": [";
	size_t n = strlen(json);

	(void)state;
	for (int i = 0; i <= HOST_LOCAL_SETS_MAX; i++)
		n += (size_t)snprintf(json + n, sizeof(json) - n,
				      "%s[{\"subnet\": \"10.1.%d.0/24\"}]", i ? "," : "", i);
	snprintf(json + n, sizeof(json) - n, "]}}");
	assert_int_equal(read_conf(&conf, json), -1);
	assert_int_equal(err.code, ERR_FIELD);
}

static void versions_with_room_for_one_of_a_family(void **state)
{
	static const char two[] = RANGES("[[{\"subnet\": \"10.1.2.0/24\"}],"
					 "[{\"subnet\": \"10.1.3.0/24\"}]]");
	static const char dual[] = RANGES("[[{\"subnet\": \"10.1.2.0/24\"}],"
					  "[{\"subnet\": \"fd00::/64\"}]]");
	struct host_local_conf conf;
	struct cni_request rq = request("0.2.0", two, "");

	(void)state;
	assert_int_equal(host_local_conf_read(&conf, &rq, &err), -1);
	assert_string_equal(err.msg,
			    "CNI version 0.2.0 does not support more than 1 address per family");
	rq = request("0.3.0", two, "");
	assert_int_equal(host_local_conf_read(&conf, &rq, &err), 0);
	rq = request("0.2.0", dual, "");
	assert_int_equal(host_local_conf_read(&conf, &rq, &err), 0);
}

static void the_store_alone(void **state)
{
	struct host_local_conf conf;
	struct cni_request rq = request(
		"1.0.0", "{\"ipam\": {\"dataDir\": \"/d\", \"subnet\": \"nonsense\"}}", "bad args");

	(void)state;
	assert_int_equal(host_local_conf_read_store(&conf, &rq, &err), 0);
	assert_string_equal(conf.data_dir, "/d");
	rq = request("1.0.0", "{}", "");
	assert_int_equal(host_local_conf_read_store(&conf, &rq, &err), -1);
}

static void status_without_ranges(void **state)
{
	struct host_local_conf conf;
	struct cni_request rq =
		request("1.1.0", "{\"ipam\": {}, \"capabilities\": {\"ipRanges\": true}}", "");

	(void)state;
	assert_int_equal(host_local_conf_read_status(&conf, &rq, &err), 0);
	assert_int_equal(conf.set_count, 0);
	rq = request("1.1.0", "{\"ipam\": {}, \"capabilities\": {\"ips\": true}}", "");
	assert_int_equal(host_local_conf_read_status(&conf, &rq, &err), -1);
	assert_string_equal(err.msg, "no IP ranges specified");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(old_keys),
		cmocka_unit_test(order_of_sets),
		cmocka_unit_test(wishes_of_all_three_sources),
		cmocka_unit_test(args),
		cmocka_unit_test(an_empty_wish_is_none),
		cmocka_unit_test(refused),
		cmocka_unit_test(more_sets_than_a_result_holds),
		cmocka_unit_test(versions_with_room_for_one_of_a_family),
		cmocka_unit_test(the_store_alone),
		cmocka_unit_test(status_without_ranges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
