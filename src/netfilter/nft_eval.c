#include "netfilter/nft_eval.h"

#include <stdio.h>
#include <string.h>

#include "netfilter/nft.h"
#include "netfilter/nft_match.h"
#include "netfilter/nft_text.h"

#define DEPTH_MAX 16 /* NFT_JUMP_STACK_SIZE */

/*
 * Jumps in all: chains that jump twice into the next one, which jumps twice ... are a table of a few
 * lines and a walk without end. Where it is cut short, nothing is certain.
 */
#define JUMPS_MAX 2000

/* Chains below do not see connections yet: NF_IP_PRI_CONNTRACK. */
#define PRIORITY_CONNTRACK (-200)

struct walk {
	struct nft_dump *dump;
	struct nft_kept_chain *base;
	struct packet packet;
	struct verdict *verdict; /* the surest so far */
	bool doubt;		 /* an earlier rule may have let the packet pass */
	bool unsure;		 /* this may be a place that the packet does not come to */
	unsigned jumps;
};

/* How a chain ends: the packet goes on in the one before, is let pass here, or is stopped. */
enum flow { FLOW_ON, FLOW_ACCEPTED, FLOW_STOPPED };

const char *nft_family_word(uint8_t family)
{
	switch (family) {
	case NFPROTO_INET:
		return "inet";
	case NFPROTO_IPV6:
		return "ip6";
	case NFPROTO_IPV4:
		return "ip";
	default:
		return "bridge";
	}
}

static void note_place(struct walk *w, const struct nft_kept_chain *c, enum fate fate, bool certain)
{
	struct verdict *v = w->verdict;
	const struct nft_chain *base = &w->base->chain;

	*v = (struct verdict){.fate = fate, .certain = certain};
	/* Names longer than the room are cut: this is for people. */
	snprintf(v->table, sizeof(v->table), "%s %s", nft_family_word(base->family), base->table);
	snprintf(v->base, sizeof(v->base), "%s", base->name);
	snprintf(v->chain, sizeof(v->chain), "%s", c->chain.name);
}

/* A rule stops the packet: for sure, if nothing is in doubt. Keep the first one that may. */
static void note_rule(struct walk *w, const struct nft_kept_chain *c, const struct nft_kept_rule *r,
		      const struct rule_result *result)
{
	bool certain = result->holds == ANSWER_YES && !w->doubt && !w->unsure;

	if (w->verdict->fate != FATE_PASS && !certain)
		return;
	note_place(w, c,
		   result->action == RULE_DROPS	    ? FATE_DROP
		   : result->action == RULE_REJECTS ? FATE_REJECT
						    : FATE_NAT,
		   certain);
	w->verdict->handle = r->handle;
	w->verdict->unconditional = result->unconditional && c == w->base;
	nft_text_rule(w->verdict->rule, sizeof(w->verdict->rule), w->dump, &c->chain, r);
}

static enum flow walk_chain(struct walk *w, struct nft_kept_chain *c, unsigned depth);

/* Into another chain, where it may not come to, if that is all that is known. */
static enum flow enter(struct walk *w, const struct rule_result *result, unsigned depth)
{
	struct nft_kept_chain *c = nft_dump_chain(w->dump, &w->base->chain, result->target);
	bool unsure = w->unsure;
	enum flow flow;

	if (!c || depth == DEPTH_MAX || w->jumps++ >= JUMPS_MAX) {
		w->doubt = true;
		return FLOW_ON;
	}
	w->unsure |= result->holds != ANSWER_YES;
	flow = walk_chain(w, c, depth + 1);
	w->unsure = unsure;
	if (result->holds == ANSWER_YES)
		return flow;
	w->doubt |= flow == FLOW_ACCEPTED;
	return FLOW_ON;
}

