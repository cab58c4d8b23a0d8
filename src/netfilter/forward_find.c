/* The questions of forward.h that go through the tables of others. */
#include <linux/netfilter/nf_tables.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>

#include "base/compiler.h"
#include "netfilter/forward.h"
#include "netfilter/forward_scan.h"
#include "netfilter/legacy.h"
#include "netfilter/nft.h"

/* Base chains of one hook that are looked at: Docker, ufw, firewalld and we have one each. */
#define CHAINS_MAX 16

struct base_chain {
	uint8_t family;
	char table[NFT_TABLE_MAXNAMELEN];
	char name[NFT_CHAIN_MAXNAMELEN];
	int32_t priority;
	bool drops;
};

struct base_chains {
	const char *type; /* wanted */
	uint32_t hook;	  /* wanted */
	unsigned count;
	struct base_chain list[CHAINS_MAX]; /* in the order in which packets meet them */
};

static struct nft_at at_of(const struct base_chain *c)
{
	return (struct nft_at){c->family, c->table, c->name};
}

static int take_chain(const struct nlmsghdr *h, unsigned op, void *arg, struct err *e)
{
	struct base_chains *all = arg;
	struct nft_chain chain;
	struct base_chain *c = all->list + all->count;

	(void)op;
	(void)e;
	if (!nft_read_chain(&chain, h) || !chain.base || chain.hook != all->hook ||
	    strcmp(chain.type, all->type) != 0 || all->count == CHAINS_MAX)
		return 0;
	all->count++;
	for (; c > all->list && c[-1].priority > chain.priority; c--)
		c[0] = c[-1];
	*c = (struct base_chain){
		.family = chain.family, .priority = chain.priority, .drops = chain.drops};
	snprintf(c->table, sizeof(c->table), "%s", chain.table);
	snprintf(c->name, sizeof(c->name), "%s", chain.name);
	return 0;
}

static int dump(struct nl_sock *nf, struct nl_batch *q, nl_answer_fn *each, void *arg,
		struct err *e)
{
	if (nl_dump(nf, q, each, arg, e) && !nft_unsupported(e))
		return -1;
	return 0;
}

/* The base chains of that type and hook which packets of the address family meet. */
static int find_base_chains(struct nl_sock *nf, uint8_t ip_family, struct base_chains *all,
			    struct err *e)
{
	const uint8_t families[] = {nft_family(ip_family), NFPROTO_INET};
	struct nl_batch q;

	all->count = 0;
	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		nl_batch_init(&q);
		nft_list_chains(&q, families[i]);
		if (dump(nf, &q, take_chain, all, e))
			return -1;
	}
	return 0;
}

/* --- what drops ------------------------------------------------------------------------------- */

static int weigh_answer(const struct nlmsghdr *h, unsigned op, void *arg, struct err *e)
{
	struct nft_rule rule;

	(void)op;
	(void)e;
	if (nft_read_rule(&rule, h))
		forward_weigh(arg, &rule);
	return 0;
}

static int weigh_chain(struct nl_sock *nf, const struct base_chain *c, struct forward_scan *s,
		       struct err *e)
{
	struct nft_at at = at_of(c);
	struct nl_batch q;

	s->chain.drops = c->drops;
	nl_batch_init(&q);
	nft_list_rules(&q, &at);
	return dump(nf, &q, weigh_answer, s, e);
}

static const char *family_word(uint8_t family)
{
	if (family == NFPROTO_INET)
		return "inet";
	return family == NFPROTO_IPV6 ? "ip6" : "ip";
}

static void describe(struct forward_obstacle *o, const struct base_chain *c,
		     const struct forward_scan *s)
{
	/* Names longer than the room are cut: this is for people. */
	snprintf(o->table, sizeof(o->table), "%s %.*s", family_word(c->family),
		 (int)sizeof(o->table) - 6, c->table);
	snprintf(o->chain, sizeof(o->chain), "%.*s", (int)sizeof(o->chain) - 1, c->name);
	o->by_policy = s->stop == 0;
	o->reject = s->reject;
}

static int obstacle_once(struct nl_sock *nf, const struct prefix *network,
			 struct forward_obstacle *found, bool *blocked, struct err *e)
{
	struct base_chains all = {.type = "filter", .hook = NF_INET_FORWARD};

	*blocked = false;
	if (find_base_chains(nf, network->ip.family, &all, e))
		return -1;
	for (unsigned i = 0; i < all.count; i++) {
		struct forward_scan s = {.network = network};

		if (weigh_chain(nf, &all.list[i], &s, e))
			return -1;
		if (s.chain.drops && !(s.chain.from && s.chain.to)) {
			describe(found, &all.list[i], &s);
			*blocked = true;
			return 0;
		}
	}
	return 0;
}

int forward_obstacle(struct nl_sock *nf, const struct prefix *network,
		     struct forward_obstacle *found, bool *blocked, struct err *e)
{
	unsigned tries = 0;

	while (obstacle_once(nf, network, found, blocked, e))
		if (!nft_again(&tries, e))
			return -1;
	return *blocked ? 0 : legacy_obstacle(network, found, blocked, e);
}

/* --- what masquerades ------------------------------------------------------------------------- */

struct masquerades {
	const struct prefix *subnet;
	const struct base_chain *chain;
	bool found;
};

bool forward_is_masquerade(const struct nft_rule *rule, const struct prefix *subnet, bool in_base)
{
	if (!nft_rule_concerns(rule, subnet->ip.family) ||
	    (rule->action != NFT_ACTION_MASQUERADE && rule->action != NFT_ACTION_SNAT) ||
	    !nft_address_covers(&rule->source, subnet))
		return false;
	return rule->source.set || (in_base && !rule->other);
}

static int take_nat_rule(const struct nlmsghdr *h, unsigned op, void *arg, struct err *e)
{
	struct masquerades *m = arg;
	struct nft_rule rule;

	(void)op;
	(void)e;
	if (nft_read_rule(&rule, h))
		m->found |= forward_is_masquerade(&rule, m->subnet,
						  strcmp(rule.chain, m->chain->name) == 0);
	return 0;
}

static int masquerades_once(struct nl_sock *nf, const struct prefix *subnet, bool *found,
			    struct err *e)
{
	struct base_chains all = {.type = "nat", .hook = NF_INET_POST_ROUTING};
	struct masquerades m = {.subnet = subnet};
	struct nl_batch q;

	if (find_base_chains(nf, subnet->ip.family, &all, e))
		return -1;
	for (unsigned i = 0; i < all.count && !m.found; i++) {
		struct nft_at table = {all.list[i].family, all.list[i].table, NULL};

		m.chain = &all.list[i];
		nl_batch_init(&q);
		nft_list_rules(&q, &table);
		if (dump(nf, &q, take_nat_rule, &m, e))
			return -1;
	}
	*found = m.found;
	return 0;
}

int forward_masquerades(struct nl_sock *nf, const struct prefix *subnet, bool *found, struct err *e)
{
	unsigned tries = 0;

	while (masquerades_once(nf, subnet, found, e))
		if (!nft_again(&tries, e))
			return -1;
	return *found ? 0 : legacy_masquerades(subnet, found, e);
}
