#include "netfilter/reference_collect.h"

#include <linux/netfilter/nf_tables.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>

#include "netfilter/nft.h"
#include "netfilter/nft_read.h"
#include "netfilter/reference.h"
#include "netfilter/reference_portmap.h"
#include "netfilter/xtables.h"

/* Chains that one look notes; more take another. */
#define CHAINS_MAX 64

const struct reference_rules reference_ports = {REFERENCE_ENTRIES, "CNI-DN-", "dnat "};
const struct reference_rules reference_masquerade = {"POSTROUTING", "CNI-", ""};

struct collection {
	const struct reference_rules *rules;
	const char *network;
	bool (*keep)(const char *container_id, void *arg);
	void *arg;
	char chain[CHAINS_MAX][REFERENCE_CHAIN];
	unsigned count;
};

/* The ID in "dnat name: "NETWORK" id: "ID"", if the network is that one. */
static bool read_comment(char *id, size_t size, const char *comment, const struct collection *c)
{
	char begin[300];
	size_t n = (size_t)snprintf(begin, sizeof(begin), "%sname: \"%s\" id: \"",
				    c->rules->comment, c->network);
	size_t len;

	if (!comment || n >= sizeof(begin) || strncmp(comment, begin, n) != 0)
		return false;
	len = strcspn(comment + n, "\"");
	if (len >= size || comment[n + len] != '"') /* it was too long, and cut */
		return false;
	memcpy(id, comment + n, len);
	id[len] = '\0';
	return true;
}

/* A container has an entry for each protocol: one chain. */
static bool is_noted(const struct collection *c, const char *chain)
{
	for (unsigned i = 0; i < c->count; i++)
		if (strcmp(c->chain[i], chain) == 0)
			return true;
	return false;
}

/* Is it one whose chain has to go? */
static bool is_stale(const struct collection *c, const struct nft_rule *rule)
{
	char id[256];

	return rule->action == NFT_ACTION_JUMP &&
	       strncmp(rule->target, c->rules->prefix, strlen(c->rules->prefix)) == 0 &&
	       strlen(rule->target) < REFERENCE_CHAIN &&
	       read_comment(id, sizeof(id), rule->xt_comment, c) && !c->keep(id, c->arg);
}

static int take_entry(const struct nlmsghdr *h, unsigned op, void *arg, struct err *e)
{
	struct collection *c = arg;
	struct nft_rule rule;

	(void)op, (void)e;
	if (nft_read_rule(&rule, h) && c->count < CHAINS_MAX && !is_noted(c, rule.target) &&
	    is_stale(c, &rule))
		snprintf(c->chain[c->count++], REFERENCE_CHAIN, "%s", rule.target);
	return 0;
}

/* Gives 0, also where there is no nf_tables; -1 with e set. */
static int note_chains(struct nl_sock *nf, uint8_t family, struct collection *c, struct err *e)
{
	struct nft_at at = {nft_family(family), "nat", c->rules->shared};
	struct nl_batch q;
	unsigned tries = 0;

	do {
		c->count = 0;
		nl_batch_init(&q);
		nft_list_rules(&q, &at);
		if (nl_dump(nf, &q, take_entry, c, e) == 0 || nft_unsupported(e))
			return 0;
	} while (nft_again(&tries, e));
	return -1;
}

/* --- legacy iptables -------------------------------------------------------------------------- */

/* An entry that is not ours. */
static bool read_entry(struct nft_rule *rule, const struct xt_table *t, uint32_t at)
{
	xt_read(rule, t, NF_INET_POST_ROUTING, at);
	return rule->action == NFT_ACTION_JUMP && !rule->owned;
}

static bool leads_there(const struct xt_table *t, uint32_t at, void *chain)
{
	struct nft_rule rule;

	return read_entry(&rule, t, at) && strcmp(rule.target, chain) == 0;
}

unsigned reference_drop(struct xt_table *t, const struct reference_rules *rules, const char *chain)
{
	unsigned changes = xt_chain_sift(t, rules->shared, leads_there, (void *)chain);

	return changes + (xt_chain_used(t, chain) ? 0 : xt_chain_remove(t, chain));
}

static unsigned change_to_collect(struct xt_table *t, void *arg)
{
	const struct collection *c = arg;
	unsigned changes = 0;
	struct nft_rule rule;
	struct xt_chain x;

	if (!xt_chain(t, c->rules->shared, &x))
		return 0;
	for (uint32_t at = x.begin; at < x.end;) {
		char chain[REFERENCE_CHAIN];

		if (!read_entry(&rule, t, at) || !is_stale(c, &rule)) {
			at = xt_next(t, at);
			continue;
		}
		snprintf(chain, sizeof(chain), "%s", rule.target);
		changes += reference_drop(t, c->rules, chain);
		if (!xt_chain(t, c->rules->shared, &x))
			return changes;
		at = x.begin; /* chains come before this one, too */
	}
	return changes;
}

/* --- the contract ----------------------------------------------------------------------------- */

int reference_collect(struct nl_sock *nf, uint8_t family, const struct reference_rules *rules,
		      const char *network, reference_keep_fn *keep, void *arg, struct err *e)
{
	struct nft_at at = {nft_family(family), "nat", rules->shared};
	static struct collection c;

	c = (struct collection){.rules = rules, .network = network, .keep = keep, .arg = arg};
	do {
		if (note_chains(nf, family, &c, e))
			return -1;
		for (unsigned i = 0; i < c.count; i++)
			if (reference_chain_remove(nf, &at, c.chain[i], e))
				return -1;
	} while (c.count == CHAINS_MAX);
	if (!(xtables_in_use(family) & XTABLES_NAT))
		return 0;
	return xtables_change(family, XTABLES_NAT, change_to_collect, &c, &c.count, e);
}
