/*
 * Rules as golden/record-rules.sh wrote them down, in a ruleset in memory, and packets to meet them.
 */
#ifndef UNIT_RULES_GOLDEN_H
#define UNIT_RULES_GOLDEN_H

#define GOLDEN "test/unit/golden/rules.hex"
#include "nft_golden.h"

#include "base/arena.h"
#include "netfilter/nft.h"
#include "netfilter/nft_eval.h"

static struct nft_dump dump;

/* Keep every message of a batch: the sets without a name that come with a rule, and the rule. */
static inline void keep(const char *name)
{
	struct err e = {0};
	size_t i = 0;

	while (i < golden_count && strcmp(goldens[i].name, name) != 0)
		i++;
	if (i == golden_count)
		fail_msg("no %s in " GOLDEN, name);
	for (size_t at = 0; at + sizeof(struct nlmsghdr) <= goldens[i].len;) {
		const struct nlmsghdr *h = (const void *)(goldens[i].bytes + at);

		if (h->nlmsg_type >> 8 == NFNL_SUBSYS_NFTABLES && nft_dump_take(&dump, h, &e))
			fail_msg("%s", e.msg);
		at += NLMSG_ALIGN(h->nlmsg_len);
	}
}

/* A chain of the ruleset, by its table's family. */
static inline struct nft_kept_chain *chain_of(uint8_t family, const char *name)
{
	struct nft_kept_chain *c = dump.chains;

	while (c && (c->chain.family != family || strcmp(c->chain.name, name) != 0))
		c = c->next;
	return c;
}

/* Nothing but the chains: "ip t c", "inet t c" with policy drop, "inet t sub", "ip filter FORWARD". */
static inline int empty_ruleset(void **state)
{
	struct nl_batch b;
	struct err e = {0};
	unsigned op;
	int result;

	(void)state;
	arena_reset();
	memset(&dump, 0, sizeof(dump));
	keep("chain-ip");
	keep("chain-inet");
	keep("chain-bridge");
	keep("chain-sub");
	nl_batch_init(&b);
	nft_base_chain(&b, &(struct nft_at){NFPROTO_IPV4, "filter", "FORWARD"}, "filter",
		       NF_INET_FORWARD, 0);
	result = nl_batch_finish(&b, &op) ||
		 nft_dump_take(&dump, (const void *)(b.buf + b.start[0]), &e);
	return result ? -1 : 0;
}

/* The echo request from the walkthrough's pod to the other host, forwarded from cni0 to ens4. */
static inline struct packet request(void)
{
	struct packet p = {.iif = "cni0",
			   .oif = "ens4",
			   .iif_index = 7,
			   .oif_index = 8,
			   .bridge = "",
			   .mark_known = true};

	assert_true(ip_parse(&p.source, "10.244.0.2"));
	assert_true(ip_parse(&p.destination, "10.168.0.7"));
	return p;
}

/* Its answer. */
static inline struct packet reply(void)
{
	struct packet p = request(), r = p;

	r.source = p.destination;
	r.destination = p.source;
	r.iif = p.oif;
	r.oif = p.iif;
	r.reply = true;
	return r;
}

#endif
