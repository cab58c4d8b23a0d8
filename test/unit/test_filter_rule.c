/* net/filter_rule: rules as iptables-nft sends them, recognised again. */
#include "nft_golden.h"

#include "base/compiler.h"
#include "netfilter/filter_rule.h"

static const char forward_comment[] = "CNI firewall plugin rules";

static const struct {
	const char *golden;
	struct filter_rule rule;
} known[] = {
	{"cni-forward",
	 {.chain = "FORWARD",
	  .comment = forward_comment,
	  .action = NFT_ACTION_JUMP,
	  .target = "CNI-FORWARD",
	  .first = true}},
	{"cni-return", {.chain = "CNI-FORWARD", .comment = "hello", .action = NFT_ACTION_RETURN}},
	{"cni-established",
	 {.chain = "CNI-FORWARD",
	  .destination = {.ip = {4, {10, 244, 0, 2}}, .len = 32},
	  .state = XT_STATE_ESTABLISHED,
	  .action = NFT_ACTION_ACCEPT}},
	{"cni-bridge",
	 {.chain = "CNI-FORWARD",
	  .in = "cni0",
	  .out = "cni0",
	  .not_out = true,
	  .comment = "hello",
	  .action = NFT_ACTION_JUMP,
	  .target = "SUB"}},
	{"cni-policy",
	 {.chain = "CNI-FORWARD",
	  .in = "cni0",
	  .out = "cni0",
	  .comment = "hello",
	  .action = NFT_ACTION_DROP}},
	{"accept-from-32",
	 {.chain = "FORWARD",
	  .source = {.ip = {4, {10, 244, 0, 7}}, .len = 32},
	  .action = NFT_ACTION_ACCEPT}},
};

static void test_rules_are_iptables(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		const struct nlmsghdr *theirs = golden_rule(known[i].golden);
		struct nl_batch b;

		nl_batch_init(&b);
		put_filter_rule(&b, 4, &known[i].rule, NULL);
		assert_expressions(built(&b, 0), theirs);
		assert_int_equal(built(&b, 0)->nlmsg_flags & NLM_F_APPEND,
				 theirs->nlmsg_flags & NLM_F_APPEND);
	}
}

/* Each is recognised as itself and as no other. */
static void test_recognised(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		struct nft_rule theirs;

		assert_true(nft_read_rule(&theirs, golden_rule(known[i].golden)));
		for (size_t k = 0; k < ARRAY_SIZE(known); k++)
			assert_int_equal(filter_rule_is(&theirs, &known[k].rule), i == k);
	}
}

/* A condition that is not known, or one the other way round, makes it another rule. */
static void test_not_recognised(void **state)
{
	static const char *const others[] = {"tcp",	   "established", "not-from", "comment",
					     "interfaces", "wildcard",	  "jump",     "drop"};
	static const struct filter_rule rules[] = {
		{.chain = "FORWARD",
		 .source = {.ip = {4, {10, 244}}, .len = 16},
		 .action = NFT_ACTION_DROP},
		{.chain = "FORWARD",
		 .state = XT_STATE_ESTABLISHED,
		 .source = {.ip = {4, {10, 244}}, .len = 16},
		 .action = NFT_ACTION_ACCEPT},
		{.chain = "FORWARD", .in = "eth0", .out = "cni0", .action = NFT_ACTION_ACCEPT},
		{.chain = "FORWARD", .action = NFT_ACTION_JUMP, .target = "SU"},
		{.chain = "INPUT", .action = NFT_ACTION_DROP},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		struct nft_rule theirs;

		assert_true(nft_read_rule(&theirs, golden_rule(others[i])));
		for (size_t k = 0; k < ARRAY_SIZE(rules); k++)
			assert_false(filter_rule_is(&theirs, &rules[k]));
	}
}

static void test_owner(void **state)
{
	const struct owner owner = {"mynet", "c1", "eth0"};
	struct owner_tag tag = owner_tag(&owner);
	struct nft_rule rule;
	struct nl_batch b;

	(void)state;
	nl_batch_init(&b);
	put_filter_rule(&b, 4, &known[2].rule, &tag);
	put_filter_rule(&b, 4, &known[2].rule, NULL);
	assert_true(nft_read_rule(&rule, built(&b, 0)));
	assert_true(rule.owned && owner_tag_equal(&rule.owner, &tag));
	assert_true(nft_read_rule(&rule, built(&b, 1)));
	assert_false(rule.owned);
}

static void test_comment_is_read(void **state)
{
	struct nft_rule rule;

	(void)state;
	assert_true(nft_read_rule(&rule, golden_rule("cni-forward")));
	assert_string_equal(rule.xt_comment, forward_comment);
	assert_true(nft_read_rule(&rule, golden_rule("cni-established")));
	assert_null(rule.xt_comment);
	assert_string_equal(rule.extension, "conntrack");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules_are_iptables), cmocka_unit_test(test_recognised),
		cmocka_unit_test(test_not_recognised),	   cmocka_unit_test(test_owner),
		cmocka_unit_test(test_comment_is_read),
	};

	return cmocka_run_group_tests(tests, read_goldens, NULL);
}
