/* cni/result: every version's shape to the byte, and read back. */
#include "unit.h"

#include "base/arena.h"
#include "base/compiler.h"
#include "cni/result.h"

static struct err e;
static struct cni_result rs, back;
static char text[16384];

static int reset(void **state)
{
	(void)state;
	arena_reset();
	err_clear(&e);
	memset(&rs, 0, sizeof(rs));
	return 0;
}

static struct prefix prefix_of(const char *s)
{
	struct prefix p = {0};

	assert_true(prefix_parse(&p, s));
	return p;
}

static struct ip ip_of(const char *s)
{
	struct ip ip = {0};

	assert_true(ip_parse(&ip, s));
	return ip;
}

static void add_ip(const char *address, const char *gateway, int interface)
{
	struct cni_address *a = cni_result_ip(&rs, &e);

	assert_non_null(a);
	a->address = prefix_of(address);
	if (gateway)
		a->gateway = ip_of(gateway);
	a->interface = interface;
}

static void add_route(const char *dst, const char *gw)
{
	struct cni_route *r = &rs.routes[rs.route_count++];

	*r = (struct cni_route){.dst = prefix_of(dst), .table = -1, .scope = -1};
	if (gw)
		r->gw = ip_of(gw);
}

/* What bash-cni gives on a node of the walkthrough. */
static void fill_seed(void)
{
	struct cni_interface *f = cni_result_interface(&rs, &e);

	assert_non_null(f);
	f->name = "eth0";
	f->mac = "0a:58:0a:f4:00:02";
	f->sandbox = "/var/run/netns/pod";
	f->mtu = 1460;
	add_ip("10.244.0.2/24", "10.244.0.1", 0);
}

/* Two families, two addresses of one, routes of both with and without gateway and extras. */
static void fill_full(void)
{
	struct cni_interface *f = cni_result_interface(&rs, &e);

	assert_non_null(f);
	f->name = "cni0";
	fill_seed();
	rs.ips[0].interface = 1;
	add_ip("10.245.0.2/24", NULL, -1);
	add_ip("fd00::2/64", "fd00::1", 1);
	add_route("0.0.0.0/0", "10.244.0.1");
	add_route("::/0", "fd00::1");
	add_route("10.0.0.0/8", NULL);
	rs.routes[2].mtu = 1400;
	rs.routes[2].advmss = 1360;
	rs.routes[2].priority = 100;
	rs.routes[2].table = 0;
	rs.routes[2].scope = 253;
	rs.dns.nameservers = (struct cni_words){.word = {"10.96.0.10", "10.96.0.11"}, .count = 2};
	rs.dns.domain = "cluster.local";
	rs.dns.search = (struct cni_words){.word = {"svc.cluster.local"}, .count = 1};
	rs.dns.options = (struct cni_words){.word = {"ndots:5"}, .count = 1};
}

static const char *write_in(enum cni_version v)
{
	long n = cni_result_write(&rs, v, text, sizeof(text), &e);

	if (n < 0)
		fail_msg("%s", e.msg);
	assert_int_equal(strlen(text), n);
	return text;
}

static void test_seed_result(void **state)
{
	(void)state;
	fill_seed();
	assert_string_equal(write_in(CNI_0_3_1), "{\n"
						 "    \"cniVersion\": \"0.3.1\",\n"
						 "    \"interfaces\": [\n"
						 "        {\n"
						 "            \"name\": \"eth0\",\n"
						 "            \"mac\": \"0a:58:0a:f4:00:02\",\n"
						 "            \"sandbox\": \"/var/run/netns/pod\"\n"
						 "        }\n"
						 "    ],\n"
						 "    \"ips\": [\n"
						 "        {\n"
						 "            \"version\": \"4\",\n"
						 "            \"address\": \"10.244.0.2/24\",\n"
						 "            \"gateway\": \"10.244.0.1\",\n"
						 "            \"interface\": 0\n"
						 "        }\n"
						 "    ]\n"
						 "}\n");
}

