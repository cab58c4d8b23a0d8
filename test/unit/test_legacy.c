/*
 * net/legacy, in the kernel: iptables-legacy sees our rules as if typed, and sees
 * the rules, counters and policies of others as they were.
 */
#include "netns.h"

#include "base/compiler.h"
#include "netfilter/legacy.h"
#include "netfilter/xtables.h"

static struct err e;
static struct prefix pods;

static int setup(void **state)
{
	(void)state;
	memset(&e, 0, sizeof(e));
	return enter_netns() || !prefix_parse(&pods, "10.244.0.0/16");
}

static void ok(int result)
{
	if (result)
		fail_msg("%s", e.msg);
}

static struct forward_chain look(void)
{
	struct forward_chain c;

	ok(legacy_forward_look(&pods, &c, &e));
	return c;
}

static unsigned admit(void)
{
	unsigned added;

	ok(legacy_forward_accept(&pods, &added, &e));
	return added;
}

static unsigned retract(void)
{
	unsigned removed;

	ok(legacy_forward_retract(&pods, &removed, &e));
	return removed;
}

static const char *saved(void)
{
	return output("iptables-legacy-save -c | sed '/^#/d'");
}

/* --- FORWARD ---------------------------------------------------------------------------------- */

static void test_looking_brings_no_table_to_life(void **state)
{
	struct forward_obstacle o;
	struct prefix pods6;
	bool there;

	(void)state;
	assert_true(prefix_parse(&pods6, "fd00::/64"));
	assert_int_equal(xtables_in_use(4), 0);
	ok(legacy_obstacle(&pods, &o, &there, &e));
	assert_false(there);
	ok(legacy_masquerades(&pods, &there, &e));
	assert_false(there);
	ok(legacy_obstacle(&pods6, &o, &there, &e));
	assert_string_equal(output("cat /proc/net/ip_tables_names /proc/net/ip6_tables_names"), "");
	run("iptables-legacy -P FORWARD DROP");
	assert_int_equal(xtables_in_use(4), XTABLES_FILTER);
	run("iptables-legacy -t nat -N X");
	assert_int_equal(xtables_in_use(4), XTABLES_FILTER | XTABLES_NAT);
	assert_int_equal(xtables_in_use(6), 0);
	ok(legacy_obstacle(&pods, &o, &there, &e));
	assert_true(there && o.by_policy);
	assert_string_equal(o.table, "iptables-legacy filter");
	assert_string_equal(o.chain, "FORWARD");
}

/* What stands in FORWARD, and what a look says of it: Drops, From, To. */
static void test_look(void **state)
{
	static const struct {
		const char *rules, *said;
	} cases[] = {
		{"-P FORWARD ACCEPT", "..."},
		{"-P FORWARD DROP", "D.."},
		{"-A FORWARD -j DROP", "D.."},
		{"-A FORWARD -j REJECT", "D.."},
		{"-A FORWARD -s 10.0.0.0/8 -j DROP", "..."},
		{"-A FORWARD -s 10.244.0.0/16 -j ACCEPT", ".F."},
		{"-A FORWARD -d 10.240.0.0/12 -j ACCEPT", "..T"},
		{"-A FORWARD -s 10.244.0.0/24 -j ACCEPT", "..."},
		{"-A FORWARD ! -s 10.244.0.0/16 -j ACCEPT", "..."},
		{"-A FORWARD -s 10.244.0.0/255.255.0.255 -j ACCEPT", "..."},
		{"-A FORWARD -s 10.244.0.0/16 -d 10.244.0.0/16 -j ACCEPT", "..."},
		{"-A FORWARD -s 10.244.0.0/16 -p udp -j ACCEPT", "..."},
		{"-A FORWARD -s 10.244.0.0/16 -f -j ACCEPT", "..."},
		{"-A FORWARD -i cni0 -j ACCEPT", "..."},
		{"-A FORWARD -s 10.244.0.0/16 -m comment --comment x -j ACCEPT", ".F."},
		{"-A FORWARD -s 10.244.0.0/16 -m limit --limit 1/s -j ACCEPT", "..."},
		{"-A FORWARD -j ACCEPT", ".FT"},
		{"-A FORWARD -j RETURN", ".FT"}, /* to the policy */
		{"-A FORWARD -j ACCEPT; iptables-legacy -A FORWARD -j DROP", ".FT"},
		{"-A FORWARD -j DROP; iptables-legacy -A FORWARD -s 10.244.0.0/16 -j ACCEPT",
		 "D.."},
		{"-P FORWARD DROP; iptables-legacy -A FORWARD -j RETURN;"
		 "iptables-legacy -A FORWARD -s 10.244.0.0/16 -j ACCEPT",
		 "D.."},
		{"-A FORWARD -s 10.244.0.0/16 -j ACCEPT; iptables-legacy -A FORWARD -j DROP",
		 "DF."},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char command[256], said[4];
		struct forward_chain c;

		snprintf(command, sizeof(command), "iptables-legacy %s", cases[i].rules);
		run("iptables-legacy -P FORWARD ACCEPT; iptables-legacy -F FORWARD");
		run(command);
		c = look();
		snprintf(said, sizeof(said), "%c%c%c", c.drops ? 'D' : '.', c.from ? 'F' : '.',
			 c.to ? 'T' : '.');
		if (!c.there || strcmp(said, cases[i].said) != 0)
			fail_msg("%s: %s", cases[i].rules, said);
		assert_false(c.from_ours || c.to_ours);
	}
}