/* One rule: true when the chain is over, with *flow how. */
static bool apply(struct walk *w, const struct nft_kept_chain *c, const struct nft_kept_rule *r,
		  unsigned depth, enum flow *flow)
{
	struct rule_result result = nft_match_rule(w->dump, &c->chain, r->expressions, &w->packet);
	bool sure = result.holds == ANSWER_YES;

	if (result.holds == ANSWER_NO)
		return false;
	switch (result.action) {
	case RULE_GOES_ON:
		return false;
	case RULE_ACCEPTS:
		*flow = FLOW_ACCEPTED;
		w->doubt |= !sure;
		return sure;
	case RULE_DROPS:
	case RULE_REJECTS:
	case RULE_TRANSLATES:
		note_rule(w, c, r, &result);
		*flow = FLOW_STOPPED;
		return sure;
	case RULE_JUMPS:
		*flow = enter(w, &result, depth);
		return *flow != FLOW_ON;
	case RULE_GOES_TO:
		*flow = enter(w, &result, depth);
		w->unsure |= !sure;
		return sure;
	case RULE_RETURNS:
		*flow = FLOW_ON;
		w->unsure |= !sure;
		return sure;
	case RULE_UNKNOWN:
		w->doubt = true;
		return false;
	}
	return false;
}

static enum flow walk_chain(struct walk *w, struct nft_kept_chain *c, unsigned depth)
{
	enum flow flow;

	nft_dump_rules(w->dump, c);
	w->doubt |= !c->whole;
	for (const struct nft_kept_rule *r = c->first; r; r = r->next) {
		flow = FLOW_ON;
		if (apply(w, c, r, depth, &flow))
			return flow;
	}
	return FLOW_ON;
}

void nft_eval_chain(struct nft_dump *d, struct nft_kept_chain *base, const struct packet *p,
		    struct verdict *v)
{
	struct walk w = {.dump = d, .base = base, .packet = *p, .verdict = v};
	enum flow flow;

	*v = (struct verdict){.fate = FATE_PASS, .certain = true};
	w.packet.untracked |= base->chain.priority <= PRIORITY_CONNTRACK;
	flow = walk_chain(&w, base, 0);
	w.doubt |= flow == FLOW_ACCEPTED;
	if (!base->chain.drops || flow == FLOW_STOPPED || (flow == FLOW_ACCEPTED && !w.unsure))
		return;
	if (v->fate != FATE_PASS && w.doubt) /* the rule that may says more than the policy */
		return;
	note_place(&w, base, FATE_DROP, !w.doubt);
	v->by_policy = true;
}

static bool concerns(const struct nft_chain *c, const char *type, enum nft_hook hook,
		     const struct packet *p)
{
	bool same_type = strcmp(c->type, type) == 0 ||
			 (strcmp(c->type, "route") == 0 && strcmp(type, "filter") == 0);
	uint8_t family = nft_family(p->source.family);

	if (!c->base || !same_type || c->hook != (uint32_t)hook)
		return false;
	if (*p->bridge) /* one of the bridge's own chains is wanted */
		return c->family != NFPROTO_INET && c->family != NFPROTO_IPV4 &&
		       c->family != NFPROTO_IPV6;
	return c->family == NFPROTO_INET || c->family == family;
}

void nft_eval_hook(struct nft_dump *d, const char *type, enum nft_hook hook, const struct packet *p,
		   struct verdict *v)
{
	struct nft_kept_chain *last = NULL, *next;
	struct verdict one;

	*v = (struct verdict){.fate = FATE_PASS, .certain = true};
	do {
		next = NULL;
		for (struct nft_kept_chain *c = d->chains; c; c = c->next)
			if (concerns(&c->chain, type, hook, p) &&
			    (!last || c->chain.priority > last->chain.priority) &&
			    (!next || c->chain.priority < next->chain.priority))
				next = c;
		for (struct nft_kept_chain *c = d->chains; next && c; c = c->next) {
			if (!concerns(&c->chain, type, hook, p) ||
			    c->chain.priority != next->chain.priority)
				continue;
			nft_eval_chain(d, c, p, &one);
			if (one.fate == FATE_PASS || (!one.certain && v->fate != FATE_PASS))
				continue;
			*v = one;
			if (one.certain)
				return;
		}
		last = next;
	} while (last);
}