static void test_oldest_shape(void **state)
{
	(void)state;
	fill_full();
	assert_string_equal(write_in(CNI_0_2_0), "{\n"
						 "    \"cniVersion\": \"0.2.0\",\n"
						 "    \"ip4\": {\n"
						 "        \"ip\": \"10.244.0.2/24\",\n"
						 "        \"gateway\": \"10.244.0.1\",\n"
						 "        \"routes\": [\n"
						 "            {\n"
						 "                \"dst\": \"0.0.0.0/0\",\n"
						 "                \"gw\": \"10.244.0.1\"\n"
						 "            },\n"
						 "            {\n"
						 "                \"dst\": \"10.0.0.0/8\"\n"
						 "            }\n"
						 "        ]\n"
						 "    },\n"
						 "    \"ip6\": {\n"
						 "        \"ip\": \"fd00::2/64\",\n"
						 "        \"gateway\": \"fd00::1\",\n"
						 "        \"routes\": [\n"
						 "            {\n"
						 "                \"dst\": \"::/0\",\n"
						 "                \"gw\": \"fd00::1\"\n"
						 "            }\n"
						 "        ]\n"
						 "    },\n"
						 "    \"dns\": {\n"
						 "        \"nameservers\": [\n"
						 "            \"10.96.0.10\",\n"
						 "            \"10.96.0.11\"\n"
						 "        ],\n"
						 "        \"domain\": \"cluster.local\",\n"
						 "        \"search\": [\n"
						 "            \"svc.cluster.local\"\n"
						 "        ],\n"
						 "        \"options\": [\n"
						 "            \"ndots:5\"\n"
						 "        ]\n"
						 "    }\n"
						 "}\n");
}

static void assert_ip_equal(const struct ip *a, const struct ip *b)
{
	assert_int_equal(a->family, b->family);
	assert_true(ip_equal(a, b));
}

static void assert_prefix_equal(const struct prefix *a, const struct prefix *b)
{
	assert_int_equal(a->len, b->len);
	assert_ip_equal(&a->ip, &b->ip);
}

static void assert_words_equal(const struct cni_words *a, const struct cni_words *b)
{
	assert_int_equal(a->count, b->count);
	for (unsigned i = 0; i < a->count; i++)
		assert_string_equal(a->word[i], b->word[i]);
}

static void assert_routes_equal(bool extras)
{
	assert_int_equal(back.route_count, rs.route_count);
	for (unsigned i = 0; i < rs.route_count; i++) {
		const struct cni_route *a = &back.routes[i], *b = &rs.routes[i];

		assert_prefix_equal(&a->dst, &b->dst);
		assert_ip_equal(&a->gw, &b->gw);
		assert_int_equal(a->mtu, extras ? b->mtu : 0);
		assert_int_equal(a->advmss, extras ? b->advmss : 0);
		assert_int_equal(a->priority, extras ? b->priority : 0);
		assert_int_equal(a->table, extras ? b->table : -1);
		assert_int_equal(a->scope, extras ? b->scope : -1);
	}
}

static void read_back(void)
{
	struct json v = json_open(text, strlen(text), "result", &e);

	if (e.code || cni_result_read(&back, v, &e))
		fail_msg("%s", e.msg);
}

static void test_every_version_read_back(void **state)
{
	(void)state;
	for (enum cni_version v = CNI_0_3_0; v < CNI_VERSION_COUNT; v++) {
		reset(NULL);
		fill_full();
		write_in(v);
		read_back();
		assert_string_equal(
			json_str(json_get(json_open(text, strlen(text), "r", &e), "cniVersion"),
				 ""),
			cni_version_text(v));
		assert_int_equal(back.interface_count, 2);
		for (unsigned i = 0; i < 2; i++) {
			assert_string_equal(back.interfaces[i].name, rs.interfaces[i].name);
			assert_string_equal(back.interfaces[i].mac, rs.interfaces[i].mac);
			assert_string_equal(back.interfaces[i].sandbox, rs.interfaces[i].sandbox);
			assert_int_equal(back.interfaces[i].mtu,
					 v >= CNI_1_1_0 ? rs.interfaces[i].mtu : 0);
		}
		assert_int_equal(back.ip_count, 3);
		for (unsigned i = 0; i < 3; i++) {
			assert_prefix_equal(&back.ips[i].address, &rs.ips[i].address);
			assert_ip_equal(&back.ips[i].gateway, &rs.ips[i].gateway);
			assert_int_equal(back.ips[i].interface, rs.ips[i].interface);
		}
		assert_routes_equal(true);
		assert_int_equal(strstr(text, "\"version\": \"6\"") != NULL, v < CNI_1_0_0);
		assert_words_equal(&back.dns.nameservers, &rs.dns.nameservers);
		assert_words_equal(&back.dns.search, &rs.dns.search);
		assert_words_equal(&back.dns.options, &rs.dns.options);
		assert_string_equal(back.dns.domain, rs.dns.domain);
	}
}

