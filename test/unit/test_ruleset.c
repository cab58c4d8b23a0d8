/* net/ruleset, in the kernel: what nft lists, what stays of others, what many at once leave. */
#include "netfilter_fixture.h"

#include "netfilter/ruleset.h"

static struct ruleset wanted(const char *name, const char *subnet, const char *network)
{
	struct ruleset r = {.name = name, .bridge = "cni0"};

	assert_true(prefix_parse(&r.subnet, subnet));
	assert_true(prefix_parse(&r.network, network));
	return r;
}

static struct ruleset mynet(void)
{
	return wanted("mynet", "10.244.0.0/24", "10.244.0.0/16");
}

static enum ruleset_state look(const struct ruleset *r)
{
	enum ruleset_state state = RULESET_DIFFERENT;

	ok(ruleset_look(&nf, r, &state, &e));
	return state;
}

static bool remove_named(uint8_t family, const char *name)
{
	bool removed;

	ok(ruleset_remove(&nf, family, name, &removed, &e));
	return removed;
}

static void test_outside(void **state)
{
	struct ruleset r = mynet();

	(void)state;
	assert_int_equal(look(&r), RULESET_ABSENT);
	ok(ruleset_set(&nf, &r, &e));
	assert_int_equal(look(&r), RULESET_PRESENT);
	assert_string_equal(output("nft list ruleset"),
			    "table ip cnibox {\n"
			    "\tchain postrouting {\n"
			    "\t\ttype nat hook postrouting priority srcnat - 1; policy accept;\n"
			    "\t\tip saddr 10.244.0.0/24 ip daddr != 10.244.0.0/16 "
			    "ip daddr != 224.0.0.0/4 masquerade fully-random comment \"mynet\"\n"
			    "\t}\n"
			    "}\n");
}

static void test_all_and_accept(void **state)
{
	struct ruleset r = mynet();

	(void)state;
	r.masquerade = MASQUERADE_ALL;
	r.accept = true;
	ok(ruleset_set(&nf, &r, &e));
	assert_int_equal(look(&r), RULESET_PRESENT);
	assert_string_equal(output("nft list ruleset"),
			    "table ip cnibox {\n"
			    "\tchain postrouting {\n"
			    "\t\ttype nat hook postrouting priority srcnat - 1; policy accept;\n"
			    "\t\toifname != \"cni0\" ip saddr 10.244.0.0/24 "
			    "masquerade fully-random comment \"mynet\"\n"
			    "\t}\n"
			    "\n"
			    "\tchain forward {\n"
			    "\t\ttype filter hook forward priority filter; policy accept;\n"
			    "\t\tip saddr 10.244.0.0/16 accept comment \"mynet\"\n"
			    "\t\tip daddr 10.244.0.0/16 accept comment \"mynet\"\n"
			    "\t}\n"
			    "}\n");
}

static void test_ipv6(void **state)
{
	struct ruleset r = wanted("mynet", "fd00:1234:0:1::/64", "fd00:1234::/44");

	(void)state;
	r.accept = true;
	ok(ruleset_set(&nf, &r, &e));
	assert_int_equal(look(&r), RULESET_PRESENT);
	assert_string_equal(output("nft list ruleset"),
			    "table ip6 cnibox {\n"
			    "\tchain postrouting {\n"
			    "\t\ttype nat hook postrouting priority srcnat - 1; policy accept;\n"
			    "\t\tip6 saddr fd00:1234:0:1::/64 ip6 daddr != fd00:1234::/44 "
			    "ip6 daddr != ff00::/8 masquerade fully-random comment \"mynet\"\n"
			    "\t}\n"
			    "\n"
			    "\tchain forward {\n"
			    "\t\ttype filter hook forward priority filter; policy accept;\n"
			    "\t\tip6 saddr fd00:1234::/44 accept comment \"mynet\"\n"
			    "\t\tip6 daddr fd00:1234::/44 accept comment \"mynet\"\n"
			    "\t}\n"
			    "}\n");
	assert_true(remove_named(6, "mynet"));
	assert_string_equal(output("nft list ruleset"), "");
}

static void test_idempotent(void **state)
{
	struct ruleset r = mynet();
	const char *before, *after;

	(void)state;
	ok(ruleset_set(&nf, &r, &e));
	before = output("nft -a list ruleset");
	ok(ruleset_set(&nf, &r, &e));
	after = output("nft -a list ruleset");
	assert_string_equal(before, after); /* with handles: not even replaced */
}

