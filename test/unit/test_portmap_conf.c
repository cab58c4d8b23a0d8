/* plugins/portmap_conf: keys, mappings, conditions in the words of iptables and nft. */
#include "unit.h"

#include "base/arena.h"
#include "base/compiler.h"
#include "plugins/portmap_conf.h"

static struct err err;

static struct cni_request request(const char *text)
{
	struct cni_request rq = {.network = "mynet", .container_id = "c1", .ifname = "eth0"};

	arena_reset();
	memset(&err, 0, sizeof(err));
	rq.conf = json_open(text, strlen(text), "network configuration", &err);
	assert_int_equal(err.code, 0);
	return rq;
}

static int read_conf(struct portmap_conf *c, const char *text)
{
	struct cni_request rq = request(text);

	return portmap_conf_read(c, &rq, &err);
}

static void test_defaults(void **state)
{
	struct portmap_conf c;

	(void)state;
	assert_int_equal(read_conf(&c, "{}"), 0);
	assert_true(c.snat && !c.masquerade_all && c.mark == 0x2000);
	assert_int_equal(c.count[0] + c.count[1] + c.conditions[0].count, 0);
	assert_int_equal(read_conf(&c, "{\"snat\": false, \"masqAll\": true, \"markMasqBit\": 31}"),
			 0);
	assert_true(!c.snat && c.masquerade_all && c.mark == 0x80000000u);
}

static void test_mappings(void **state)
{
	static const char text[] =
		"{\"runtimeConfig\": {\"portMappings\": ["
		"{\"hostPort\": 80, \"containerPort\": 8080, \"protocol\": \"TCP\"},"
		"{\"hostPort\": 80, \"containerPort\": 8080, \"protocol\": \"tcp\"},"
		"{\"hostPort\": 53, \"containerPort\": 53, \"protocol\": \"udp\", \"hostIP\": \"::\"},"
		"{\"hostPort\": 53, \"containerPort\": 54, \"protocol\": \"udp\","
		" \"hostIP\": \"192.0.2.1\"}]}}";
	struct portmap_conf c;

	(void)state;
	assert_int_equal(read_conf(&c, text), 0);
	assert_int_equal(c.count[0], 2); /* the same twice is one */
	assert_int_equal(c.count[1], 2);
	assert_true(c.list[0][0].proto == 6 && c.list[0][0].host == 80 && c.list[0][0].pod == 8080);
	assert_int_equal(c.list[0][0].address.family, 0);
	assert_true(c.list[0][1].proto == 17 && c.list[0][1].address.family == 4);
	assert_true(c.list[1][1].proto == 17 && c.list[1][1].address.family == 0);
}

static void test_udp_of_anything(void **state)
{
	static const char *const texts[] = {
		"{\"runtimeConfig\": 3}",
		"{\"runtimeConfig\": {\"portMappings\": 3}}",
		"{\"runtimeConfig\": {\"portMappings\": [3, {\"hostPort\": []}]}}",
		"{\"runtimeConfig\": {\"portMappings\": [{\"hostPort\": 99999}]}}",
		"{\"runtimeConfig\": {\"portMappings\": [{\"hostPort\": 53, \"protocol\": 3}]}}",
		"{\"runtimeConfig\": {\"portMappings\": [{\"hostPort\": 53, \"protocol\": \"tcp\"}]}}",
	};
	static struct conntrack_ports udp;
	struct cni_request rq;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		rq = request(texts[i]);
		portmap_conf_udp(&udp, &rq, &err);
		assert_false(udp.any);
		assert_int_equal(err.code, 0);
	}
	rq = request("{\"runtimeConfig\": {\"portMappings\": [{\"hostPort\": 53, \"protocol\": "
		     "\"UDP\"}]}}");
	portmap_conf_udp(&udp, &rq, &err);
	assert_true(udp.any && conntrack_has_port(&udp, 53));
	assert_false(conntrack_has_port(&udp, 52) || conntrack_has_port(&udp, 54));
}

static struct portmap_conditions conditions(const char *list, uint8_t family, bool *iptables)
{
	struct portmap_conditions c = {.count = 0};
	struct cni_request rq = request(list);

	assert_int_equal(
		portmap_conditions_read(&c, json_get(rq.conf, "c"), family, iptables, &err), 0);
	return c;
}

static void test_words_of_iptables(void **state)
{
	bool iptables;
	struct portmap_conditions c = conditions(
		"{\"c\": [\"!\", \"-s\", \"10.0.0.0/8\", \"-d\", \"192.0.2.1\", \"-i eth0\"]}", 4,
		&iptables);

	(void)state;
	assert_true(iptables);
	assert_int_equal(c.count, 3);
	assert_true(c.item[0].what == HOSTPORT_SOURCE && c.item[0].negated &&
		    c.item[0].prefix.len == 8);
	assert_true(c.item[1].what == HOSTPORT_DESTINATION && !c.item[1].negated &&
		    c.item[1].prefix.len == 32);
	assert_true(c.item[2].what == HOSTPORT_IN && !c.item[2].negated);
	assert_string_equal(c.item[2].ifname, "eth0");
}

static void test_words_of_nft(void **state)
{
	bool iptables;
	struct portmap_conditions c =
		conditions("{\"c\": [\"ip6 saddr != fd00::/8 ip6 daddr eq ::1\", \"meta\", "
			   "\"iifname\", \"\\\"eth0\\\"\", \"iifname != lo\"]}",
			   6, &iptables);

	(void)state;
	assert_false(iptables);
	assert_int_equal(c.count, 4);
	assert_true(c.item[0].what == HOSTPORT_SOURCE && c.item[0].negated);
	assert_true(c.item[1].what == HOSTPORT_DESTINATION && !c.item[1].negated &&
		    c.item[1].prefix.len == 128);
	assert_string_equal(c.item[2].ifname, "eth0");
	assert_true(c.item[3].negated);
}

static void test_bad_conditions(void **state)
{
	static const char *const lists[] = {
		"{\"c\": [\"-p\", \"tcp\"]}",
		"{\"c\": [\"-s\"]}",
		"{\"c\": [\"!\"]}",
		"{\"c\": [\"-s\", \"fd00::1\"]}",
		"{\"c\": [\"-s\", \"nowhere\"]}",
		"{\"c\": [\"-i\", \"longerthanfifteen\"]}",
		"{\"c\": [\"ip\"]}",
		"{\"c\": [\"ip saddr !=\"]}",
		"{\"c\": [\"ip6 saddr fd00::1\"]}",
		"{\"c\": [\"tcp dport 80\"]}",
		"{\"c\": [\"iifname \\\"\\\"\"]}",
		"{\"c\": [\"-i a -i a -i a -i a -i a -i a -i a -i a -i a\"]}",
		"{\"c\": 3}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		struct cni_request rq = request(lists[i]);
		struct portmap_conditions c;
		bool iptables;

		assert_int_equal(
			portmap_conditions_read(&c, json_get(rq.conf, "c"), 4, &iptables, &err),
			-1);
		assert_non_null(strstr(err.msg, "c: want "));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),	cmocka_unit_test(test_mappings),
		cmocka_unit_test(test_udp_of_anything), cmocka_unit_test(test_words_of_iptables),
		cmocka_unit_test(test_words_of_nft),	cmocka_unit_test(test_bad_conditions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