/* 0.1.0 and 0.2.0 keep the first address of a family, and its routes. */
static void test_oldest_versions_read_back(void **state)
{
	(void)state;
	for (enum cni_version v = CNI_0_1_0; v <= CNI_0_2_0; v++) {
		reset(NULL);
		fill_full();
		write_in(v);
		read_back();
		assert_int_equal(back.interface_count, 0);
		assert_int_equal(back.ip_count, 2);
		assert_prefix_equal(&back.ips[0].address, &rs.ips[0].address);
		assert_prefix_equal(&back.ips[1].address, &rs.ips[2].address);
		assert_ip_equal(&back.ips[1].gateway, &rs.ips[2].gateway);
		assert_int_equal(back.ips[0].interface, -1);
		/* The IPv6 route has moved behind those of IPv4. */
		struct cni_route moved = rs.routes[1];

		rs.routes[1] = rs.routes[2];
		rs.routes[2] = moved;
		assert_routes_equal(false);
		assert_string_equal(back.dns.domain, "cluster.local");
	}
}

static void test_oldest_versions_need_an_address(void **state)
{
	(void)state;
	cni_result_interface(&rs, &e)->name = "eth0";
	assert_int_equal(cni_result_write(&rs, CNI_0_2_0, text, sizeof(text), &e), -1);
	assert_non_null(strstr(e.msg, "cannot convert: no valid IP addresses"));
}

static void test_empty(void **state)
{
	static const char want[] = "{\n    \"cniVersion\": \"1.1.0\"\n}\n";

	(void)state;
	assert_string_equal(write_in(CNI_1_1_0), want);
	rs.dns_always = true;
	assert_string_equal(write_in(CNI_1_1_0), want);
	assert_string_equal(write_in(CNI_0_4_0),
			    "{\n    \"cniVersion\": \"0.4.0\",\n    \"dns\": {}\n}\n");
	read_back();
	assert_int_equal(back.ip_count + back.interface_count + back.route_count, 0);
	assert_int_equal(cni_result_read(&back, (struct json){0}, &e), 0);
	assert_int_equal(back.ip_count, 0);
}

/* loopback in a chain: the previous result, byte for byte. */
static void test_same_as_before(void **state)
{
	static const char conf[] = "{\"prevResult\": {\"cniVersion\":\"1.0.0\", \"x\" : [1 ,2]}}";

	(void)state;
	fill_seed();
	rs.same_as = json_get(json_open(conf, sizeof(conf) - 1, "conf", &e), "prevResult");
	assert_string_equal(write_in(CNI_1_0_0), "{\"cniVersion\":\"1.0.0\", \"x\" : [1 ,2]}\n");
}

static void test_too_small_a_buffer(void **state)
{
	long n;

	(void)state;
	fill_full();
	n = cni_result_write(&rs, CNI_1_1_0, text, sizeof(text), &e);
	assert_true(n > 0);
	assert_int_equal(cni_result_write(&rs, CNI_1_1_0, text, (size_t)n + 1, &e), n);
	assert_int_equal(cni_result_write(&rs, CNI_1_1_0, text, (size_t)n, &e), -1);
	assert_int_equal(e.code, ERR_INTERNAL);
}

static void test_bounds(void **state)
{
	(void)state;
	for (int i = 0; i < CNI_INTERFACES_MAX; i++)
		assert_non_null(cni_result_interface(&rs, &e));
	assert_null(cni_result_interface(&rs, &e));
	assert_int_equal(e.code, ERR_FIELD);
	err_clear(&e);
	for (int i = 0; i < CNI_IPS_MAX; i++)
		assert_non_null(cni_result_ip(&rs, &e));
	assert_null(cni_result_ip(&rs, &e));
	assert_int_equal(e.code, ERR_FIELD);
}

