/* net/nft_read, net/nft_expr: what others send is understood, and what nobody sends does no harm. */
#include "nft_golden.h"

#include "base/compiler.h"
#include "netfilter/nft.h"
#include "netfilter/nft_read.h"

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
		"nothing", "accept",	 "drop", "reject", "jump",
		"return",  "masquerade", "snat", "target",
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

static const struct nft_at anywhere = {NFPROTO_IPV4, "t", "c"};

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
		nft_bitwise(&b, mask, (uint8_t[4]){0}, sizeof(mask));
		nft_cmp(&b, NFT_CMP_EQ, value, sizeof(value));
	}
	assert_true(nft_read_rule(&rule, built(&b, 0)));
	assert_true(rule.other && !rule.source.set);
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
		struct nft_userdata found;
		unsigned char *exact = malloc(cases[i].len + !cases[i].len);

		memcpy(exact, cases[i].bytes, cases[i].len);
		nft_read_userdata(&found, exact, cases[i].len);
		assert_false(found.ours);
		if (cases[i].comment)
			assert_string_equal(found.comment, cases[i].comment);
		else
			assert_null(found.comment);
		free(exact);
	}
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reading),
		cmocka_unit_test(test_reading_a_chain),
		cmocka_unit_test(test_what_a_rule_admits),
		cmocka_unit_test(test_the_other_family),
		cmocka_unit_test(test_bits_beyond_the_mask),
		cmocka_unit_test(test_foreign_userdata),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_changed),
	};

	return cmocka_run_group_tests(tests, read_goldens, NULL);
}