static void test_as_if_typed(void **state)
{
	const char *ours;

	(void)state;
	run("iptables-legacy -P FORWARD DROP");
	assert_int_equal(admit(), 2);
	assert_int_equal(admit(), 0);
	assert_true(look().from_ours && look().to_ours);
	assert_string_equal(output("iptables-legacy -S FORWARD"),
			    "-P FORWARD DROP\n"
			    "-A FORWARD -s 10.244.0.0/16 -j ACCEPT\n"
			    "-A FORWARD -d 10.244.0.0/16 -j ACCEPT\n");
	ours = output("iptables-legacy-save -c; iptables-legacy -L -v -n");
	run("iptables-legacy -F FORWARD");
	run("iptables-legacy -A FORWARD -s 10.244.0.0/16 -j ACCEPT");
	run("iptables-legacy -A FORWARD -d 10.244.0.0/16 -j ACCEPT");
	assert_int_equal(strlen(output("iptables-legacy-save -c; iptables-legacy -L -v -n")),
			 strlen(ours));
	assert_false(look().from_ours || look().to_ours);
	assert_int_equal(retract(), 0);
}

static void test_mark_outlives_others_changes(void **state)
{
	(void)state;
	run("iptables-legacy -P FORWARD DROP");
	admit();
	run("iptables-legacy -C FORWARD -s 10.244.0.0/16 -j ACCEPT");
	run("iptables-legacy -I FORWARD -p tcp -j LOG; iptables-legacy -N X; iptables-legacy -A X -j DROP;"
	    "iptables-legacy -A FORWARD -j X; iptables-legacy -P INPUT DROP; iptables-legacy -Z");
	assert_true(look().from_ours && look().to_ours);
	run("iptables-legacy -D FORWARD -s 10.244.0.0/16 -j ACCEPT");
	assert_int_equal(retract(), 1);
	assert_string_equal(output("iptables-legacy -S FORWARD"),
			    "-P FORWARD DROP\n-A FORWARD -p tcp -j LOG\n-A FORWARD -j X\n");
}

static void test_restored(void **state)
{
	(void)state;
	run("iptables-legacy -P FORWARD DROP");
	admit();
	run("iptables-legacy-save >/run/saved; iptables-legacy-restore </run/saved");
	assert_int_equal(admit(), 0);
	assert_int_equal(retract(), 0); /* they are the restorer's now */
}

static void test_others_stay_byte_for_byte(void **state)
{
	const char *before;

	(void)state;
	run("{ cat; } <<-'END' | iptables-legacy-restore -c\n"
	    "*filter\n"
	    ":INPUT ACCEPT [11:1100]\n"
	    ":FORWARD DROP [7:420]\n"
	    ":OUTPUT ACCEPT [12:1200]\n"
	    ":USER - [0:0]\n"
	    "[13:1300] -A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n"
	    "[1:10] -A FORWARD -m comment --comment \"no target\"\n"
	    "[2:20] -A FORWARD -m limit --limit 5/sec -j LOG\n"
	    "[3:30] -A FORWARD -m recent --set --name seen --mask 255.255.255.255 --rsource\n"
	    "[4:40] -A FORWARD -m state --state RELATED,ESTABLISHED -j ACCEPT\n"
	    "[5:50] -A FORWARD -i lo -g USER\n"
	    "[6:60] -A OUTPUT -j USER\n"
	    "[8:80] -A USER -m comment --comment \"no target\"\n"
	    "[9:90] -A USER -j RETURN\n"
	    "COMMIT\n"
	    "END");
	before = saved();
	assert_int_equal(admit(), 2);
	assert_string_equal(output("iptables-legacy-save -c | grep -v '^#' | grep -v -x "
				   "-e '.0:0. -A FORWARD -[sd] 10.244.0.0/16 -j ACCEPT'"),
			    before);
	assert_int_equal(retract(), 2);
	assert_string_equal(saved(), before);
}

