/* net/masquerade and net/nft_owned, in the kernel: what nft lists, and what is left. */
#include "netfilter_fixture.h"

#include "net/names.h"
#include "netfilter/masquerade.h"

static void add(const char *network, const char *id, const char *address)
{
	struct prefix p = prefix_of(address);
	char owner[NAMES_OWNER];

	names_owner(owner, network, id, "eth0");
	ok(masquerade_add(&nf, network, owner, &p, &e));
}

static bool look(const char *network, const char *id, const char *address)
{
	struct prefix p = prefix_of(address);
	char owner[NAMES_OWNER];
	bool there;

	names_owner(owner, network, id, "eth0");
	ok(masquerade_look(&nf, network, owner, &p, &there, &e));
	return there;
}

static void del(const char *network, const char *id)
{
	char owner[NAMES_OWNER];

	names_owner(owner, network, id, "eth0");
	ok(masquerade_sweep(&nf, xtables_families(XTABLES_NAT), network, nft_keep_others, owner,
			    &e));
}

static void assert_ruleset(const char *want)
{
	assert_string_equal(output("nft list ruleset"), want);
}

static void test_as_nft_lists_it(void **state)
{
	(void)state;
	add("net", "c1", "10.1.0.5/24");
	add("net", "c1", "fd00::5/64");
	assert_ruleset(
		"table ip cnibox-masquerade {\n"
		"\tset pods {\n"
		"\t\ttype ipv4_addr\n"
		"\t\telements = { 10.1.0.5 comment \"net c1 eth0\" }\n"
		"\t}\n"
		"\n"
		"\tchain postrouting {\n"
		"\t\ttype nat hook postrouting priority srcnat - 1; policy accept;\n"
		"\t\tip saddr 10.1.0.0/24 ip saddr @pods ip daddr != 10.1.0.0/24 ip daddr != "
		"224.0.0.0/4 masquerade fully-random comment \"net\"\n"
		"\t}\n"
		"}\n"
		"table ip6 cnibox-masquerade {\n"
		"\tset pods {\n"
		"\t\ttype ipv6_addr\n"
		"\t\telements = { fd00::5 comment \"net c1 eth0\" }\n"
		"\t}\n"
		"\n"
		"\tchain postrouting {\n"
		"\t\ttype nat hook postrouting priority srcnat - 1; policy accept;\n"
		"\t\tip6 saddr fd00::/64 ip6 saddr @pods ip6 daddr != fd00::/64 ip6 daddr != "
		"ff00::/8 masquerade fully-random comment \"net\"\n"
		"\t}\n"
		"}\n");
	assert_true(look("net", "c1", "10.1.0.5/24"));
	assert_true(look("net", "c1", "fd00::5/64"));
	assert_false(look("net", "c2", "10.1.0.5/24"));
	assert_false(look("net", "c1", "10.1.0.5/16"));
	del("net", "c1");
	assert_ruleset("");
}

/* Each part goes with the last one that needs it, and not before. */
static void test_last_one_out(void **state)
{
	(void)state;
	add("net", "c1", "10.1.0.5/24");
	add("net", "c2", "10.1.0.6/24");
	add("net", "c2", "10.2.0.6/16");
	add("other", "c1", "10.3.0.5/24");
	del("net", "c1");
	assert_false(look("net", "c1", "10.1.0.5/24"));
	assert_true(look("net", "c2", "10.1.0.6/24"));
	assert_true(look("net", "c2", "10.2.0.6/16"));
	del("net", "c2");
	assert_null(strstr(output("nft list ruleset"), "\"net"));
	assert_true(look("other", "c1", "10.3.0.5/24"));
	del("net", "c2");
	del("other", "c1");
	assert_ruleset("");
	del("other", "c1");
}

static void test_again_and_taken_over(void **state)
{
	const char *once;

	(void)state;
	add("net", "c1", "10.1.0.5/24");
	once = output("nft list ruleset");
	add("net", "c1", "10.1.0.5/24");
	assert_ruleset(once);
	add("net", "c2", "10.1.0.5/24");
	assert_true(look("net", "c2", "10.1.0.5/24"));
	del("net", "c1");
	assert_true(look("net", "c2", "10.1.0.5/24"));
}

