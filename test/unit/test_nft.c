/* net/nft: what is built equals, byte for byte, what nft and iptables-nft send. */
#include "nft_golden.h"

#include <errno.h>

#include "base/compiler.h"
#include "netfilter/nft.h"
#include "netfilter/nft_read.h"
#include "netlink/attr.h"

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
	nft_begin(&b, 4);
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
		cmocka_unit_test(test_which_errors_are_forgiven),
	};

	return cmocka_run_group_tests(tests, read_goldens, NULL);
}
