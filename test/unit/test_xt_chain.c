/*
 * netfilter/xt_chain, xt_build: chains of our own in legacy tables, against what iptables-legacy left in
 * the kernel.
 */
#include "xt_golden.h"

static void append(struct xt_table *t, const char *chain, const struct xt_rule *rule)
{
	struct xt_rule whole = *rule;
	struct xt_chain c;

	whole.parts = &xt_parts;
	assert_true(xt_chain(t, chain, &c));
	xt_insert(t, c.end, &whole);
	assert_false(t->full);
}

static struct ip pod_ip(int family)
{
	struct ip ip;

	assert_true(ip_parse(&ip, family == 4 ? "10.244.0.2" : "fd00:10:244::2"));
	return ip;
}

/* Made in any order, the chains stand where iptables-legacy puts them. */
static void make_chains(struct xt_table *t)
{
	assert_true(xt_chain_make(t, "POD"));
	assert_true(xt_chain_make(t, "SHARED"));
	assert_true(xt_chain_make(t, "A-CHAIN"));
	assert_false(xt_chain_make(t, "POD"));
	assert_false(xt_chain_make(t, "OUTPUT"));
}

static void fill_chains(struct xt_table *t, int family)
{
	static const uint16_t ports[] = {8080, 9090};
	static const struct {
		uint8_t proto;
		uint16_t port;
	} mapped[] = {{6, 8080}, {17, 53}, {132, 9}};

	append(t, "PREROUTING",
	       &(struct xt_rule){.local = true, .what = XT_DO_JUMP, .chain = "SHARED"});
	append(t, "OUTPUT",
	       &(struct xt_rule){
		       .state = XT_STATE_DNAT, .comment = "a comment", .what = XT_DO_ACCEPT});
	append(t, "POSTROUTING", &(struct xt_rule){.marked = 0x2000, .what = XT_DO_MASQUERADE});
	append(t, "POD",
	       &(struct xt_rule){
		       .source = subnet(family), .not_source = true, .what = XT_DO_RETURN});
	append(t, "POD", &(struct xt_rule){.in = "eth0", .not_in = true, .what = XT_DO_RETURN});
	append(t, "POD",
	       &(struct xt_rule){.source = subnet(family),
				 .proto = 6,
				 .port = 8080,
				 .what = XT_DO_JUMP,
				 .chain = "A-CHAIN"});
	for (unsigned i = 0; i < ARRAY_SIZE(mapped); i++)
		append(t, "POD",
		       &(struct xt_rule){.proto = mapped[i].proto,
					 .port = mapped[i].port,
					 .what = XT_DO_DNAT,
					 .to = pod_ip(family),
					 .to_port = 80});
	append(t, "A-CHAIN", &(struct xt_rule){.what = XT_DO_MARK, .bits = 0x2000});
	append(t, "SHARED",
	       &(struct xt_rule){.proto = 6,
				 .ports = ports,
				 .port_count = 2,
				 .comment = "whose",
				 .what = XT_DO_JUMP,
				 .chain = "POD"});
}

static void test_chains_as_if_typed(void **state)
{
	(void)state;
	for (int family = 4; family <= 6; family += 2) {
		struct xt_table t = table(family, "nat"), typed = table(family, "ports");

		make_chains(&t);
		assert_true(good(&t));
		fill_chains(&t, family);
		assert_same(&t, &typed);
	}
}

static void test_chains_are_removed(void **state)
{
	(void)state;
	for (int family = 4; family <= 6; family += 2) {
		struct xt_table t = table(family, "ports"), empty = table(family, "nat");
		struct xt_chain c;

		assert_true(xt_chain_used(&t, "A-CHAIN"));
		assert_int_equal(xt_chain_remove(&t, "POD"),
				 2 + 6 + 1); /* its ends, rules, a jump */
		assert_true(good(&t));
		assert_false(xt_chain_used(&t, "A-CHAIN"));
		assert_false(xt_chain(&t, "POD", &c));
		assert_int_equal(xt_chain_remove(&t, "POD"), 0);
		assert_int_equal(xt_chain_remove(&t, "SHARED"), 3);
		assert_int_equal(xt_chain_remove(&t, "A-CHAIN"), 3);
		assert_true(good(&t));
		xt_remove(&t, t.begin[NF_INET_LOCAL_OUT]);
		xt_remove(&t, t.begin[POSTROUTING]);
		assert_same(&t, &empty);
	}
}

