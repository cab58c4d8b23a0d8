/*
 * net/forward, in the kernel: iptables and nft see our rules as if typed, and see the rules, counters
 * and policies of others as they were.
 */
#include "netfilter_fixture.h"

#include "base/compiler.h"
#include "netfilter/forward.h"

static struct prefix pods;

static int setup_pods(void **state)
{
	pods = prefix_of("10.244.0.0/16");
	return setup(state);
}

static struct forward_chain look(void)
{
	struct forward_chain c;

	ok(forward_look(&nf, &pods, &c, &e));
	return c;
}

static unsigned admit(void)
{
	unsigned added;

	ok(forward_accept(&nf, &pods, &added, &e));
	return added;
}

static unsigned retract(void)
{
	unsigned removed;

	ok(forward_retract(&nf, &pods, &removed, &e));
	return removed;
}

/* A node with the chains of Docker and kube-proxy in it, and counters that are not zero. */
static void make_node(void)
{
	run("{ cat; } <<-'END' | iptables-restore -c\n"
	    "*filter\n"
	    ":INPUT ACCEPT [11:1100]\n"
	    ":FORWARD DROP [7:420]\n"
	    ":OUTPUT ACCEPT [12:1200]\n"
	    ":DOCKER - [0:0]\n"
	    ":DOCKER-ISOLATION-STAGE-1 - [0:0]\n"
	    ":DOCKER-USER - [0:0]\n"
	    ":KUBE-FORWARD - [0:0]\n"
	    "[3:180] -A FORWARD -m comment --comment \"kubernetes forwarding rules\" -j KUBE-FORWARD\n"
	    "[4:240] -A FORWARD -j DOCKER-USER\n"
	    "[4:240] -A FORWARD -j DOCKER-ISOLATION-STAGE-1\n"
	    "[1:60] -A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n"
	    "[0:0] -A FORWARD -o docker0 -j DOCKER\n"
	    "[2:120] -A FORWARD -i docker0 ! -o docker0 -j ACCEPT\n"
	    "[4:240] -A DOCKER-USER -j RETURN\n"
	    "[0:0] -A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP\n"
	    "COMMIT\n"
	    "*nat\n"
	    ":POSTROUTING ACCEPT [5:300]\n"
	    "[6:360] -A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE\n"
	    "COMMIT\n"
	    "END");
}

static const char *saved(void)
{
	return output("iptables-save -c | grep -v '^#'");
}

/* --- look ------------------------------------------------------------------------------------- */

static void test_no_table(void **state)
{
	struct forward_chain c = look();

	(void)state;
	assert_false(c.there || c.drops || c.from || c.to || c.from_ours || c.to_ours);
	assert_int_equal(admit(), 0);
	assert_int_equal(retract(), 0);
	assert_string_equal(output("nft list ruleset"), "");
}

static void test_chain_of_that_name_without_hook(void **state)
{
	(void)state;
	run("nft 'add table ip filter; add chain ip filter FORWARD; add rule ip filter FORWARD drop'");
	assert_false(look().there || look().drops);
	assert_int_equal(admit(), 0);
}

