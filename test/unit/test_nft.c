/*
 * net/nft, nft_read, nft_expr: what is built equals what nft and iptables-nft send; what they send
 * is understood; bytes that nobody sends do no harm. golden/record-nft.sh wrote down what they send.
 */
#include "unit.h"

#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <stdlib.h>

#include "base/compiler.h"
#include "net/nft.h"
#include "net/nft_read.h"
#include "netlink/attr.h"

#define GOLDEN	   "test/unit/golden/nft.hex"
#define GOLDEN_MAX 64
#define BATCH_MAX  2048

struct golden {
	char name[32];
	size_t len;
	_Alignas(8) unsigned char bytes[BATCH_MAX];
};

static struct golden goldens[GOLDEN_MAX];
static unsigned golden_count;

static int read_goldens(void **state)
{
	static char hex[2 * BATCH_MAX + 1];
	FILE *f = fopen(GOLDEN, "r");
	struct golden *g = goldens;

	(void)state;
	if (!f)
		return -1;
	while (g < goldens + GOLDEN_MAX && fscanf(f, "%31s %4096s", g->name, hex) == 2) {
		for (g->len = 0; hex[2 * g->len]; g->len++) {
			char byte[3] = {hex[2 * g->len], hex[2 * g->len + 1], '\0'};

			g->bytes[g->len] = (unsigned char)strtoul(byte, NULL, 16);
		}
		g++;
	}
	golden_count = (unsigned)(g - goldens);
	return fclose(f);
}

/* The message of that type in the batch; NULL if there is none. */
static const struct nlmsghdr *find_message(const struct golden *g, unsigned type)
{
	for (size_t at = 0; at + sizeof(struct nlmsghdr) <= g->len;) {
		const struct nlmsghdr *h = (const void *)(g->bytes + at);

		if (h->nlmsg_type == type)
			return h;
		at += NLMSG_ALIGN(h->nlmsg_len);
	}
	return NULL;
}

static const struct nlmsghdr *message(const char *name, unsigned type)
{
	for (unsigned i = 0; i < golden_count; i++)
		if (strcmp(goldens[i].name, name) == 0) {
			const struct nlmsghdr *h = find_message(goldens + i, type);

			assert_non_null(h);
			return h;
		}
	fail_msg("no %s in " GOLDEN, name);
	return NULL;
}

static const struct nlmsghdr *golden_rule(const char *name)
{
	return message(name, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWRULE);
}

static const struct nlmsghdr *built(struct nl_batch *b, unsigned op)
{
	unsigned faulty;

	assert_null(nl_batch_finish(b, &faulty));
	return (const void *)(b->buf + b->start[op]);
}

static struct prefix prefix(const char *text)
{
	struct prefix p;

	assert_true(prefix_parse(&p, text));
	return p;
}

/* --- what we build ---------------------------------------------------------------------------- */

static const struct nft_at anywhere = {NFPROTO_IPV4, "t", "c"};

static void put_accept(struct nl_batch *b, enum nft_side side, const char *text)
{
	struct prefix p = prefix(text);

	nft_match_prefix(b, side, NFT_CMP_EQ, &p);
	nft_counter(b);
	nft_verdict(b, NF_ACCEPT);
}

static void put_outside(struct nl_batch *b, const char *subnet, const char *network,
			const char *multicast)
{
	struct prefix s = prefix(subnet), n = prefix(network), m = prefix(multicast);

	nft_match_prefix(b, NFT_SOURCE, NFT_CMP_EQ, &s);
	nft_match_prefix(b, NFT_DESTINATION, NFT_CMP_NEQ, &n);
	nft_match_prefix(b, NFT_DESTINATION, NFT_CMP_NEQ, &m);
	nft_masq(b, NF_NAT_RANGE_PROTO_RANDOM_FULLY);
}

static void put_all(struct nl_batch *b)
{
	struct prefix p = prefix("10.244.0.0/24");

	nft_match_ifname(b, NFT_META_OIFNAME, NFT_CMP_NEQ, "cni0");
	nft_match_prefix(b, NFT_SOURCE, NFT_CMP_EQ, &p);
	nft_masq(b, NF_NAT_RANGE_PROTO_RANDOM_FULLY);
}

