#include "netfilter/forward.h"

#include <linux/netfilter/nf_tables.h>
#include <linux/netlink.h>
#include <string.h>

#include "netfilter/forward_scan.h"
#include "netfilter/nft.h"

static struct nft_at forward_at(uint8_t ip_family)
{
	return (struct nft_at){nft_family(ip_family), "filter", "FORWARD"};
}

void forward_weigh(struct forward_scan *s, const struct nft_rule *rule)
{
	struct forward_chain *c = &s->chain;

	if (s->closed || !nft_rule_concerns(rule, s->network->ip.family))
		return;
	if (rule->action == NFT_ACTION_ACCEPT) {
		bool from = nft_rule_admits_source(rule, s->network);
		bool to = nft_rule_admits_destination(rule, s->network);

		c->from |= from;
		c->from_ours |= from && rule->ours;
		c->to |= to;
		c->to_ours |= to && rule->ours;
		s->closed = nft_rule_unconditional(rule);
	} else if ((rule->action == NFT_ACTION_DROP || rule->action == NFT_ACTION_REJECT) &&
		   nft_rule_unconditional(rule)) {
		c->drops = true;
		s->closed = true;
		s->stop = rule->handle;
		s->reject = rule->action == NFT_ACTION_REJECT;
	}
}

/* --- look ------------------------------------------------------------------------------------- */

/* A look, and the change that grows out of it. */
struct visit {
	struct forward_scan scan;
	struct nl_batch *change; /* NULL: look only */
	bool retract;		 /* delete our rules for the network wherever they stand ... */
	unsigned deleted;	 /* ... else those that an unconditional drop shadows */
};

bool forward_is_own(const struct nft_rule *rule, const struct prefix *p)
{
	struct prefix network = prefix_network(p);
	const struct nft_match_address *m = rule->source.set ? &rule->source : &rule->destination;

	if (!rule->ours || rule->action != NFT_ACTION_ACCEPT || nft_rule_narrowed(rule) ||
	    (rule->source.set && rule->destination.set))
		return false;
	if (!m->set)
		return network.len == 0;
	return !m->negated && prefix_equal(&m->prefix, &network);
}

static void take_chain(struct visit *v, const struct nlmsghdr *h)
{
	struct nft_chain chain;

	if (!nft_read_chain(&chain, h))
		return;
	v->scan.chain.there = chain.base && chain.hook == NF_INET_FORWARD;
	v->scan.chain.drops = v->scan.chain.there && chain.drops;
}

static void take_rule(struct visit *v, const struct nlmsghdr *h)
{
	struct nft_rule rule;
	struct nft_at at = forward_at(v->scan.network->ip.family);

	if (!v->scan.chain.there || !nft_read_rule(&rule, h))
		return;
	if (v->change && (v->retract || v->scan.stop) && forward_is_own(&rule, v->scan.network)) {
		nft_delete_rule(v->change, "delete accept rule", &at, rule.handle);
		v->deleted++;
	}
	forward_weigh(&v->scan, &rule);
}

static int take_answer(const struct nlmsghdr *h, unsigned op, void *arg, struct err *e)
{
	struct visit *v = arg;

	(void)op;
	(void)e;
	switch (h->nlmsg_type & 0xff) {
	case NFT_MSG_NEWGEN:
		if (v->change)
			nft_begin(v->change, nft_read_generation(h));
		break;
	case NFT_MSG_NEWCHAIN:
		take_chain(v, h);
		break;
	case NFT_MSG_NEWRULE:
		take_rule(v, h);
		break;
	}
	return 0;
}

/* Generation (where a change may follow), chain and rules, in one question. */
static int visit(struct nl_sock *nf, const struct prefix *network, struct visit *v, struct err *e)
{
	struct nft_at at = forward_at(network->ip.family);
	struct nl_batch q;

	v->scan = (struct forward_scan){.network = network};
	v->deleted = 0;
	nl_batch_init(&q);
	if (v->change) {
		nl_batch_init(v->change);
		nft_get_generation(&q);
	}
	nft_get_chain(&q, &at);
	nft_list_rules(&q, &at);
	if (nl_ask(nf, &q, take_answer, v, e) && !nft_unsupported(e))
		return -1;
	return 0;
}

int forward_look(struct nl_sock *nf, const struct prefix *network, struct forward_chain *found,
		 struct err *e)
{
	struct visit v = {0};
	unsigned tries = 0;

	while (visit(nf, network, &v, e))
		if (!nft_again(&tries, e))
			return -1;
	*found = v.scan.chain;
	return 0;
}

/* --- change ----------------------------------------------------------------------------------- */

static void put_accept(struct nl_batch *b, const struct forward_scan *s, enum nft_side side)
{
	struct nft_at at = forward_at(s->network->ip.family);

	if (s->stop)
		nft_insert_rule(b, "accept forwarded packets of pods", &at, s->stop);
	else
		nft_append_rule(b, "accept forwarded packets of pods", &at);
	nl_nest(b, NFTA_RULE_EXPRESSIONS) {
		nft_match_prefix(b, side, NFT_CMP_EQ, s->network);
		nft_counter(b); /* iptables has one in each rule, and counts on it */
		nft_verdict(b, NF_ACCEPT);
	}
	nft_mark_rule(b, NULL);
}

static int accept_once(struct nl_sock *nf, const struct prefix *network, unsigned *added,
		       struct err *e)
{
	struct nl_batch change;
	struct visit v = {.change = &change};

	*added = 0;
	if (visit(nf, network, &v, e))
		return -1;
	if (!v.scan.chain.there || (v.scan.chain.from && v.scan.chain.to))
		return 0;
	if (!v.scan.chain.from)
		put_accept(&change, &v.scan, NFT_SOURCE);
	if (!v.scan.chain.to)
		put_accept(&change, &v.scan, NFT_DESTINATION);
	if (nft_commit(nf, &change, e))
		return -1;
	*added = !v.scan.chain.from + !v.scan.chain.to;
	return 0;
}

static int retract_once(struct nl_sock *nf, const struct prefix *network, unsigned *removed,
			struct err *e)
{
	struct nl_batch change;
	struct visit v = {.change = &change, .retract = true};

	*removed = 0;
	if (visit(nf, network, &v, e))
		return -1;
	if (v.deleted == 0)
		return 0;
	if (nft_commit(nf, &change, e))
		return -1;
	*removed = v.deleted;
	return 0;
}

typedef int change_fn(struct nl_sock *nf, const struct prefix *network, unsigned *count,
		      struct err *e);

static int until_quiet(change_fn *change, struct nl_sock *nf, const struct prefix *network,
		       unsigned *count, struct err *e)
{
	unsigned tries = 0;

	while (change(nf, network, count, e))
		if (!nft_again(&tries, e))
			return -1;
	return 0;
}

int forward_accept(struct nl_sock *nf, const struct prefix *network, unsigned *added, struct err *e)
{
	return until_quiet(accept_once, nf, network, added, e);
}

int forward_retract(struct nl_sock *nf, const struct prefix *network, unsigned *removed,
		    struct err *e)
{
	return until_quiet(retract_once, nf, network, removed, e);
}
