/*
 * What nft and iptables-nft send, as golden/record-nft.sh wrote it down; and helpers to look at
 * messages in memory.
 */
#ifndef UNIT_NFT_GOLDEN_H
#define UNIT_NFT_GOLDEN_H

#include "unit.h"

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <stdlib.h>

#include "base/ip.h"
#include "netlink/attr.h"
#include "netlink/batch.h"

#ifndef GOLDEN
#define GOLDEN "test/unit/golden/nft.hex"
#endif
#define GOLDEN_MAX 64
#define BATCH_MAX  2048

struct golden {
	char name[32];
	size_t len;
	_Alignas(8) unsigned char bytes[BATCH_MAX];
};

static struct golden goldens[GOLDEN_MAX];
static unsigned golden_count;

static inline int read_goldens(void **state)
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
static inline const struct nlmsghdr *find_message(const struct golden *g, unsigned type)
{
	for (size_t at = 0; at + sizeof(struct nlmsghdr) <= g->len;) {
		const struct nlmsghdr *h = (const void *)(g->bytes + at);

		if (h->nlmsg_type == type)
			return h;
		at += NLMSG_ALIGN(h->nlmsg_len);
	}
	return NULL;
}

static inline const struct nlmsghdr *message(const char *name, unsigned type)
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

static inline const struct nlmsghdr *golden_rule(const char *name)
{
	return message(name, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWRULE);
}

static inline const struct nlmsghdr *built(struct nl_batch *b, unsigned op)
{
	unsigned faulty;

	assert_null(nl_batch_finish(b, &faulty));
	return (const void *)(b->buf + b->start[op]);
}

/* Has theirs each attribute of ours, with the same bytes? (Newer programs send a few more.) */
static inline void assert_within(const struct nlattr *ours, const struct nlattr *theirs)
{
	for (const struct nlattr *a = nl_first(ours); a; a = nl_following(ours, a)) {
		const struct nlattr *b = nl_first(theirs);

		while (b && (nl_type(b) != nl_type(a) || b->nla_len != a->nla_len ||
			     memcmp(a + 1, b + 1, a->nla_len - sizeof(*a)) != 0))
			b = nl_following(theirs, b);
		if (!b)
			fail_msg("attribute %u is not theirs", nl_type(a));
	}
}

/* The same expressions in the same order. */
static inline void assert_expressions(const struct nlmsghdr *ours, const struct nlmsghdr *theirs)
{
	const struct nlattr *of_us[NFTA_RULE_MAX + 1], *of_them[NFTA_RULE_MAX + 1];
	const struct nlattr *a, *b;

	nl_attrs_of(of_us, NFTA_RULE_MAX, ours, sizeof(struct nfgenmsg));
	nl_attrs_of(of_them, NFTA_RULE_MAX, theirs, sizeof(struct nfgenmsg));
	a = nl_first(of_us[NFTA_RULE_EXPRESSIONS]);
	b = nl_first(of_them[NFTA_RULE_EXPRESSIONS]);
	for (; a && b; a = nl_following(of_us[NFTA_RULE_EXPRESSIONS], a),
		       b = nl_following(of_them[NFTA_RULE_EXPRESSIONS], b)) {
		const struct nlattr *x[NFTA_EXPR_MAX + 1], *y[NFTA_EXPR_MAX + 1];

		nl_attrs_in(x, NFTA_EXPR_MAX, a);
		nl_attrs_in(y, NFTA_EXPR_MAX, b);
		assert_string_equal(nl_get_str(x[NFTA_EXPR_NAME]), nl_get_str(y[NFTA_EXPR_NAME]));
		assert_within(x[NFTA_EXPR_DATA], y[NFTA_EXPR_DATA]);
	}
	assert_null(a);
	assert_null(b);
}

static inline struct prefix prefix(const char *text)
{
	struct prefix p;

	assert_true(prefix_parse(&p, text));
	return p;
}

#endif