/* What stands in FORWARD, and what a look says of it: Drops, From, To. */
static void test_look(void **state)
{
	static const struct {
		const char *commands, *said;
	} cases[] = {
		{"iptables -S FORWARD >/dev/null", "..."},
		{"iptables -P FORWARD DROP", "D.."},
		{"iptables -A FORWARD -j DROP", "D.."},
		{"iptables -A FORWARD -j REJECT", "D.."},
		{"iptables -A FORWARD -s 10.0.0.0/8 -j DROP", "..."},
		{"iptables -A FORWARD -s 10.244.0.0/16 -j ACCEPT", ".F."},
		{"iptables -A FORWARD -d 10.244.0.0/16 -j ACCEPT", "..T"},
		{"iptables -A FORWARD -s 10.0.0.0/8 -j ACCEPT", ".F."},
		{"iptables -A FORWARD -d 10.240.0.0/12 -j ACCEPT", "..T"},
		{"iptables -A FORWARD -s 10.244.0.0/24 -j ACCEPT", "..."},
		{"iptables -A FORWARD ! -s 10.244.0.0/16 -j ACCEPT", "..."},
		{"iptables -A FORWARD -s 10.244.0.0/16 -d 10.244.0.0/16 -j ACCEPT", "..."},
		{"iptables -A FORWARD -s 10.244.0.0/16 -p udp -j ACCEPT", "..."},
		{"iptables -A FORWARD -i cni0 -j ACCEPT", "..."},
		{"iptables -A FORWARD -s 10.244.0.0/16 -m comment --comment x -j ACCEPT", ".F."},
		{"iptables -A FORWARD -j ACCEPT", ".FT"},
		{"iptables -A FORWARD -j ACCEPT; iptables -A FORWARD -j DROP", ".FT"},
		{"iptables -A FORWARD -j DROP; iptables -A FORWARD -s 10.244.0.0/16 -j ACCEPT",
		 "D.."},
		{"iptables -A FORWARD -s 10.244.0.0/16 -j ACCEPT; iptables -A FORWARD -j DROP",
		 "DF."},
		{"iptables -P FORWARD DROP; nft add rule ip filter FORWARD ip saddr 10.244.0.0/16 accept;"
		 "nft add rule ip filter FORWARD ip daddr 10.240.0.0/12 counter accept",
		 "DFT"},
		{"iptables -P FORWARD DROP; nft add rule ip filter FORWARD ip saddr "
		 "{ 10.244.0.0/16, 10.0.0.0/16 } accept",
		 "D.."},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct forward_chain c;
		char said[4];

		run("iptables -P FORWARD ACCEPT; iptables -F FORWARD");
		run(cases[i].commands);
		c = look();
		snprintf(said, sizeof(said), "%c%c%c", c.drops ? 'D' : '.', c.from ? 'F' : '.',
			 c.to ? 'T' : '.');
		if (!c.there || strcmp(said, cases[i].said) != 0)
			fail_msg("%s: %s", cases[i].commands, said);
		assert_false(c.from_ours || c.to_ours);
	}
}

/* --- accept and retract ----------------------------------------------------------------------- */

static void test_as_if_typed(void **state)
{
	const char *ours, *ours_saved, *ours_nft, *ours_json;
	struct forward_chain c;

	(void)state;
	run("iptables -P FORWARD DROP");
	assert_int_equal(admit(), 2);
	c = look();
	assert_true(c.there && c.drops && c.from && c.to && c.from_ours && c.to_ours);
	ours = output("iptables -S FORWARD; iptables -L FORWARD -v -n");
	ours_saved = saved();
	assert_non_null(strstr(ours, "-P FORWARD DROP\n"
				     "-A FORWARD -s 10.244.0.0/16 -j ACCEPT\n"
				     "-A FORWARD -d 10.244.0.0/16 -j ACCEPT\n"));
	ours_nft = output("nft list ruleset 2>/dev/null");
	/* Handles apart, it is what iptables itself leaves. */
	ours_json = output("nft -j list ruleset | sed 's/\"handle\": [0-9]*//g'");
	run("iptables -F FORWARD");
	run("iptables -t filter -A FORWARD -s 10.244.0.0/16 -j ACCEPT");
	run("iptables -t filter -A FORWARD -d 10.244.0.0/16 -j ACCEPT");
	assert_string_equal(output("nft list ruleset 2>/dev/null"), ours_nft);
	assert_string_equal(output("nft -j list ruleset | sed 's/\"handle\": [0-9]*//g'"),
			    ours_json);
	assert_string_equal(saved(), ours_saved);
	assert_false(look().from_ours || look().to_ours);
	assert_int_equal(retract(), 0);
}