static void put_golden(struct nl_batch *b, const char *name)
{
	if (strcmp(name, "accept-from") == 0)
		put_accept(b, NFT_SOURCE, "10.244.0.0/16");
	else if (strcmp(name, "accept-to") == 0)
		put_accept(b, NFT_DESTINATION, "10.244.0.0/16");
	else if (strcmp(name, "accept-from-20") == 0)
		put_accept(b, NFT_SOURCE, "10.244.16.9/20");
	else if (strcmp(name, "accept-from-32") == 0)
		put_accept(b, NFT_SOURCE, "10.244.0.7/32");
	else if (strcmp(name, "accept6-from") == 0)
		put_accept(b, NFT_SOURCE, "fd00:1234::/64");
	else if (strcmp(name, "accept6-to-60") == 0)
		put_accept(b, NFT_DESTINATION, "fd00:1234::/60");
	else if (strcmp(name, "outside") == 0)
		put_outside(b, "10.244.0.0/24", "10.244.0.0/16", "224.0.0.0/4");
	else if (strcmp(name, "outside6") == 0)
		put_outside(b, "fd00:1234::/64", "fd00:1200::/24", "ff00::/8");
	else
		put_all(b);
}

static void test_rules_are_those_of_others(void **state)
{
	static const char *const names[] = {
		"accept-from",	  "accept-to",	  "accept-from-20",
		"accept-from-32", "accept6-from", "accept6-to-60",
		"outside",	  "outside6",	  "all",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const struct nlattr *theirs[NFTA_RULE_MAX + 1], *ours[NFTA_RULE_MAX + 1];
		struct nl_batch b;

		nl_batch_init(&b);
		nft_append_rule(&b, "rule", &anywhere);
		nl_nest(&b, NFTA_RULE_EXPRESSIONS)
			put_golden(&b, names[i]);
		nl_attrs_of(ours, NFTA_RULE_MAX, built(&b, 0), sizeof(struct nfgenmsg));
		nl_attrs_of(theirs, NFTA_RULE_MAX, golden_rule(names[i]), sizeof(struct nfgenmsg));
		assert_int_equal(ours[NFTA_RULE_EXPRESSIONS]->nla_len,
				 theirs[NFTA_RULE_EXPRESSIONS]->nla_len);
		assert_memory_equal(ours[NFTA_RULE_EXPRESSIONS], theirs[NFTA_RULE_EXPRESSIONS],
				    theirs[NFTA_RULE_EXPRESSIONS]->nla_len);
	}
}

/* All but flags and sequence number of the header, which the socket fills in. */
static void assert_same_message(const struct nlmsghdr *ours, const struct nlmsghdr *theirs)
{
	assert_int_equal(ours->nlmsg_len, theirs->nlmsg_len);
	assert_int_equal(ours->nlmsg_type, theirs->nlmsg_type);
	assert_memory_equal(ours + 1, theirs + 1, theirs->nlmsg_len - sizeof(*theirs));
}

static void test_table_and_chain(void **state)
{
	const struct nft_at at = {NFPROTO_IPV4, "cnibox", "postrouting"};
	struct nl_batch b;

	(void)state;
	nl_batch_init(&b);
	nft_begin(&b, 3);
	nft_table(&b, &at);
	nft_base_chain(&b, &at, "nat", NF_INET_POST_ROUTING, 99);
	nft_end(&b);
	assert_same_message(built(&b, 0), message("accept-from", NFNL_MSG_BATCH_BEGIN));
	assert_same_message(built(&b, 1),
			    message("table", NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWTABLE));
	assert_same_message(built(&b, 2),
			    message("chain", NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWCHAIN));
	assert_same_message(built(&b, 3), message("chain", NFNL_MSG_BATCH_END));
	assert_int_equal(b.silent, 1);
}

static void test_any_generation(void **state)
{
	struct nl_batch b;

	(void)state;
	nl_batch_init(&b);
	nft_begin(&b, 0);
	assert_same_message(built(&b, 0), message("table", NFNL_MSG_BATCH_BEGIN));
}

static void test_prefix_of_no_bits(void **state)
{
	struct prefix all = prefix("0.0.0.0/0");
	struct nft_rule rule;
	struct nl_batch b;

	(void)state;
	nl_batch_init(&b);
	nft_append_rule(&b, "rule", &anywhere);
	nl_nest(&b, NFTA_RULE_EXPRESSIONS)
		nft_match_prefix(&b, NFT_SOURCE, NFT_CMP_EQ, &all);
	nft_append_rule(&b, "rule", &anywhere);
	nl_nest(&b, NFTA_RULE_EXPRESSIONS)
		nft_match_prefix(&b, NFT_SOURCE, NFT_CMP_NEQ, &all);
	assert_true(nft_read_rule(&rule, built(&b, 0)));
	assert_true(nft_rule_unconditional(&rule));
	assert_true(nft_read_rule(&rule, built(&b, 1)));
	assert_true(rule.source.set && rule.source.negated && rule.source.prefix.len == 0);
}