static void test_change(void **state)
{
	struct ruleset r = mynet();

	(void)state;
	r.accept = true;
	ok(ruleset_set(&nf, &r, &e));
	r.accept = false;
	r.masquerade = MASQUERADE_ALL;
	assert_int_equal(look(&r), RULESET_DIFFERENT);
	ok(ruleset_set(&nf, &r, &e));
	assert_int_equal(look(&r), RULESET_PRESENT);
	assert_null(strstr(output("nft list ruleset"), "accept comment"));
	assert_null(strstr(output("nft list ruleset"), "224.0.0.0"));
}

static void test_nothing_wanted(void **state)
{
	struct ruleset r = mynet();

	(void)state;
	ok(ruleset_set(&nf, &r, &e));
	r.masquerade = MASQUERADE_NONE;
	assert_int_equal(look(&r), RULESET_DIFFERENT);
	ok(ruleset_set(&nf, &r, &e));
	assert_int_equal(look(&r), RULESET_PRESENT);
	assert_string_equal(output("nft list ruleset"), "");
	ok(ruleset_set(&nf, &r, &e));
	assert_string_equal(output("nft list ruleset"), "");
}

static void test_networks_keep_apart(void **state)
{
	struct ruleset one = mynet();
	struct ruleset two = wanted("mynet2", "10.99.0.0/24", "10.99.0.0/16");
	const char *alone;

	(void)state;
	two.accept = true;
	ok(ruleset_set(&nf, &two, &e));
	alone = output("nft -a list ruleset");
	ok(ruleset_set(&nf, &one, &e));
	assert_int_equal(look(&one), RULESET_PRESENT);
	assert_int_equal(look(&two), RULESET_PRESENT);
	assert_true(remove_named(4, "mynet"));
	assert_string_equal(output("nft -a list ruleset"), alone);
	assert_false(remove_named(4, "mynet"));
	assert_true(remove_named(4, "mynet2"));
	assert_string_equal(output("nft list ruleset"), "");
	assert_false(remove_named(4, "mynet2"));
}

static void test_names_too_long_for_a_comment(void **state)
{
	char a[201], b[201];
	struct ruleset one, two;

	(void)state;
	memset(a, 'n', sizeof(a) - 1);
	a[200] = '\0';
	memcpy(b, a, sizeof(b));
	b[199] = 'm';
	one = wanted(a, "10.244.0.0/24", "10.244.0.0/16");
	two = wanted(b, "10.99.0.0/24", "10.99.0.0/16");
	ok(ruleset_set(&nf, &one, &e));
	assert_int_equal(look(&two), RULESET_ABSENT);
	ok(ruleset_set(&nf, &two, &e));
	assert_int_equal(look(&one), RULESET_PRESENT);
	assert_true(remove_named(4, b));
	assert_int_equal(look(&one), RULESET_PRESENT);
}

static void test_others_tables_stay(void **state)
{
	struct ruleset r = mynet();
	const char *before;

	(void)state;
	run("iptables -P FORWARD DROP; iptables -t nat -A POSTROUTING -o eth9 -j MASQUERADE");
	run("nft 'add table ip cnibox2; add chain ip cnibox2 x; add rule ip cnibox2 x counter drop'");
	before = output("iptables-save -c | grep -v ^#; nft -a list table ip cnibox2");
	ok(ruleset_set(&nf, &r, &e));
	assert_true(remove_named(4, "mynet"));
	assert_string_equal(output("iptables-save -c | grep -v ^#; nft -a list table ip cnibox2"),
			    before);
}

/* Somebody's rule in our table: the table stays for its sake. */
static void test_a_strangers_rule_stays(void **state)
{
	struct ruleset r = mynet();

	(void)state;
	ok(ruleset_set(&nf, &r, &e));
	run("nft add rule ip cnibox postrouting counter");
	assert_int_equal(look(&r), RULESET_PRESENT);
	assert_true(remove_named(4, "mynet"));
	assert_non_null(strstr(output("nft list ruleset"), "counter packets 0 bytes 0\n"));
}

/* `nft list ruleset >f; nft -f f` loses our mark, a hand may change a rule: both are mended. */
static void test_restored_by_nft(void **state)
{
	struct ruleset r = mynet();
	const char *before;

	(void)state;
	ok(ruleset_set(&nf, &r, &e));
	before = output("nft list ruleset");
	run("nft list ruleset >/run/saved && nft flush ruleset && nft -f /run/saved");
	assert_int_equal(look(&r), RULESET_DIFFERENT);
	ok(ruleset_set(&nf, &r, &e));
	assert_int_equal(look(&r), RULESET_PRESENT);
	assert_string_equal(output("nft list ruleset"), before);
}

