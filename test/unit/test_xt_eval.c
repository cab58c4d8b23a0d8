/* net/xt_eval, net/xt_match: legacy rules read as iptables-legacy prints them, and do what they do. */
#include "netns.h"

#include "base/compiler.h"
#include "netfilter/xt_eval.h"
#include "netfilter/xtables.h"

enum { FORWARD = 2 }; /* NF_INET_FORWARD */

static struct err e;

static int setup(void **state)
{
	(void)state;
	memset(&e, 0, sizeof(e));
	return enter_netns();
}

/* From pod to other host, or back. */
static struct packet packet(bool v6, bool reply)
{
	struct packet p = {.iif = reply ? "ens4" : "cni0",
			   .oif = reply ? "cni0" : "ens4",
			   .bridge = "",
			   .reply = reply,
			   .mark_known = true};
	const char *pod = v6 ? "fd00::2" : "10.244.0.2", *host = v6 ? "2001:db8::7" : "10.168.0.7";

	assert_true(ip_parse(&p.source, reply ? host : pod));
	assert_true(ip_parse(&p.destination, reply ? pod : host));
	return p;
}

static struct verdict forward(const struct packet *p)
{
	struct xt_table t;
	struct verdict v;

	if (xtables_read(p->source.family, XTABLES_FILTER, &t, &e))
		fail_msg("%s", e.msg);
	xt_eval(&t, FORWARD, p, &v);
	return v;
}

static const char *fate(const struct verdict *v)
{
	static const char *const words[] = {"pass", "drop", "reject", "nat"};
	static char text[2][32];
	static unsigned turn;
	char *out = text[turn++ % 2];

	snprintf(out, 32, "%s%s", v->certain ? "" : "may ", words[v->fate]);
	return out;
}

struct rule {
	const char *text, *request, *reply;
};

/* Each as the only rule. What iptables prints is what is typed here. */
static void try_rules(const char *program, bool v6, const struct rule *rules, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct packet there = packet(v6, false), back = packet(v6, true);
		struct verdict a, b;
		char command[256], text[400];
		struct xt_table t;
		size_t n_same;

		snprintf(command, sizeof(command),
			 "%s -F FORWARD; %s %s; test \"$(%s -S FORWARD | tail -n1)\" = '%s'",
			 program, program, rules[i].text, program, rules[i].text);
		run(command);
		a = forward(&there);
		b = forward(&back);
		if (strcmp(fate(&a), rules[i].request) != 0 ||
		    strcmp(fate(&b), rules[i].reply) != 0)
			fail_msg("%s: %s, %s", rules[i].text, fate(&a), fate(&b));
		assert_int_equal(xtables_read(v6 ? 6 : 4, XTABLES_FILTER, &t, &e), 0);
		xt_text(text, sizeof(text), &t, "FORWARD", t.begin[FORWARD]);
		/* Extensions are shown by their names alone; "state" is kept as conntrack's. */
		n_same = strlen(rules[i].text) + 1;
		if (strstr(rules[i].text, " -m "))
			n_same = (size_t)(strstr(rules[i].text, " -m ") - rules[i].text) + 4;
		else if (strstr(rules[i].text, "REJECT"))
			n_same = (size_t)(strstr(rules[i].text, "REJECT") - rules[i].text) + 6;
		assert_memory_equal(text, rules[i].text, n_same);
	}
}