static void test_user_can_check_and_delete(void **state)
{
	(void)state;
	run("iptables -P FORWARD DROP");
	admit();
	run("iptables -C FORWARD -s 10.244.0.0/16 -j ACCEPT");
	run("iptables -D FORWARD -s 10.244.0.0/16 -j ACCEPT");
	assert_string_equal(output("iptables -S FORWARD"),
			    "-P FORWARD DROP\n-A FORWARD -d 10.244.0.0/16 -j ACCEPT\n");
	assert_int_equal(admit(), 1);
	run("iptables -D FORWARD -d 10.244.0.0/16 -j ACCEPT");
	run("iptables -D FORWARD 1");
	assert_string_equal(output("iptables -S FORWARD"), "-P FORWARD DROP\n");
}

static void test_prefixes_of_all_kinds(void **state)
{
	static const char *const prefixes[] = {"10.244.0.0/16",	  "10.240.0.0/12", "10.244.7.0/24",
					       "10.244.7.128/25", "10.244.7.3/32", "10.0.0.0/8",
					       "128.0.0.0/1"};
	char command[128];

	(void)state;
	run("iptables -P FORWARD DROP");
	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
		assert_true(prefix_parse(&pods, prefixes[i]));
		run("iptables -F FORWARD");
		assert_int_equal(admit(), 2);
		assert_int_equal(admit(), 0);
		assert_true(look().from_ours && look().to_ours);
		snprintf(command, sizeof(command), "iptables -D FORWARD -s %s -j ACCEPT",
			 prefixes[i]);
		run(command);
		assert_int_equal(retract(), 1);
		assert_string_equal(output("iptables -S FORWARD"), "-P FORWARD DROP\n");
	}
}

static void test_others_stay_byte_for_byte(void **state)
{
	const char *before, *with;

	(void)state;
	make_node();
	before = saved();
	assert_int_equal(admit(), 2);
	with = output("iptables-save -c | grep -v '^#' | "
		      "grep -v -x -e '.0:0. -A FORWARD -[sd] 10.244.0.0/16 -j ACCEPT'");
	assert_string_equal(with, before);
	assert_int_equal(admit(), 0);
	assert_int_equal(retract(), 2);
	assert_string_equal(saved(), before);
}

static void test_saved_and_restored(void **state)
{
	const char *before;

	(void)state;
	make_node();
	admit();
	before = saved();
	run("iptables-save -c >/run/saved && iptables -F && iptables-restore -c </run/saved");
	assert_string_equal(saved(), before);
	assert_int_equal(admit(), 0); /* the mark is lost, the rule does its work */
}

static void test_before_an_unconditional_drop(void **state)
{
	(void)state;
	run("iptables -A FORWARD -i lo -j ACCEPT; iptables -A FORWARD -j REJECT;"
	    "iptables -A FORWARD -j LOG");
	assert_int_equal(admit(), 2);
	assert_string_equal(output("iptables -S FORWARD"),
			    "-P FORWARD ACCEPT\n"
			    "-A FORWARD -i lo -j ACCEPT\n"
			    "-A FORWARD -s 10.244.0.0/16 -j ACCEPT\n"
			    "-A FORWARD -d 10.244.0.0/16 -j ACCEPT\n"
			    "-A FORWARD -j REJECT --reject-with icmp-port-unreachable\n"
			    "-A FORWARD -j LOG\n");
}

/* A drop put before our rules: they move before it rather than to be there twice. */
static void test_moved_before_a_new_drop(void **state)
{
	(void)state;
	run("iptables -P FORWARD DROP");
	admit();
	run("iptables -I FORWARD -j DROP");
	assert_false(look().from || look().to);
	assert_int_equal(admit(), 2);
	assert_string_equal(output("iptables -S FORWARD"), "-P FORWARD DROP\n"
							   "-A FORWARD -s 10.244.0.0/16 -j ACCEPT\n"
							   "-A FORWARD -d 10.244.0.0/16 -j ACCEPT\n"
							   "-A FORWARD -j DROP\n");
}

