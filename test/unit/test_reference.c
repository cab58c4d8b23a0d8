/* net/reference: what iptables-nft and nft have made under the reference plugins' names. */
#include "netfilter_fixture.h"

#include "netfilter/reference.h"

/* As sha512sum has it; and what the reference's own tests expect. */
static void test_hash(void **state)
{
	char hash[129];

	(void)state;
	reference_hash(hash, 128, "mynet", "c1");
	assert_string_equal(output("printf mynetc1 | sha512sum | cut -c1-128 | tr -d '\\n'"), hash);
	reference_hash(hash, 16, "unit-test", "");
	assert_string_equal(hash, "6fd94d501e58f0aa");
	reference_hash(hash, 16, "eth0:", "one");
	assert_string_equal(hash, "287fc69eff0574a2");
	reference_hash(hash, 16, "eth0:", "two");
	assert_string_equal(hash, "d750b2c8f0f25d5f");
}

static const char chain[] = "CNI-$(printf unit-testone | sha512sum | cut -c1-24)";

static void make(const char *iptables)
{
	char script[1024];

	snprintf(script, sizeof(script),
		 "c=%s; %s -t nat -N $c; %s -t nat -N CNI-other; "
		 "%s -t nat -A $c -j ACCEPT; %s -t nat -A $c -j MASQUERADE; "
		 "%s -t nat -A POSTROUTING -j CNI-other; %s -t nat -A POSTROUTING -j $c; "
		 "%s -t nat -A POSTROUTING -o lo -j $c",
		 chain, iptables, iptables, iptables, iptables, iptables, iptables, iptables);
	run(script);
}

static int stop_masquerading(const char *container_id)
{
	return reference_masquerade_remove(&nf, xtables_families(XTABLES_NAT), "unit-test",
					   container_id, "eth0", &e);
}

static void test_iptables(void **state)
{
	static const char left[] = "-P PREROUTING ACCEPT\n-P INPUT ACCEPT\n-P OUTPUT ACCEPT\n"
				   "-P POSTROUTING ACCEPT\n-N CNI-other\n"
				   "-A POSTROUTING -j CNI-other\n";

	(void)state;
	make("iptables-nft");
	make("ip6tables-nft");
	ok(stop_masquerading("two"));
	assert_non_null(strstr(output("iptables-nft -t nat -S"), "MASQUERADE"));
	for (int i = 0; i < 2; i++) { /* gone already is success */
		ok(stop_masquerading("one"));
		assert_string_equal(output("iptables-nft -t nat -S"), left);
		assert_string_equal(output("ip6tables-nft -t nat -S"), left);
	}
}

static void test_nftables(void **state)
{
	(void)state;
	run("nft 'table inet cni_plugins_masquerade { chain masq_checks {\n"
	    "ip saddr 10.1.0.2 masquerade comment \"6fd94d501e58f0aa-287fc69eff0574a2, net: x\"\n"
	    "ip saddr 10.1.0.3 masquerade comment \"6fd94d501e58f0aa-d750b2c8f0f25d5f, net: x\"\n"
	    "ip6 saddr fd00::2 masquerade comment \"6fd94d501e58f0aa-287fc69eff0574a2, net: x\"\n"
	    "ip saddr 10.1.0.4 masquerade\n}\n}'");
	ok(stop_masquerading("one"));
	assert_string_equal(output("nft list ruleset | grep -o 'saddr [^ ]*'"),
			    "saddr 10.1.0.3\nsaddr 10.1.0.4\n");
}

static void test_nothing_there(void **state)
{
	(void)state;
	ok(stop_masquerading("one"));
	assert_string_equal(output("nft list ruleset"), "");
}

#define TEST(f) NETNS_TEST(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_hash),
		TEST(test_iptables),
		TEST(test_nftables),
		TEST(test_nothing_there),
	};

	return cmocka_run_group_tests(tests, private_run, NULL);
}