static void test_rules(void **state)
{
	static const struct rule rules[] = {
		{"-A FORWARD -j DROP", "drop", "drop"},
		{"-A FORWARD -j ACCEPT", "pass", "pass"},
		{"-A FORWARD -s 10.244.0.0/16 -j DROP", "drop", "pass"},
		{"-A FORWARD ! -s 10.244.0.0/16 -j DROP", "pass", "drop"},
		{"-A FORWARD -d 10.168.0.7/32 -j DROP", "drop", "pass"},
		{"-A FORWARD -s 10.244.0.0/16 ! -d 10.244.0.0/16 -j DROP", "drop", "pass"},
		{"-A FORWARD -i cni0 -j DROP", "drop", "pass"},
		{"-A FORWARD -i cni+ ! -o cni+ -j DROP", "drop", "pass"},
		{"-A FORWARD -i cni -j DROP", "pass", "pass"},
		{"-A FORWARD ! -i cni0 -o cni0 -j DROP", "pass", "drop"},
		{"-A FORWARD -p icmp -j DROP", "drop", "drop"},
		{"-A FORWARD ! -p icmp -j DROP", "pass", "pass"},
		{"-A FORWARD -p tcp -j DROP", "pass", "pass"},
		{"-A FORWARD -f -j DROP", "pass", "pass"},
		{"-A FORWARD -s 10.244.0.0/16 -j REJECT --reject-with icmp-port-unreachable",
		 "reject", "pass"},
		{"-A FORWARD -p icmp -m icmp --icmp-type 8 -j DROP", "drop", "pass"},
		{"-A FORWARD -p icmp -m icmp ! --icmp-type 8 -j DROP", "pass", "drop"},
		{"-A FORWARD -p tcp -m tcp --dport 22 -j DROP", "pass", "pass"},
		{"-A FORWARD -m mark --mark 0x4000/0x4000 -j DROP", "pass", "pass"},
		{"-A FORWARD -m mark ! --mark 0x4000/0x4000 -j DROP", "drop", "drop"},
		{"-A FORWARD -m conntrack --ctstate NEW -j DROP", "drop", "pass"},
		{"-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j DROP", "pass", "drop"},
		{"-A FORWARD -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP", "drop",
		 "pass"},
		{"-A FORWARD -m conntrack --ctstate INVALID -j DROP", "pass", "pass"},
		{"-A FORWARD -m state --state NEW -j DROP", "drop", "pass"},
		{"-A FORWARD -m addrtype --dst-type LOCAL -j DROP", "pass", "pass"},
		{"-A FORWARD -m addrtype ! --dst-type LOCAL -j DROP", "drop", "drop"},
		{"-A FORWARD -m comment --comment hello -j DROP", "drop", "drop"},
		{"-A FORWARD -m physdev --physdev-is-bridged -j DROP", "pass", "pass"},
		{"-A FORWARD -m length --length 84 -j DROP", "may drop", "may drop"},
		{"-A FORWARD -d 10.0.0.0/32 -m length --length 84 -j DROP", "pass", "pass"},
	};

	(void)state;
	try_rules("iptables-legacy", false, rules, ARRAY_SIZE(rules));
}

static void test_rules6(void **state)
{
	static const struct rule rules[] = {
		{"-A FORWARD -s fd00::/64 -j DROP", "drop", "pass"},
		{"-A FORWARD -d 2001:db8::7/128 -i cni+ -j DROP", "drop", "pass"},
		{"-A FORWARD -p ipv6-icmp -j DROP", "drop", "drop"},
		{"-A FORWARD -p ipv6-icmp -m icmp6 --icmpv6-type 129 -j DROP", "pass", "drop"},
		{"-A FORWARD -m conntrack --ctstate NEW -j DROP", "drop", "pass"},
	};

	(void)state;
	try_rules("ip6tables-legacy", true, rules, ARRAY_SIZE(rules));
}