/* --- our mark --------------------------------------------------------------------------------- */

static void marked(struct nft_rule *rule, struct nl_batch *b, const char *network,
		   const char *comment)
{
	nl_batch_init(b);
	nft_append_rule(b, "rule", &anywhere);
	nl_nest(b, NFTA_RULE_EXPRESSIONS)
		put_accept(b, NFT_SOURCE, network);
	nft_mark_rule(b, comment);
	assert_true(nft_read_rule(rule, built(b, 0)));
}

static void test_mark(void **state)
{
	struct nft_rule rule, again, other;
	struct nl_batch b, b2, b3;

	(void)state;
	marked(&rule, &b, "10.244.0.0/16", "mynet");
	marked(&again, &b2, "10.244.0.0/16", NULL);
	marked(&other, &b3, "10.245.0.0/16", "mynet");
	assert_true(rule.ours && again.ours && other.ours);
	assert_string_equal(rule.comment, "mynet");
	assert_null(again.comment);
	assert_true(rule.digest == again.digest);
	assert_false(rule.digest == other.digest);
}

static void test_longest_comment(void **state)
{
	char text[200];
	struct nft_rule rule;
	struct nl_batch b;

	(void)state;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	marked(&rule, &b, "10.244.0.0/16", text);
	assert_true(rule.ours);
	assert_int_equal(strlen(rule.comment), NFT_COMMENT_MAX);
}

static void test_foreign_userdata(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *comment;
	} cases[] = {
		{"", 0, NULL},
		{"\0", 1, NULL},
		{"\0\5abc", 5, NULL}, /* runs past the end */
		{"\0\3abc", 5, NULL}, /* no NUL */
		{"\0\0", 2, NULL},    /* empty */
		{"\0\1\0", 3, ""},
		{"\0\4hey\0", 6, "hey"},
		{"\7\1x\0\4hey\0", 9, "hey"},
		{"\xcb\7cnibox\0", 9, NULL}, /* our type, not our length */
		{"\xcb\x10nobodyXXXXXXXXXX", 18, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct nft_rule rule = {0};
		unsigned char *exact = malloc(cases[i].len + !cases[i].len);

		memcpy(exact, cases[i].bytes, cases[i].len);
		nft_read_userdata(&rule, exact, cases[i].len);
		assert_false(rule.ours);
		if (cases[i].comment)
			assert_string_equal(rule.comment, cases[i].comment);
		else
			assert_null(rule.comment);
		free(exact);
	}
}

/* --- what we read ----------------------------------------------------------------------------- */

static const char *address_text(char buf[80], const char *what, const struct nft_match_address *m)
{
	char text[PREFIX_TEXT];

	buf[0] = '\0';
	if (m->set)
		snprintf(buf, 80, "%s%s %s ", m->negated ? "not " : "", what,
			 prefix_format(text, &m->prefix));
	return buf;
}

static const char *name_text(char buf[80], const char *what, const struct nft_match_name *m)
{
	buf[0] = '\0';
	if (m->name)
		snprintf(buf, 80, "%s%s %s ", m->negated ? "not " : "", what, m->name);
	return buf;
}

static void describe(char buf[static 512], const struct nft_rule *r)
{
	static const char *const actions[] = {
		"nothing", "accept", "drop", "reject", "jump", "masquerade", "snat", "target",
	};
	char t[4][80];

	snprintf(buf, 512, "%s%s%s%s%s%s%s%s%s%s%s%s", r->only == NFPROTO_IPV4 ? "ip " : "",
		 r->only == NFPROTO_IPV6 ? "ip6 " : "", name_text(t[0], "iif", &r->iifname),
		 name_text(t[1], "oif", &r->oifname), address_text(t[2], "from", &r->source),
		 address_text(t[3], "to", &r->destination), r->other ? "other " : "",
		 actions[r->action], *r->target ? " " : "", r->target, r->comment ? " # " : "",
		 r->comment ? r->comment : "");
}