static void test_flushed(void **state)
{
	struct ruleset r = mynet();

	(void)state;
	ok(ruleset_set(&nf, &r, &e));
	run("nft flush table ip cnibox");
	assert_int_equal(look(&r), RULESET_ABSENT);
	ok(ruleset_set(&nf, &r, &e));
	assert_int_equal(look(&r), RULESET_PRESENT);
	assert_true(remove_named(4, "mynet"));
	assert_string_equal(output("nft list ruleset"), "");
}

/* An empty table is left by nobody: `remove` takes it away. */
static void test_empty_table_goes(void **state)
{
	(void)state;
	run("nft add table ip cnibox");
	assert_true(remove_named(4, "mynet"));
	assert_string_equal(output("nft list ruleset"), "");
}

static void test_chain_in_the_way(void **state)
{
	struct ruleset r = mynet();

	(void)state;
	run("nft 'add table ip cnibox; add chain ip cnibox postrouting "
	    "{ type filter hook input priority 0; }'");
	assert_int_equal(ruleset_set(&nf, &r, &e), -1);
	assert_int_equal(e.code, ERR_KERNEL);
	assert_non_null(strstr(e.msg, "create chain"));
	assert_null(strstr(output("nft list ruleset"), "masquerade"));
}

/* rtnetlink answers these questions with EOPNOTSUPP, as a kernel without nf_tables would. */
static void test_without_nf_tables(void **state)
{
	struct ruleset r = mynet();

	(void)state;
	nl_close(&nf);
	ok(nl_open(&nf, NL_ROUTE, &e));
	assert_int_equal(look(&r), RULESET_ABSENT);
	assert_false(remove_named(4, "mynet"));
	assert_int_equal(ruleset_set(&nf, &r, &e), -1);
	assert_true(ruleset_unsupported(&e)); /* then legacy iptables may do it */
}

/* --- side by side ----------------------------------------------------------------------------- */

#define WRITERS 32
#define ROUNDS	20

static int set_by_turns(struct ruleset *r)
{
	struct err failure = {0};
	struct nl_sock own;

	if (nl_open(&own, NL_NETFILTER, &failure))
		return -1;
	for (int n = 0; n < ROUNDS && failure.code == 0; n++) {
		r->masquerade = n % 2 ? MASQUERADE_OUTSIDE : MASQUERADE_ALL;
		r->accept = n % 2;
		if (ruleset_set(&own, r, &failure))
			dprintf(2, "%s: %s\n", r->name, failure.msg);
	}
	return failure.code ? -1 : 0;
}

static int set_the_same(int i)
{
	struct ruleset r = mynet();

	(void)i;
	return set_by_turns(&r);
}

static const char *own_name(int i)
{
	static char name[16];

	snprintf(name, sizeof(name), "net%d", i);
	return name;
}

static int set_own(int i)
{
	struct ruleset r = mynet();

	r.name = own_name(i);
	return set_by_turns(&r);
}

static void test_many_set_one_network(void **state)
{
	struct ruleset r = mynet();

	(void)state;
	r.accept = true;
	side_by_side(WRITERS, set_the_same);
	assert_int_equal(look(&r), RULESET_PRESENT); /* so each rule is there once */
}

static void test_many_set_their_own(void **state)
{
	(void)state;
	side_by_side(WRITERS, set_own);
	for (int i = 0; i < WRITERS; i++) {
		struct ruleset r = mynet();

		r.name = own_name(i);
		r.accept = true;
		assert_int_equal(look(&r), RULESET_PRESENT);
	}
}

#define TEST(f) NETNS_TEST(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_outside),
		TEST(test_all_and_accept),
		TEST(test_ipv6),
		TEST(test_idempotent),
		TEST(test_change),
		TEST(test_nothing_wanted),
		TEST(test_networks_keep_apart),
		TEST(test_names_too_long_for_a_comment),
		TEST(test_others_tables_stay),
		TEST(test_a_strangers_rule_stays),
		TEST(test_restored_by_nft),
		TEST(test_flushed),
		TEST(test_empty_table_goes),
		TEST(test_chain_in_the_way),
		TEST(test_without_nf_tables),
		TEST(test_many_set_one_network),
		TEST(test_many_set_their_own),
	};

	return cmocka_run_group_tests(tests, private_run, NULL);
}
