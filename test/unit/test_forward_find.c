/* net/forward_find: what stops packets and what masquerades them, in whosever tables. */
#include "netfilter_fixture.h"

#include "base/compiler.h"
#include "netfilter/forward.h"

static struct prefix pods;

static int setup_pods(void **state)
{
	pods = prefix_of("10.244.0.0/16");
	return setup(state);
}

static unsigned admit(void)
{
	unsigned added;

	ok(forward_accept(&nf, &pods, &added, &e));
	return added;
}

static const char *obstacle(void)
{
	static char text[160];
	struct forward_obstacle o;
	bool blocked;

	ok(forward_obstacle(&nf, &pods, &o, &blocked, &e));
	if (!blocked)
		return "none";
	snprintf(text, sizeof(text), "%s %s: %s%s", o.table, o.chain,
		 o.by_policy ? "policy" : "rule", o.reject ? ", reject" : "");
	return text;
}

static void test_obstacle(void **state)
{
	(void)state;
	assert_string_equal(obstacle(), "none");
	run("nft 'add table inet firewalld; add chain inet firewalld fw "
	    "{ type filter hook forward priority 10; }; add chain inet firewalld x;"
	    "add rule inet firewalld fw ct state established accept;"
	    "add rule inet firewalld fw jump x;"
	    "add rule inet firewalld fw ip6 saddr fd00::/8 accept;"
	    "add rule inet firewalld fw reject with icmpx admin-prohibited'");
	assert_string_equal(obstacle(), "inet firewalld fw: rule, reject");
	run("iptables -P FORWARD DROP; ip6tables -P FORWARD DROP");
	assert_string_equal(obstacle(), "ip filter FORWARD: policy"); /* it is met first */
	admit();
	assert_string_equal(obstacle(), "inet firewalld fw: rule, reject");
	run("nft insert rule inet firewalld fw ip saddr 10.244.0.0/16 accept;"
	    "nft insert rule inet firewalld fw ip daddr 10.244.0.0/16 accept");
	assert_string_equal(obstacle(), "none");
	assert_true(prefix_parse(&pods, "fd00::/64"));
	assert_string_equal(obstacle(), "ip6 filter FORWARD: policy");
	admit();
	assert_string_equal(obstacle(), "inet firewalld fw: rule, reject");
}

static void test_drop_in_input_is_none(void **state)
{
	(void)state;
	run("iptables -P INPUT DROP; iptables -A OUTPUT -j DROP");
	assert_string_equal(obstacle(), "none");
}

/* --- what masquerades ------------------------------------------------------------------------- */

static bool masquerades(void)
{
	bool found;

	ok(forward_masquerades(&nf, &pods, &found, &e));
	return found;
}

static void test_masquerades(void **state)
{
	static const struct {
		const char *commands;
		bool found;
	} cases[] = {
		{"true", false},
		{"iptables -t nat -A POSTROUTING -s 10.244.0.0/24 ! -o cni0 -j MASQUERADE", true},
		{"iptables -t nat -A POSTROUTING -s 10.244.0.0/24 -j SNAT --to-source 192.0.2.1",
		 true},
		{"iptables -t nat -A POSTROUTING -s 10.244.1.0/24 ! -o cni0 -j MASQUERADE", false},
		{"iptables -t nat -A POSTROUTING ! -s 10.244.0.0/24 -j MASQUERADE", false},
		{"iptables -t nat -A POSTROUTING -o eth0 -j MASQUERADE", true},
		{"iptables -t nat -A POSTROUTING -m mark --mark 0x4000 -j MASQUERADE", false},
		{"iptables -t nat -N X; iptables -t nat -A X -s 10.244.0.0/16 -j MASQUERADE", true},
		{"iptables -t nat -N X; iptables -t nat -A X -j MASQUERADE", false},
		{"iptables -A FORWARD -s 10.244.0.0/24 -j ACCEPT", false},
		{"nft 'add table inet n; add chain inet n p { type nat hook postrouting priority 90; };"
		 "add rule inet n p ip saddr 10.244.0.0/24 ip daddr != 10.244.0.0/16 masquerade'",
		 true},
		{"nft 'add table inet n; add chain inet n p { type nat hook postrouting priority 90; };"
		 "add rule inet n p ip6 saddr fd00::/64 masquerade'",
		 false},
	};

	(void)state;
	assert_true(prefix_parse(&pods, "10.244.0.0/24"));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		run("nft flush ruleset; iptables -t nat -P POSTROUTING ACCEPT");
		run(cases[i].commands);
		if (masquerades() != cases[i].found)
			fail_msg("%s", cases[i].commands);
	}
}

static void test_without_nf_tables(void **state)
{
	(void)state;
	nl_close(&nf);
	ok(nl_open(&nf, NL_ROUTE, &e));
	assert_string_equal(obstacle(), "none");
	assert_false(masquerades());
}

#define TEST(f) NETNS_TEST(f, setup_pods, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_obstacle),
		TEST(test_drop_in_input_is_none),
		TEST(test_masquerades),
		TEST(test_without_nf_tables),
	};

	return cmocka_run_group_tests(tests, private_run, NULL);
}