static void test_before_an_unconditional_drop(void **state)
{
	(void)state;
	run("iptables-legacy -A FORWARD -i lo -j ACCEPT; iptables-legacy -A FORWARD -j REJECT;"
	    "iptables-legacy -A FORWARD -j LOG");
	assert_int_equal(admit(), 2);
	assert_string_equal(output("iptables-legacy -S FORWARD"),
			    "-P FORWARD ACCEPT\n"
			    "-A FORWARD -i lo -j ACCEPT\n"
			    "-A FORWARD -s 10.244.0.0/16 -j ACCEPT\n"
			    "-A FORWARD -d 10.244.0.0/16 -j ACCEPT\n"
			    "-A FORWARD -j REJECT --reject-with icmp-port-unreachable\n"
			    "-A FORWARD -j LOG\n");
	run("iptables-legacy -I FORWARD -j DROP");
	assert_int_equal(admit(), 2); /* they have moved */
	assert_string_equal(output("iptables-legacy -S FORWARD"),
			    "-P FORWARD ACCEPT\n"
			    "-A FORWARD -s 10.244.0.0/16 -j ACCEPT\n"
			    "-A FORWARD -d 10.244.0.0/16 -j ACCEPT\n"
			    "-A FORWARD -j DROP\n"
			    "-A FORWARD -i lo -j ACCEPT\n"
			    "-A FORWARD -j REJECT --reject-with icmp-port-unreachable\n"
			    "-A FORWARD -j LOG\n");
}

static void test_the_users_own_rule_is_enough(void **state)
{
	(void)state;
	run("iptables-legacy -P FORWARD DROP; iptables-legacy -A FORWARD -s 10.244.0.0/16 -j ACCEPT");
	assert_int_equal(admit(), 1);
	assert_int_equal(retract(), 1);
	assert_string_equal(output("iptables-legacy -S FORWARD"),
			    "-P FORWARD DROP\n-A FORWARD -s 10.244.0.0/16 -j ACCEPT\n");
}

static void test_ipv6(void **state)
{
	(void)state;
	assert_true(prefix_parse(&pods, "fd00:1234::/60"));
	run("ip6tables-legacy -P FORWARD DROP; ip6tables-legacy -A FORWARD -p tcp -j LOG");
	assert_int_equal(admit(), 2);
	assert_string_equal(output("ip6tables-legacy -S FORWARD"),
			    "-P FORWARD DROP\n"
			    "-A FORWARD -p tcp -j LOG\n"
			    "-A FORWARD -s fd00:1234::/60 -j ACCEPT\n"
			    "-A FORWARD -d fd00:1234::/60 -j ACCEPT\n");
	assert_int_equal(admit(), 0);
	run("ip6tables-legacy -D FORWARD -s fd00:1234::/60 -j ACCEPT");
	assert_int_equal(retract(), 1);
	assert_int_equal(xtables_in_use(4), 0);
}

/* --- POSTROUTING ------------------------------------------------------------------------------ */

static struct ruleset want(enum masquerade masquerade)
{
	struct ruleset w = {
		.name = "mynet", .bridge = "cni0", .network = pods, .masquerade = masquerade};

	assert_true(prefix_parse(&w.subnet, "10.244.0.0/24"));
	return w;
}

static enum ruleset_state state_of(enum masquerade masquerade)
{
	struct ruleset w = want(masquerade);
	enum ruleset_state state;

	ok(legacy_masquerade_look(&w, &state, &e));
	return state;
}

static void set(enum masquerade masquerade)
{
	struct ruleset w = want(masquerade);

	ok(legacy_masquerade_set(&w, &e));
	assert_int_equal(state_of(masquerade), RULESET_PRESENT);
}

