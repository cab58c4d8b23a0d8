/* cni/previous: what came before in the chain, read as the configuration's version. */
#include "unit.h"

#include "base/arena.h"
#include "base/compiler.h"
#include "cni/previous.h"

static struct err e;
static struct cni_request rq;
static struct cni_result rs;
static char text[4096];

static int reset(void **state)
{
	(void)state;
	arena_reset();
	err_clear(&e);
	return 0;
}

/* A configuration of that version with that previous result (NULL: none). */
static int read_previous(enum cni_version version, const char *previous)
{
	reset(NULL);
	snprintf(text, sizeof(text), "{\"name\":\"n\"%s%s}", previous ? ",\"prevResult\":" : "",
		 previous ? previous : "");
	rq = (struct cni_request){.version = version, .ifname = "eth0"};
	rq.conf = json_open(text, strlen(text), "network configuration", &e);
	assert_int_equal(e.code, 0);
	return cni_previous_read(&rs, &rq, &e);
}

static void test_none(void **state)
{
	(void)state;
	assert_int_equal(read_previous(CNI_1_0_0, NULL), 0);
	assert_int_equal(rs.ip_count, 0);
	assert_int_equal(read_previous(CNI_1_0_0, "null"), 0);
	assert_int_equal(cni_previous_demand(&rs, &rq, "Required prevResult missing", &e), -1);
	assert_int_equal(e.code, ERR_CONFIG);
	assert_string_equal(e.msg, "Required prevResult missing");
}

/* Every label in every configuration: of the same shape, or refused in the Go library's words. */
static void test_labels(void **state)
{
	(void)state;
	for (unsigned conf = 0; conf < CNI_VERSION_COUNT; conf++) {
		for (unsigned label = 0; label < CNI_VERSION_COUNT; label++) {
			const char *family = cni_version_family((enum cni_version)conf);
			const char *word = cni_version_text((enum cni_version)label);
			char previous[64], want[256];
			int got;

			snprintf(previous, sizeof(previous), "{\"cniVersion\":\"%s\"}", word);
			got = read_previous((enum cni_version)conf, previous);
			assert_int_equal(got, strstr(family, word) ? 1 : -1);
			if (got > 0)
				continue;
			snprintf(want, sizeof(want),
				 "could not parse prevResult: result type supports [%s] but "
				 "unmarshalled CNIVersion is \"%s\"",
				 family, word);
			assert_string_equal(e.msg, want);
			assert_int_equal(e.code, ERR_VERSION);
		}
	}
}

static void test_odd_labels(void **state)
{
	(void)state;
	for (unsigned conf = 0; conf < CNI_VERSION_COUNT; conf++) {
		assert_int_equal(read_previous((enum cni_version)conf, "{}"), 1);
		/* Empty means 0.1.0. */
		assert_int_equal(read_previous((enum cni_version)conf, "{\"cniVersion\":\"\"}"),
				 conf <= CNI_0_2_0 ? 1 : -1);
		assert_int_equal(
			read_previous((enum cni_version)conf, "{\"cniVersion\":\"9.9.9\"}"), -1);
		assert_string_equal(
			e.msg,
			"could not parse prevResult: unsupported CNI result version \"9.9.9\"");
	}
}

static void test_bad_content(void **state)
{
	(void)state;
	assert_int_equal(read_previous(CNI_1_0_0, "[]"), -1);
	assert_int_equal(read_previous(CNI_1_0_0, "{\"ips\":[{\"address\":\"x\"}]}"), -1);
	assert_string_equal(e.msg, "could not parse prevResult: network configuration: "
				   "prevResult.ips[0].address: want a range such as 10.244.0.0/24, "
				   "got \"x\"");
}

static const char chain[] =
	"{\"cniVersion\":\"%s\",\"interfaces\":["
	"{\"name\":\"eth0\"},{\"name\":\"veth1\",\"mac\":\"02:00:00:00:00:01\"},"
	"{\"name\":\"eth0\",\"sandbox\":\"/n\",\"mtu\":1400,\"socketPath\":\"/s\",\"pciID\":\"0:1\"},"
	"{\"name\":\"net1\",\"sandbox\":\"/n\"}],"
	"\"ips\":[{\"version\":\"4\",\"address\":\"10.0.0.2/24\",\"interface\":2},"
	"{\"version\":\"4\",\"address\":\"10.0.1.2/24\",\"interface\":3},"
	"{\"version\":\"6\",\"address\":\"fd00::2/64\"},"
	"{\"version\":\"4\",\"address\":\"10.0.2.2/24\",\"interface\":0}],"
	"\"routes\":[{\"dst\":\"0.0.0.0/0\",\"gw\":\"10.0.0.1\",\"priority\":7}],"
	"\"dns\":{\"nameservers\":[\"10.0.0.1\"]}}";

static void test_whose(void **state)
{
	static const bool pods[] = {true, false, true, false};
	char previous[2048];

	(void)state;
	snprintf(previous, sizeof(previous), chain, "1.0.0");
	assert_int_equal(read_previous(CNI_1_1_0, previous), 1);
	assert_ptr_equal(cni_previous_pod(&rs, &rq), &rs.interfaces[2]);
	for (unsigned i = 0; i < ARRAY_SIZE(pods); i++)
		assert_int_equal(cni_previous_is_pods(&rs, &rs.ips[i], &rq), pods[i]);
	rq.ifname = "net2";
	assert_null(cni_previous_pod(&rs, &rq));
}

/* What comes in goes out, in the configuration's version. */
static void test_handed_on(void **state)
{
	static char out[8192];

	(void)state;
	for (unsigned v = CNI_0_3_0; v < CNI_VERSION_COUNT; v++) {
		char previous[2048];
		static struct cni_result back;

		snprintf(previous, sizeof(previous), chain, cni_version_text((enum cni_version)v));
		assert_int_equal(read_previous((enum cni_version)v, previous), 1);
		assert_true(cni_result_write(&rs, (enum cni_version)v, out, sizeof(out), &e) > 0);
		assert_int_equal(cni_result_read(&back, json_open(out, strlen(out), "out", &e), &e),
				 0);
		assert_int_equal(back.interface_count, 4);
		assert_int_equal(back.ip_count, 4);
		assert_int_equal(back.ips[1].interface, 3);
		assert_int_equal(back.routes[0].priority, 7);
		assert_string_equal(back.dns.nameservers.word[0], "10.0.0.1");
		assert_int_equal(back.interfaces[2].mtu, v >= CNI_1_1_0 ? 1400 : 0);
		assert_int_equal(strstr(out, "\"pciID\": \"0:1\"") != NULL, v >= CNI_1_1_0);
		assert_int_equal(strstr(out, "\"socketPath\": \"/s\"") != NULL, v >= CNI_1_1_0);
	}
}

#define TEST(f) cmocka_unit_test_setup(f, reset)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_none),	TEST(test_labels), TEST(test_odd_labels),
		TEST(test_bad_content), TEST(test_whose),  TEST(test_handed_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