/* Somebody has emptied the chain, or all of it: the next pod brings it back. */
static void test_heals(void **state)
{
	(void)state;
	add("net", "c1", "10.1.0.5/24");
	run("nft flush table ip cnibox-masquerade");
	assert_false(look("net", "c1", "10.1.0.5/24"));
	add("net", "c2", "10.1.0.6/24");
	assert_true(look("net", "c1", "10.1.0.5/24"));
	run("nft flush ruleset");
	del("net", "c1");
	add("net", "c2", "10.1.0.6/24");
	assert_true(look("net", "c2", "10.1.0.6/24"));
}

static bool keep_even(const char *owner, void *arg)
{
	unsigned id;

	(void)arg;
	assert_int_equal(sscanf(owner, "net c%u eth0", &id), 1);
	return id % 2 == 0;
}

static bool keep_none(const char *owner, void *arg)
{
	(void)owner, (void)arg;
	return false;
}

/* More than fits into one change. */
static void test_many(void **state)
{
	char id[16], address[32];

	(void)state;
	add("other", "c1", "10.9.0.1/16");
	for (int i = 0; i < 400; i++) {
		snprintf(id, sizeof(id), "c%d", i);
		snprintf(address, sizeof(address), "10.1.%d.%d/16", i / 200, i % 200 + 1);
		add("net", id, address);
	}
	ok(masquerade_sweep(&nf, xtables_families(XTABLES_NAT), "net", keep_even, NULL, &e));
	assert_string_equal(output("nft list ruleset | grep -o 'net c[0-9]*' | wc -l"), "200\n");
	assert_string_equal(output("nft list ruleset | grep -o 'net c[0-9]*[13579] ' | wc -l"),
			    "0\n");
	ok(masquerade_sweep(&nf, xtables_families(XTABLES_NAT), "net", keep_none, NULL, &e));
	assert_null(strstr(output("nft list ruleset"), "\"net"));
	assert_true(look("other", "c1", "10.9.0.1/16"));
}

/* One process of many: comes and goes. */
static int come_and_go(int i)
{
	char owner[NAMES_OWNER], id[16], address[32];
	struct nl_sock own;
	struct err why = {0};

	snprintf(id, sizeof(id), "c%d", i);
	snprintf(address, sizeof(address), "10.1.0.%d/24", i + 1);
	names_owner(owner, "net", id, "eth0");
	if (nl_open(&own, NL_NETFILTER, &why))
		return -1;
	for (int round = 0; round < 5; round++) {
		struct prefix p;

		if (!prefix_parse(&p, address) || masquerade_add(&own, "net", owner, &p, &why) ||
		    masquerade_sweep(&own, xtables_families(XTABLES_NAT), "net", nft_keep_others,
				     owner, &why)) {
			print_error("%s\n", why.msg);
			return -1;
		}
	}
	return 0;
}

static void test_side_by_side(void **state)
{
	(void)state;
	side_by_side(40, come_and_go);
	assert_ruleset("");
}

static void test_long_names(void **state)
{
	char network[201], id[201], owner[NAMES_OWNER], other[NAMES_OWNER];

	(void)state;
	memset(network, 'n', 200);
	memset(id, 'i', 200);
	network[200] = id[200] = '\0';
	names_owner(owner, network, id, "fifteen-letters");
	assert_int_equal(strlen(owner), NAMES_OWNER - 1);
	assert_true(names_is_of(owner, network));
	id[199] = 'j';
	names_owner(other, network, id, "fifteen-letters");
	assert_string_not_equal(owner, other);
	network[199] = 'o';
	assert_false(names_is_of(owner, network));
	assert_false(names_is_of("net2 c1 eth0", "net"));
	network[199] = 'n';
	id[199] = 'i';
	add(network, id, "10.1.0.5/24");
	assert_true(look(network, id, "10.1.0.5/24"));
	del(network, id);
	assert_ruleset("");
}

#define TEST(f) NETNS_TEST(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_as_nft_lists_it),
		TEST(test_last_one_out),
		TEST(test_again_and_taken_over),
		TEST(test_heals),
		TEST(test_many),
		TEST(test_side_by_side),
		TEST(test_long_names),
	};

	return cmocka_run_group_tests(tests, private_run, NULL);
}
