/* net/nft_eval, net/nft_match: what rules do to a packet that is only thought of. */
#include "rules_golden.h"

#include "base/compiler.h"

static const char *fate(const struct verdict *v)
{
	static const char *const words[] = {"pass", "drop", "reject", "nat"};
	static char text[32];

	snprintf(text, sizeof(text), "%s%s", v->certain ? "" : "may ", words[v->fate]);
	return text;
}

/* One rule alone in its chain, and the packet. */
static const char *meets(const char *name, const struct packet *p)
{
	struct verdict v;

	empty_ruleset(NULL);
	keep(name);
	for (struct nft_kept_chain *c = dump.chains; c; c = c->next)
		if (c->first) {
			c->chain.drops = false; /* the rule alone decides */
			nft_eval_chain(&dump, c, p, &v);
			return fate(&v);
		}
	fail_msg("%s is no rule", name);
	return "";
}

static void test_one_rule(void **state)
{
	static const struct {
		const char *name, *request, *reply;
	} cases[] = {
		{"saddr", "drop", "pass"},
		{"daddr-not", "drop", "pass"},
		{"exact", "drop", "pass"},
		{"range", "drop", "pass"},
		{"below", "may drop", "may drop"}, /* nobody knows its TTL */
		{"set", "drop", "drop"},	   /* 10.0.0.0/8 has both */
		{"set-other", "pass", "pass"},	   /* near them, but not in them */
		{"set-not", "drop", "drop"},
		{"names", "drop", "pass"},
		{"names-set", "drop", "pass"},
		{"index", "pass", "pass"},
		{"protocol", "drop", "drop"},
		{"icmp-type", "drop", "pass"},
		{"icmp-reply", "pass", "drop"},
		{"l4proto", "drop", "drop"},
		{"l4proto-set", "drop", "drop"},
		{"port", "pass", "pass"},
		{"ports", "pass", "pass"},
		{"state-new", "drop", "pass"},
		{"state-old", "pass", "drop"},
		{"state-not", "pass", "drop"},
		{"mark", "pass", "pass"},
		{"mark-none", "drop", "drop"},
		{"mark-bits", "pass", "pass"},
		{"limit", "may drop", "may drop"},
		{"length", "may drop", "may drop"},
		{"status", "pass", "pass"},
		{"type-local", "pass", "pass"},
		{"logged", "drop", "drop"},
		{"reject-rst", "pass", "pass"},
		{"accept", "pass", "pass"},
		{"drop", "drop", "drop"},
		{"continue", "pass", "pass"},
		{"in4", "drop", "pass"},
		{"in6", "pass", "pass"},
		{"in-family", "drop", "drop"},
		{"in-other", "pass", "pass"},
		{"in-icmp", "drop", "pass"},
		{"in-icmp6", "pass", "pass"},
		{"in-port", "pass", "pass"},
		{"in-admin", "reject", "reject"},
		{"br-daddr", "drop", "pass"},
		{"br-other", "pass", "pass"},
		{"br-protocol", "drop", "drop"},
		{"br-arp", "pass", "pass"},
		{"xt-recent", "may drop", "may drop"},
		{"xt-reject", "reject", "pass"},
		{"xt-comment", "drop", "drop"},
		{"xt-wildcard", "drop", "pass"},
	};
	struct packet there = request(), back = reply();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		if (strcmp(meets(cases[i].name, &there), cases[i].request) != 0)
			fail_msg("%s: request: %s", cases[i].name, meets(cases[i].name, &there));
		if (strcmp(meets(cases[i].name, &back), cases[i].reply) != 0)
			fail_msg("%s: reply: %s", cases[i].name, meets(cases[i].name, &back));
	}
}

/* The verdict of chain c of table inet t, whose policy is drop, with these rules. */
static struct verdict walk(const char *const *names)
{
	struct packet p = request();
	struct verdict v;

	empty_ruleset(NULL);
	for (; *names; names++)
		keep(*names);
	nft_eval_chain(&dump, chain_of(NFPROTO_INET, "c"), &p, &v);
	return v;
}
#define WALK(...) walk((const char *const[]){__VA_ARGS__, NULL})

static void test_walks(void **state)
{
	struct verdict v = WALK("in-other");

	(void)state;
	assert_string_equal(fate(&v), "drop");
	assert_true(v.by_policy);
	assert_string_equal(v.table, "inet t");
	assert_string_equal(v.chain, "c");
	assert_string_equal(v.rule, "");

	v = WALK("in-jump", "sub-drop", "sub-accept");
	assert_string_equal(fate(&v), "drop");
	assert_false(v.by_policy || v.unconditional);
	assert_string_equal(v.base, "c");
	assert_string_equal(v.chain, "sub");
	assert_string_equal(v.rule, "ip daddr 10.168.0.7 drop");

	/* An accept in a chain that is jumped to ends all. */
	v = WALK("in-jump", "sub-accept", "sub-drop");
	assert_string_equal(fate(&v), "pass");
	/* What comes back from it goes on; from a goto, it meets the policy. */
	v = WALK("in-jump", "in-admin");
	assert_string_equal(fate(&v), "reject");
	assert_true(v.unconditional);
	v = WALK("in-goto", "in-admin");
	assert_string_equal(fate(&v), "drop");
	assert_true(v.by_policy);
	/* A map of verdicts: new flows go to sub. */
	v = WALK("in-vmap", "sub-drop");
	assert_string_equal(fate(&v), "drop");
	assert_string_equal(v.chain, "sub");
	/* A rule on the family alone is for all of it. */
	v = WALK("in-family");
	assert_true(v.unconditional);
}