static int read_text(const char *s)
{
	reset(NULL);
	return cni_result_read(&back, json_open(s, strlen(s), "prevResult", &e), &e);
}

static void test_what_others_write(void **state)
{
	(void)state;
	/* The Go bridge at 0.4.0: interface -1, an empty gateway, null lists. */
	assert_int_equal(
		read_text("{\"ips\":[{\"version\":\"4\",\"interface\":-1,\"gateway\":\"\","
			  "\"address\":\"10.0.0.5/8\"}],\"routes\":null,\"interfaces\":null,"
			  "\"dns\":{},\"unknown\":{\"a\":[{}]}}"),
		0);
	assert_int_equal(back.ip_count, 1);
	assert_int_equal(back.ips[0].interface, -1);
	assert_int_equal(back.ips[0].gateway.family, 0);
}

static void test_bad_results(void **state)
{
	static const struct {
		const char *text, *msg;
	} cases[] = {
		{"[]", "prevResult: want an object, got []"},
		{"{\"ips\":{}}", "prevResult: ips: want an array, got {}"},
		{"{\"ips\":[7]}", "prevResult: ips[0]: want an object, got 7"},
		{"{\"ips\":[{}]}", "prevResult: ips[0].address: want an address with its prefix "
				   "length, but it is missing"},
		{"{\"ips\":[{\"address\":\"10.0.0.1\"}]}",
		 "prevResult: ips[0].address: want a range such as 10.244.0.0/24, got \"10.0.0.1\""},
		{"{\"ips\":[{\"address\":\"10.0.0.1/8\",\"gateway\":\"x\"}]}",
		 "prevResult: ips[0].gateway: want an IP address, got \"x\""},
		{"{\"ips\":[{\"address\":\"10.0.0.1/8\",\"interface\":64}]}",
		 "prevResult: ips[0].interface: want a whole number from 0 to 63, got 64"},
		{"{\"interfaces\":[{\"name\":1}]}",
		 "prevResult: interfaces[0].name: want a string, got 1"},
		{"{\"routes\":[{\"gw\":\"10.0.0.1\"}]}",
		 "prevResult: routes[0].dst: want a range, but it is missing"},
		{"{\"ip4\":{\"ip\":\"10.0.0.1/8\",\"routes\":[{\"dst\":\"10.0.0.0/40\"}]}}",
		 "prevResult: ip4.routes[0].dst: want a range such as 10.244.0.0/24, got "
		 "\"10.0.0.0/40\""},
		{"{\"dns\":{\"search\":[1]}}", "prevResult: dns.search[0]: want a string, got 1"}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		if (read_text(cases[i].text) != -1)
			fail_msg("accepted: %s", cases[i].text);
		assert_string_equal(e.msg, cases[i].msg);
		assert_int_equal(e.code, ERR_CONFIG);
	}
}

static void test_too_many(void **state)
{
	static const struct {
		const char *key, *item;
		unsigned max;
	} cases[] = {{"interfaces", "{\"name\":\"x\"}", CNI_INTERFACES_MAX},
		     {"ips", "{\"address\":\"10.0.0.1/8\"}", CNI_IPS_MAX},
		     {"routes", "{\"dst\":\"10.0.0.0/8\"}", CNI_ROUTES_MAX}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		for (unsigned extra = 0; extra < 2; extra++) {
			size_t n = (size_t)snprintf(text, sizeof(text), "{\"%s\":[", cases[i].key);

			for (unsigned k = 0; k < cases[i].max + extra; k++)
				n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s",
						      k ? "," : "", cases[i].item);
			snprintf(text + n, sizeof(text) - n, "]}");
			assert_int_equal(read_text(text), extra ? -1 : 0);
			assert_int_equal(e.code, extra ? ERR_FIELD : 0);
		}
	}
}

#define TEST(f) cmocka_unit_test_setup(f, reset)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_seed_result),
		TEST(test_oldest_shape),
		TEST(test_every_version_read_back),
		TEST(test_oldest_versions_read_back),
		TEST(test_oldest_versions_need_an_address),
		TEST(test_empty),
		TEST(test_same_as_before),
		TEST(test_too_small_a_buffer),
		TEST(test_bounds),
		TEST(test_what_others_write),
		TEST(test_bad_results),
		TEST(test_too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
