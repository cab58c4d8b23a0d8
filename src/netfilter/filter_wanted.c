#include "netfilter/filter_wanted.h"

#include <errno.h>
#include <linux/netlink.h>
#include <string.h>

#include "netfilter/ruleset.h"
#include "netfilter/xtables.h"

void filter_want(struct filter_wanted *w, const struct filter_rule *rule)
{
	w->rules[w->count++] = *rule;
}

bool filter_meet(struct filter_wanted *w, const struct nft_rule *rule,
		 const struct owner_tag *owner)
{
	bool former = false;

	for (unsigned i = 0; i < w->count; i++) {
		if (!filter_rule_is(rule, &w->rules[i]))
			continue;
		if (!owner || !w->owned[i] || (rule->owned && owner_tag_equal(&rule->owner, owner)))
			w->there[i] = true;
		else /* of whoever had the address before */
			former = true;
	}
	return former;
}

int filter_complete(const struct filter_wanted *w, const char *where, struct err *e)
{
	for (unsigned i = 0; i < w->count; i++)
		if (!w->there[i])
			return err_set(e, ERR_STATE, "check firewall",
				       "a rule is missing in chain %s of %sip%stables' filter",
				       w->rules[i].chain, where, w->family == 6 ? "6" : "");
	return 0;
}

struct visit {
	struct filter_wanted *wanted;
	const struct owner_tag *owner;
	struct nl_batch *change; /* NULL: look only */
	bool forward;		 /* chain FORWARD is there */
};

static int take_rule(struct visit *v, const struct nlmsghdr *h)
{
	struct nft_rule rule;

	if (nft_read_rule(&rule, h) && filter_meet(v->wanted, &rule, v->change ? v->owner : NULL)) {
		struct nft_at at = filter_at(v->wanted->family, rule.chain);

		nft_delete_rule(v->change, "delete a former pod's rule", &at, rule.handle);
	}
	return 0;
}

static int take_answer(const struct nlmsghdr *h, unsigned op, void *arg, struct err *e)
{
	struct visit *v = arg;

	(void)op, (void)e;
	switch (h->nlmsg_type & 0xff) {
	case NFT_MSG_NEWGEN:
		nft_begin(v->change, nft_read_generation(h));
		break;
	case NFT_MSG_NEWCHAIN:
		v->forward = true;
		break;
	case NFT_MSG_NEWRULE:
		return take_rule(v, h);
	}
	return 0;
}

static int look(struct nl_sock *nf, struct visit *v, struct err *e)
{
	struct filter_wanted *w = v->wanted;

	memset(w->there, 0, sizeof(w->there));
	if (v->change)
		nl_batch_init(v->change);
	for (unsigned i = 0; i < w->chain_count; i++) {
		struct nft_at at = filter_at(w->family, w->chains[i]);
		struct nl_batch q;

		nl_batch_init(&q);
		if (v->change && i == 0)
			nft_get_generation(&q);
		if (i == 0)
			nft_get_chain(&q, &at); /* the first is FORWARD */
		nft_list_rules(&q, &at);
		if (nl_ask(nf, &q, take_answer, v, e))
			return -1;
	}
	return 0;
}

static unsigned missing(const struct filter_wanted *w)
{
	unsigned n = 0;

	for (unsigned i = 0; i < w->count; i++)
		n += !w->there[i];
	return n;
}

/*
 * What is jumped to is there. Making sure of a chain again would be a change of it, and the kernel
 * would have something to free (netlink/linger.h).
 */
static bool is_target(const struct filter_wanted *w, const char *chain)
{
	for (unsigned i = 0; i < w->count; i++)
		if (w->there[i] && w->rules[i].target && strcmp(w->rules[i].target, chain) == 0)
			return true;
	return false;
}

static void put_missing_chain(struct nl_batch *b, const struct filter_wanted *w, const char *chain)
{
	if (!is_target(w, chain))
		put_filter_chain(b, w->family, chain);
}

/* Of the wanted rules, is none missing but what is the pod's? */
static bool is_ready_for_pod(const struct filter_wanted *w)
{
	for (unsigned i = 0; i < w->count; i++)
		if (!w->there[i] && !w->owned[i])
			return false;
	return true;
}

static int add_once(struct nl_sock *nf, struct filter_wanted *w, const char *more_chain,
		    const struct owner_tag *owner, struct err *e)
{
	struct nl_batch change;
	struct visit v = {.wanted = w, .owner = owner, .change = &change};

	if (look(nf, &v, e))
		return -1;
	if (missing(w) == 0)
		return 0;
	/* The pod's rules disturb nobody, and nobody disturbs them: others may change theirs meanwhile. */
	if (is_ready_for_pod(w) && change.ops == 1) {
		nl_batch_init(&change);
		nft_begin(&change, 0);
	}
	for (unsigned i = 0; i < w->chain_count; i++)
		if (i > 0 || !v.forward) /* its policy is others' */
			put_missing_chain(&change, w, w->chains[i]);
	if (more_chain)
		put_missing_chain(&change, w, more_chain);
	for (unsigned i = 0; i < w->count; i++)
		if (!w->there[i])
			put_filter_rule(&change, w->family, &w->rules[i],
					w->owned[i] ? owner : NULL);
	return nft_commit(nf, &change, e);
}

int filter_add(struct nl_sock *nf, struct filter_wanted *w, const char *more_chain,
	       const struct owner_tag *owner, struct err *e)
{
	unsigned tries = 0;
	bool gone = false;

	while (add_once(nf, w, more_chain, owner, e)) {
		/* The chain has gone since; or, if it is there again, the kernel lacks a match. */
		if (e->sys == ENOENT && is_ready_for_pod(w) && !gone) {
			gone = true;
			e->sys = ERESTART;
		}
		if (!nft_again(&tries, e))
			return -1;
	}
	return 0;
}

int filter_check(struct nl_sock *nf, struct filter_wanted *w, struct err *e)
{
	struct visit v = {.wanted = w};
	unsigned tries = 0;

	while (look(nf, &v, e)) {
		if (ruleset_unsupported(e))
			return filter_legacy_check(w, e);
		if (!nft_again(&tries, e))
			return -1;
	}
	/* A kernel without nf_tables of a family says no more than that there are no rules. */
	if (!v.forward && xtables_in_use(w->family) & XTABLES_FILTER)
		return filter_legacy_check(w, e);
	return filter_complete(w, "", e);
}