static void test_what_stands_in_chains(void **state)
{
	uint16_t ports[XT_PORTS_MAX];
	struct xt_table t = table(4, "ports");
	struct nft_rule rule;
	struct xt_chain c;

	(void)state;
	assert_true(xt_chain(&t, "SHARED", &c));
	assert_string_equal(xt_chain_name(&t, c.begin), "SHARED");
	assert_null(xt_chain_name(&t, c.end));
	assert_int_equal(xt_next(&t, c.begin), c.end);
	xt_read(&rule, &t, POSTROUTING, c.begin);
	assert_true(rule.action == NFT_ACTION_JUMP);
	assert_string_equal(rule.target, "POD");
	assert_string_equal(rule.xt_comment, "whose");
	assert_int_equal(xt_proto(&t, c.begin), 6);
	assert_int_equal(xt_ports(&t, c.begin, ports), 2);
	assert_true(ports[0] == 8080 && ports[1] == 9090);
	assert_true(xt_chain(&t, "POD", &c));
	xt_read(&rule, &t, POSTROUTING, c.begin);
	assert_true(rule.action == NFT_ACTION_RETURN);
	assert_false(xt_chain(&t, "FORWARD", &c)); /* nat has none */
	assert_false(xt_chain(&t, "ERROR", &c));   /* the table's end */
	free(t.entries);
}

/* Nobody sees an owner who does not look for it: the rule is equal to one without. */
static void test_owners(void **state)
{
	const struct owner owner = {"mynet", "c1", "eth0"};
	struct owner_tag tag = owner_tag(&owner), found;

	(void)state;
	for (int family = 4; family <= 6; family += 2) {
		struct xt_table t = table(family, "nat");
		struct xt_rule rule = {.source = subnet(family), .mark = XT_MARK, .owner = &tag};
		uint32_t at = t.begin[POSTROUTING];
		struct nft_rule read;

		xt_insert(&t, at, &rule);
		assert_true(good(&t) && xt_owner(&t, at, &found) && owner_tag_equal(&found, &tag));
		xt_read(&read, &t, POSTROUTING, at);
		assert_true(read.owned && !read.iifname.name && !read.oifname.name);
		rule.owner = NULL;
		assert_true(xt_equal(&t, at, &rule));
		rule.comment = "is not compared";
		assert_true(xt_equal(&t, at, &rule));
		xt_insert(&t, at, &rule);
		assert_true(xt_equal(&t, at, &rule) && !xt_owner(&t, at, &found));
		rule.in = "eth0";
		rule.owner = &tag;
		assert_false(xt_equal(&t, at, &rule));
		xt_insert(&t, at, &rule); /* no room for it */
		assert_false(xt_owner(&t, at, &found));
		free(t.entries);
	}
}

static void test_no_room(void **state)
{
	const struct golden *g = find(4, "nat");
	struct xt_table t = copy_of(g, g->size, 512);
	struct xt_rule rule = {.source = subnet(4)};
	uint32_t at = t.begin[POSTROUTING], size;

	(void)state;
	for (unsigned i = 0; i < 16 && !t.full; i++)
		xt_insert(&t, at, &rule);
	assert_true(t.full && good(&t));
	size = t.size;
	xt_chain_make(&t, "POD");
	assert_int_equal(t.size, size);
	free(t.entries);
}

static void test_longest_rule_fits(void **state)
{
	static const uint16_t ports[XT_PORTS_MAX + 5];
	unsigned char bytes[XT_RULE_MAX];
	struct xt_table t = {.family = 6};
	char comment[400] = "";
	struct xt_rule rule = {
		.parts = &xt_parts,
		.source = network(6),
		.destination = network(6),
		.out = "a-name-too-long-for-a-link",
		.not_out = true,
		.proto = 132,
		.port = 80,
		.ports = ports,
		.port_count = ARRAY_SIZE(ports),
		.local = true,
		.marked = 1,
		.state = XT_STATE_DNAT,
		.comment = memset(comment, 'x', sizeof(comment) - 1),
		.what = XT_DO_DNAT,
	};

	(void)state;
	assert_in_range(xt_build(bytes, &t, &rule), 1, XT_RULE_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chains_as_if_typed),
		cmocka_unit_test(test_chains_are_removed),
		cmocka_unit_test(test_what_stands_in_chains),
		cmocka_unit_test(test_owners),
		cmocka_unit_test(test_no_room),
		cmocka_unit_test(test_longest_rule_fits),
	};

	return cmocka_run_group_tests(tests, read_goldens, NULL);
}