static void test_doubt(void **state)
{
	/* May be accepted before: then the drop is no more than possible. */
	struct verdict v = WALK("in-maybe", "sub-accept", "in-admin");

	(void)state;
	assert_string_equal(fate(&v), "may reject");
	assert_string_equal(v.chain, "c");
	v = WALK("in-maybe", "sub-accept");
	assert_string_equal(fate(&v), "may drop");
	assert_true(v.by_policy);
	/* May be dropped before, is dropped in any case: that one is named. */
	v = WALK("in-maybe", "sub-drop", "in-admin");
	assert_string_equal(fate(&v), "reject");
	assert_string_equal(v.rule, "reject with icmpx admin-prohibited");
}

static void test_marks(void **state)
{
	struct packet p = request();
	struct verdict v;

	(void)state;
	empty_ruleset(NULL);
	keep("mark-set");
	keep("mark-bits");
	nft_eval_chain(&dump, chain_of(NFPROTO_IPV4, "c"), &p, &v);
	assert_string_equal(fate(&v), "drop");
	assert_int_equal(p.mark, 0); /* the caller's own is not touched */
	empty_ruleset(NULL);
	keep("mark-bits");
	p.mark_known = false;
	nft_eval_chain(&dump, chain_of(NFPROTO_IPV4, "c"), &p, &v);
	assert_string_equal(fate(&v), "may drop");
}

static void test_a_return_leads_to_the_policy(void **state)
{
	struct packet p = request();
	struct verdict v;

	(void)state;
	empty_ruleset(NULL);
	keep("return");
	keep("drop");
	nft_eval_chain(&dump, chain_of(NFPROTO_IPV4, "c"), &p, &v);
	assert_string_equal(fate(&v), "pass");
	/* One that may be taken leaves what is behind it unsure: a drop, and an accept, too. */
	empty_ruleset(NULL);
	keep("return-maybe");
	keep("drop");
	nft_eval_chain(&dump, chain_of(NFPROTO_IPV4, "c"), &p, &v);
	assert_string_equal(fate(&v), "may drop");
	assert_string_equal(v.rule, "drop");
	empty_ruleset(NULL);
	keep("return-maybe");
	keep("accept");
	chain_of(NFPROTO_IPV4, "c")->chain.drops = true;
	nft_eval_chain(&dump, chain_of(NFPROTO_IPV4, "c"), &p, &v);
	assert_string_equal(fate(&v), "may drop");
	assert_true(v.by_policy);
}

static void test_before_connections_are_tracked(void **state)
{
	struct packet p = request();

	(void)state;
	p.untracked = true;
	assert_string_equal(meets("state-new", &p), "may drop");
	assert_string_equal(meets("saddr", &p), "drop");
}

/* Chains of a hook are met in the order of their priorities; another family's are not. */
static void test_hook(void **state)
{
	struct packet p = request();
	struct verdict v;

	(void)state;
	empty_ruleset(NULL);
	keep("drop"); /* in table ip t */
	chain_of(NFPROTO_INET, "c")->chain.priority = 10;
	nft_eval_hook(&dump, "filter", HOOK_FORWARD, &p, &v);
	assert_string_equal(v.table, "ip t");
	chain_of(NFPROTO_INET, "c")->chain.priority = -10;
	nft_eval_hook(&dump, "filter", HOOK_FORWARD, &p, &v);
	assert_string_equal(v.table, "inet t");
	nft_eval_hook(&dump, "filter", HOOK_INPUT, &p, &v);
	assert_string_equal(fate(&v), "pass");
	nft_eval_hook(&dump, "nat", HOOK_FORWARD, &p, &v);
	assert_string_equal(fate(&v), "pass");
	assert_true(ip_parse(&p.source, "fd00::2") && ip_parse(&p.destination, "fd00::3"));
	nft_eval_hook(&dump, "filter", HOOK_FORWARD, &p, &v);
	assert_string_equal(v.table, "inet t");
	chain_of(NFPROTO_INET, "c")->chain.drops = false;
	nft_eval_hook(&dump, "filter", HOOK_FORWARD, &p, &v);
	assert_string_equal(fate(&v), "pass");
}

/* A ring of jumps, which the kernel would refuse, ends. */
static void test_a_ring_ends(void **state)
{
	struct nft_kept_chain *sub;
	struct packet p = request();
	struct verdict v;

	(void)state;
	empty_ruleset(NULL);
	keep("in-jump");
	sub = chain_of(NFPROTO_INET, "sub");
	sub->first = chain_of(NFPROTO_INET, "c")->first;
	nft_eval_chain(&dump, chain_of(NFPROTO_INET, "c"), &p, &v);
	assert_string_equal(fate(&v), "may drop");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_rule),
		cmocka_unit_test(test_walks),
		cmocka_unit_test(test_doubt),
		cmocka_unit_test(test_marks),
		cmocka_unit_test(test_a_return_leads_to_the_policy),
		cmocka_unit_test(test_before_connections_are_tracked),
		cmocka_unit_test(test_hook),
		cmocka_unit_test(test_a_ring_ends),
	};

	return cmocka_run_group_tests(tests, read_goldens, NULL);
}