static void test_reading(void **state)
{
	static const struct {
		const char *name, *text;
	} cases[] = {
		{"accept-from", "from 10.244.0.0/16 accept"},
		{"accept-to", "to 10.244.0.0/16 accept"},
		{"accept-from-20", "from 10.244.16.0/20 accept"},
		{"accept-from-32", "from 10.244.0.7/32 accept"},
		{"accept6-from", "from fd00:1234::/64 accept"},
		{"accept6-to-60", "to fd00:1234::/60 accept"},
		/* the second condition on the destination has no field */
		{"outside", "from 10.244.0.0/24 not to 10.244.0.0/16 other masquerade"},
		{"outside6", "from fd00:1234::/64 not to fd00:1200::/24 other masquerade"},
		{"all", "not oif cni0 from 10.244.0.0/24 masquerade"},
		{"drop", "drop"},
		{"reject", "reject REJECT"},
		{"jump", "jump SUB"},
		{"goto", "jump SUB"},
		{"not-from", "not from 10.244.0.0/16 accept"},
		{"comment", "from 10.244.0.0/16 accept"},
		{"interfaces", "iif eth0 not oif cni0 accept"},
		{"wildcard", "other accept"},
		{"tcp", "from 10.244.0.0/16 other accept"},
		{"established", "other accept"},
		{"log", "target LOG"},
		{"xt-masquerade", "not oif cni0 from 10.244.0.0/24 masquerade MASQUERADE"},
		{"xt-snat", "from 10.244.0.0/24 snat SNAT"},
		{"nft-accept", "from 10.244.0.0/16 accept"},
		{"nft-counted", "from 10.244.0.0/16 accept # hey"},
		{"nft-inet", "ip from 10.244.0.0/16 accept"},
		{"nft-inet6", "ip6 to fd00::/8 accept"},
		{"nft-set", "other accept"},
		{"nft-range", "other accept"},
		{"nft-reject", "reject"},
		{"nft-drop", "drop"},
		{"nft-snat", "from 10.244.0.0/24 snat"},
		{"nft-oif", "other masquerade"},
		{"nft-both", "from 10.0.0.1/32 to 10.0.0.2/32 accept"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[512];
		struct nft_rule rule;

		assert_true(nft_read_rule(&rule, golden_rule(cases[i].name)));
		describe(text, &rule);
		if (strcmp(text, cases[i].text) != 0)
			fail_msg("%s is read as: %s", cases[i].name, text);
	}
}

static void test_reading_a_chain(void **state)
{
	struct nft_chain c;

	(void)state;
	assert_true(
		nft_read_chain(&c, message("chain", NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWCHAIN)));
	assert_string_equal(c.table, "cnibox");
	assert_string_equal(c.name, "postrouting");
	assert_string_equal(c.type, "nat");
	assert_true(c.base && !c.drops);
	assert_int_equal(c.family, NFPROTO_IPV4);
	assert_int_equal(c.hook, NF_INET_POST_ROUTING);
	assert_int_equal(c.priority, 99);
}

static void test_what_a_rule_admits(void **state)
{
	static const struct {
		const char *rule, *prefix;
		bool from, to;
	} cases[] = {
		{"accept-from", "10.244.0.0/16", true, false},
		{"accept-from", "10.244.7.0/24", true, false}, /* part of it */
		{"accept-from", "10.0.0.0/8", false, false},   /* more than it */
		{"accept-from", "10.245.0.0/16", false, false},
		{"accept-to", "10.244.0.0/16", false, true},
		{"accept-from-20", "10.244.16.0/24", true, false},
		{"accept6-from", "fd00:1234::/64", true, false},
		{"not-from", "10.245.0.0/16", false, false},
		{"interfaces", "10.244.0.0/16", false, false},
		{"tcp", "10.244.0.0/16", false, false},
		{"comment", "10.244.0.0/16", true, false},
		{"nft-inet", "10.244.0.0/16", true, false},
		{"nft-drop", "10.244.0.0/16", true, true}, /* no condition at all */
		{"outside", "10.244.0.0/24", false, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct prefix p = prefix(cases[i].prefix);
		struct nft_rule rule;

		assert_true(nft_read_rule(&rule, golden_rule(cases[i].rule)));
		assert_true(nft_rule_concerns(&rule, p.ip.family));
		if (nft_rule_admits_source(&rule, &p) != cases[i].from ||
		    nft_rule_admits_destination(&rule, &p) != cases[i].to)
			fail_msg("%s, %s", cases[i].rule, cases[i].prefix);
	}
}

static void test_the_other_family(void **state)
{
	struct nft_rule rule;

	(void)state;
	assert_true(nft_read_rule(&rule, golden_rule("nft-inet")));
	assert_true(nft_rule_concerns(&rule, 4));
	assert_false(nft_rule_concerns(&rule, 6));
	assert_true(nft_read_rule(&rule, golden_rule("nft-drop")));
	assert_true(nft_rule_concerns(&rule, 6));
}

/* A masked comparison with bits beyond the mask holds for no packet: it must not pass for a match. */
static void test_bits_beyond_the_mask(void **state)
{
	static const uint8_t mask[4] = {255, 255}, value[4] = {10, 244, 1};
	struct nft_rule rule;
	struct nl_batch b;

	(void)state;
	nl_batch_init(&b);
	nft_append_rule(&b, "rule", &anywhere);
	nl_nest(&b, NFTA_RULE_EXPRESSIONS) {
		nft_payload(&b, NFT_PAYLOAD_NETWORK_HEADER, 12, 4);
		nft_bitwise(&b, mask, sizeof(mask));
		nft_cmp(&b, NFT_CMP_EQ, value, sizeof(value));
	}
	assert_true(nft_read_rule(&rule, built(&b, 0)));
	assert_true(rule.other && !rule.source.set);
}

/* --- bytes that nobody sends ------------------------------------------------------------------ */

/* In memory of just that size, so that the sanitizer sees a read beyond it. */
static void read_exactly(const void *bytes, size_t len)
{
	struct nlmsghdr *h = malloc(len);
	struct nft_rule rule;
	struct nft_chain chain;
	char text[512];

	assert_non_null(h);
	memcpy(h, bytes, len);
	h->nlmsg_len = (uint32_t)len;
	if (nft_read_rule(&rule, h)) {
		describe(text, &rule);
		nft_rule_unconditional(&rule);
	}
	nft_read_chain(&chain, h);
	nft_read_generation(h);
	free(h);
}

static void each_message(void (*act)(const struct nlmsghdr *h))
{
	assert_true(golden_count > 0);
	for (unsigned i = 0; i < golden_count; i++)
		for (size_t at = 0; at < goldens[i].len;) {
			const struct nlmsghdr *h = (const void *)(goldens[i].bytes + at);

			act(h);
			at += NLMSG_ALIGN(h->nlmsg_len);
		}
}

static void truncate_everywhere(const struct nlmsghdr *h)
{
	for (size_t len = sizeof(*h); len <= h->nlmsg_len; len++)
		read_exactly(h, len);
}

static void test_truncated(void **state)
{
	(void)state;
	each_message(truncate_everywhere);
}

static void change_everywhere(const struct nlmsghdr *h)
{
	static const unsigned char values[] = {0x00, 0x01, 0x03, 0x04, 0x7f, 0x80, 0xff};
	static _Alignas(8) unsigned char copy[BATCH_MAX];

	for (size_t at = sizeof(*h); at < h->nlmsg_len; at++)
		for (size_t i = 0; i < sizeof(values); i++) {
			memcpy(copy, h, h->nlmsg_len);
			copy[at] = values[i];
			read_exactly(copy, h->nlmsg_len);
		}
}

static void test_changed(void **state)
{
	(void)state;
	each_message(change_everywhere);
}

/* --- errors ----------------------------------------------------------------------------------- */

static void test_which_errors_are_forgiven(void **state)
{
	struct err e = {0};

	(void)state;
	err_sys(&e, ERR_KERNEL, "x", ERESTART, "y");
	assert_false(nft_unsupported(&e));
	assert_true(nft_overtaken(&e));
	assert_int_equal(e.code, 0);
	err_sys(&e, ERR_KERNEL, "x", EOPNOTSUPP, "y");
	assert_false(nft_overtaken(&e));
	assert_true(nft_unsupported(&e));
	assert_int_equal(e.code, 0);
	err_sys(&e, ERR_KERNEL, "x", EPERM, "y");
	assert_false(nft_overtaken(&e) || nft_unsupported(&e));
	assert_int_equal(e.sys, EPERM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules_are_those_of_others),
		cmocka_unit_test(test_table_and_chain),
		cmocka_unit_test(test_any_generation),
		cmocka_unit_test(test_prefix_of_no_bits),
		cmocka_unit_test(test_mark),
		cmocka_unit_test(test_longest_comment),
		cmocka_unit_test(test_foreign_userdata),
		cmocka_unit_test(test_reading),
		cmocka_unit_test(test_reading_a_chain),
		cmocka_unit_test(test_what_a_rule_admits),
		cmocka_unit_test(test_the_other_family),
		cmocka_unit_test(test_bits_beyond_the_mask),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_changed),
		cmocka_unit_test(test_which_errors_are_forgiven),
	};

	return cmocka_run_group_tests(tests, read_goldens, NULL);
}