static void test_the_users_own_rule_is_enough(void **state)
{
	(void)state;
	run("iptables -P FORWARD DROP; iptables -A FORWARD -s 10.244.0.0/16 -j ACCEPT");
	assert_int_equal(admit(), 1);
	assert_int_equal(retract(), 1);
	assert_string_equal(output("iptables -S FORWARD"),
			    "-P FORWARD DROP\n-A FORWARD -s 10.244.0.0/16 -j ACCEPT\n");
}

static void test_other_networks_stay(void **state)
{
	struct prefix first = pods;

	(void)state;
	run("iptables -P FORWARD DROP");
	admit();
	assert_true(prefix_parse(&pods, "10.99.0.0/16"));
	assert_int_equal(admit(), 2);
	assert_int_equal(retract(), 2);
	pods = first;
	assert_true(look().from_ours && look().to_ours);
}

static void test_ipv6(void **state)
{
	(void)state;
	assert_true(prefix_parse(&pods, "fd00:1234::/60"));
	run("ip6tables -P FORWARD DROP");
	assert_int_equal(admit(), 2);
	assert_string_equal(output("ip6tables -S FORWARD"),
			    "-P FORWARD DROP\n"
			    "-A FORWARD -s fd00:1234::/60 -j ACCEPT\n"
			    "-A FORWARD -d fd00:1234::/60 -j ACCEPT\n");
	assert_true(look().from_ours && look().to_ours);
	run("ip6tables -D FORWARD -s fd00:1234::/60 -j ACCEPT");
	assert_int_equal(retract(), 1);
	assert_string_equal(output("ip6tables -S FORWARD"), "-P FORWARD DROP\n");
	assert_string_equal(output("nft list tables"), "table ip6 filter\n");
}

/* --- a kernel without nf_tables --------------------------------------------------------------- */

/* rtnetlink answers these questions with EOPNOTSUPP, as a kernel without nf_tables would. */
static void test_without_nf_tables(void **state)
{
	(void)state;
	nl_close(&nf);
	ok(nl_open(&nf, NL_ROUTE, &e));
	assert_false(look().there);
	assert_int_equal(admit(), 0);
	assert_int_equal(retract(), 0);
	assert_int_equal(e.code, 0);
}

/* --- side by side ----------------------------------------------------------------------------- */

#define WRITERS 16
#define ROUNDS	20

static int accept_and_retract(int i)
{
	struct err failure = {0};
	struct nl_sock own;
	unsigned count;

	(void)i;
	if (nl_open(&own, NL_NETFILTER, &failure))
		return -1;
	for (int n = 0; n < ROUNDS; n++)
		if (forward_accept(&own, &pods, &count, &failure) || count > 2 ||
		    forward_retract(&own, &pods, &count, &failure) || count > 2)
			return dprintf(2, "%u: %s\n", count, failure.msg);
	return forward_accept(&own, &pods, &count, &failure);
}

static void test_many_at_once(void **state)
{
	(void)state;
	run("iptables -P FORWARD DROP");
	side_by_side(WRITERS, accept_and_retract);
	assert_string_equal(output("iptables -S FORWARD"),
			    "-P FORWARD DROP\n"
			    "-A FORWARD -s 10.244.0.0/16 -j ACCEPT\n"
			    "-A FORWARD -d 10.244.0.0/16 -j ACCEPT\n");
}

#define TEST(f) NETNS_TEST(f, setup_pods, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_no_table),
		TEST(test_chain_of_that_name_without_hook),
		TEST(test_look),
		TEST(test_as_if_typed),
		TEST(test_user_can_check_and_delete),
		TEST(test_prefixes_of_all_kinds),
		TEST(test_others_stay_byte_for_byte),
		TEST(test_saved_and_restored),
		TEST(test_before_an_unconditional_drop),
		TEST(test_moved_before_a_new_drop),
		TEST(test_the_users_own_rule_is_enough),
		TEST(test_other_networks_stay),
		TEST(test_ipv6),
		TEST(test_without_nf_tables),
		TEST(test_many_at_once),
	};

	return cmocka_run_group_tests(tests, private_run, NULL);
}