static void test_walks(void **state)
{
	static const struct {
		const char *rules, *fate, *chain, *rule;
		uint64_t number;
		bool by_policy, unconditional;
	} cases[] = {
		{"-P FORWARD DROP", "drop", "FORWARD", "", 0, true, false},
		{"-P FORWARD DROP; -A FORWARD -j RETURN; -A FORWARD -j ACCEPT", "drop", "FORWARD",
		 "", 0, true, false},
		{"-P FORWARD DROP; -A FORWARD -s 10.244.0.0/16 -j ACCEPT", "pass", "", "", 0, false,
		 false},
		{"-A FORWARD -p tcp -j ACCEPT; -A FORWARD -j DROP", "drop", "FORWARD",
		 "-A FORWARD -j DROP", 2, false, true},
		{"-N X; -A FORWARD -j X; -A X -p udp -j RETURN; -A X -i cni0 -j DROP", "drop", "X",
		 "-A X -i cni0 -j DROP", 2, false, false},
		{"-N X; -A FORWARD -j X; -A X -j ACCEPT; -A FORWARD -j DROP", "pass", "", "", 0,
		 false, false},
		{"-N X; -A FORWARD -g X; -A FORWARD -j DROP; -A X -p tcp -j DROP", "pass", "", "",
		 0, false, false},
		{"-N X; -A FORWARD -j X; -A FORWARD -j DROP; -A X -p tcp -j DROP", "drop",
		 "FORWARD", "-A FORWARD -j DROP", 2, false, true},
		{"-N X; -N Y; -A FORWARD -j X; -A X -j Y; -A X -j DROP; -A Y -j RETURN; -A Y -j ACCEPT",
		 "drop", "X", "-A X -j DROP", 2, false, false},
		/* what may accept before, may drop before, may jump */
		{"-A FORWARD -m length --length 84 -j ACCEPT; -A FORWARD -j DROP", "may drop",
		 "FORWARD", "-A FORWARD -j DROP", 2, false, true},
		{"-A FORWARD -m length --length 84 -j DROP; -A FORWARD -o ens4 -j DROP", "drop",
		 "FORWARD", "-A FORWARD -o ens4 -j DROP", 2, false, false},
		{"-N X; -A FORWARD -m length --length 84 -j X; -A X -j DROP", "may drop", "X",
		 "-A X -j DROP", 1, false, false},
		{"-N X; -A FORWARD -m length --length 84 -j X; -A X -j ACCEPT; -P FORWARD DROP",
		 "may drop", "FORWARD", "", 0, true, false},
		{"-A FORWARD -m length --length 84 -j RETURN; -A FORWARD -j ACCEPT; -P FORWARD DROP",
		 "may drop", "FORWARD", "", 0, true, false},
		{"-A FORWARD -m length --length 84 -j RETURN; -P FORWARD DROP", "drop", "FORWARD",
		 "", 0, true, false},
	};
	struct packet p = packet(false, false);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct verdict v;
		char script[512];

		run("iptables-legacy -F; iptables-legacy -X; iptables-legacy -P FORWARD ACCEPT");
		snprintf(
			script, sizeof(script),
			"echo '%s' | tr ';' '\\n' | while read -r line; do iptables-legacy $line || "
			"exit 1; done",
			cases[i].rules);
		run(script);
		v = forward(&p);
		if (strcmp(fate(&v), cases[i].fate) != 0 || strcmp(v.chain, cases[i].chain) != 0 ||
		    strcmp(v.rule, cases[i].rule) != 0 || v.handle != cases[i].number ||
		    v.by_policy != cases[i].by_policy || v.unconditional != cases[i].unconditional)
			fail_msg("%s: %s %s '%s' %llu", cases[i].rules, fate(&v), v.chain, v.rule,
				 (unsigned long long)v.handle);
	}
}

static void test_marks(void **state)
{
	struct packet p = packet(false, false);
	struct verdict v;

	(void)state;
	run("iptables-legacy -t mangle -A FORWARD -d 10.168.0.7 -j MARK --set-mark 0x99");
	run("iptables-legacy -t mangle -A FORWARD -m mark --mark 0x99 -j DROP");
	{
		struct xt_table t;

		assert_int_equal(xtables_read(4, XTABLES_MANGLE, &t, &e), 0);
		xt_eval(&t, FORWARD, &p, &v);
	}
	assert_string_equal(fate(&v), "drop");
	assert_string_equal(v.rule, "-A FORWARD -m mark -j DROP");
}

#define TEST(f) NETNS_TEST(f, setup, NULL)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_rules),
		TEST(test_rules6),
		TEST(test_walks),
		TEST(test_marks),
	};

	return cmocka_run_group_tests(tests, private_run, NULL);
}