#define ALL_RULE     "-A POSTROUTING -s 10.244.0.0/24 ! -o cni0 -j MASQUERADE\n"
#define OUTSIDE_RULE "-A POSTROUTING -s 10.244.0.0/24 ! -d 10.244.0.0/16 -j MASQUERADE\n"

static void assert_postrouting(const char *rules)
{
	const char *said = output("iptables-legacy -t nat -S POSTROUTING");

	assert_string_equal(strchr(said, '\n') + 1, rules);
}

static void test_masquerade(void **state)
{
	bool removed;

	(void)state;
	assert_int_equal(state_of(MASQUERADE_OUTSIDE), RULESET_ABSENT);
	assert_int_equal(state_of(MASQUERADE_NONE), RULESET_PRESENT);
	set(MASQUERADE_ALL);
	assert_postrouting(ALL_RULE);
	assert_int_equal(state_of(MASQUERADE_OUTSIDE), RULESET_DIFFERENT);
	set(MASQUERADE_ALL);
	set(MASQUERADE_OUTSIDE);
	assert_postrouting(OUTSIDE_RULE);
	assert_int_equal(state_of(MASQUERADE_NONE), RULESET_DIFFERENT);
	set(MASQUERADE_NONE);
	assert_postrouting("");
	set(MASQUERADE_OUTSIDE);
	run("iptables-legacy -t nat -A POSTROUTING -p tcp -j ACCEPT");
	ok(legacy_masquerade_remove(4, "another", &removed, &e));
	assert_false(removed);
	ok(legacy_masquerade_remove(4, "mynet", &removed, &e));
	assert_true(removed);
	assert_postrouting("-A POSTROUTING -p tcp -j ACCEPT\n");
}

static void test_masquerade_typed_before(void **state)
{
	bool removed;

	(void)state;
	run("iptables-legacy -t nat -A POSTROUTING -s 10.244.0.0/24 ! -o cni0 -j MASQUERADE");
	assert_int_equal(state_of(MASQUERADE_ALL), RULESET_PRESENT);
	set(MASQUERADE_ALL);
	assert_postrouting(ALL_RULE);
	set(MASQUERADE_OUTSIDE);
	assert_postrouting(ALL_RULE OUTSIDE_RULE);
	ok(legacy_masquerade_remove(4, "mynet", &removed, &e));
	assert_true(removed);
	assert_postrouting(ALL_RULE);
}

static void test_who_masquerades(void **state)
{
	static const struct {
		const char *rule;
		bool does;
	} cases[] = {
		{"-A POSTROUTING -j ACCEPT", false},
		{"-A POSTROUTING -j MASQUERADE", true},
		{"-A POSTROUTING -o eth0 -j MASQUERADE", true},
		{"-A POSTROUTING -s 10.0.0.0/8 -j SNAT --to 192.0.2.1", true},
		{"-A POSTROUTING -s 10.244.0.0/24 -j MASQUERADE", false},
		{"-A POSTROUTING -m mark --mark 1 -j MASQUERADE", false},
		{"-A POSTROUTING -p tcp -j MASQUERADE", false},
		{"-A X -s 10.244.0.0/16 -j MASQUERADE", true},
		{"-A X -j MASQUERADE", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char command[256];
		bool does;

		snprintf(command, sizeof(command),
			 "iptables-legacy -t nat -F; iptables-legacy -t nat -X;"
			 "iptables-legacy -t nat -N X; iptables-legacy -t nat %s",
			 cases[i].rule);
		run(command);
		ok(legacy_masquerades(&pods, &does, &e));
		if (does != cases[i].does)
			fail_msg("%s: %d", cases[i].rule, does);
	}
}

#define TEST(f) NETNS_TEST(f, setup, NULL)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_looking_brings_no_table_to_life),
		TEST(test_look),
		TEST(test_as_if_typed),
		TEST(test_mark_outlives_others_changes),
		TEST(test_restored),
		TEST(test_others_stay_byte_for_byte),
		TEST(test_before_an_unconditional_drop),
		TEST(test_the_users_own_rule_is_enough),
		TEST(test_ipv6),
		TEST(test_masquerade),
		TEST(test_masquerade_typed_before),
		TEST(test_who_masquerades),
	};

	return cmocka_run_group_tests(tests, private_run, NULL);
}
