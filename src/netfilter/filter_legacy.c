/* What filter_wanted.h says, in the tables of legacy iptables. */
#include <string.h>

#include "netfilter/filter_wanted.h"
#include "netfilter/xtables.h"

static struct xt_rule rule_of(const struct filter_rule *f, const struct owner_tag *owner)
{
	struct xt_rule rule = {
		.parts = &xt_parts,
		.source = f->source,
		.destination = f->destination,
		.in = f->in,
		.out = f->out,
		.not_out = f->not_out,
		.state = f->state,
		.comment = f->comment,
		.what = XT_DO_ACCEPT,
		.chain = f->target,
		.mark = XT_MARK,
		.owner = owner,
	};

	if (f->action == NFT_ACTION_DROP)
		rule.what = XT_DO_DROP;
	else if (f->action == NFT_ACTION_RETURN)
		rule.what = XT_DO_RETURN;
	else if (f->action == NFT_ACTION_JUMP)
		rule.what = XT_DO_JUMP;
	return rule;
}

/* --- look, add -------------------------------------------------------------------------------- */

struct order {
	struct filter_wanted *wanted;
	const char *more_chain;
	const struct owner_tag *owner;
	const char *chain; /* that is being read */
};

static bool meet_rule(const struct xt_table *t, uint32_t at, void *arg)
{
	const struct order *o = arg;
	struct nft_rule rule;

	xt_read(&rule, t, NF_INET_FORWARD, at);
	rule.chain = o->chain;
	return filter_meet(o->wanted, &rule, o->owner);
}

/* Meet the rules of all chains. Gives how many were a former pod's: with an owner, they are out. */
static unsigned meet_rules(struct xt_table *t, struct order *o)
{
	struct filter_wanted *w = o->wanted;
	unsigned former = 0;

	memset(w->there, 0, sizeof(w->there));
	for (unsigned i = 0; i < w->chain_count; i++) {
		o->chain = w->chains[i];
		former += xt_chain_sift(t, o->chain, meet_rule, o);
	}
	return former;
}

static unsigned change_to_add(struct xt_table *t, void *arg)
{
	struct order *o = arg;
	const struct filter_wanted *w = o->wanted;
	unsigned changes = meet_rules(t, o);

	for (unsigned i = 0; i < w->chain_count; i++)
		changes += xt_chain_make(t, w->chains[i]);
	if (o->more_chain)
		changes += xt_chain_make(t, o->more_chain);
	for (unsigned i = 0; i < w->count; i++) {
		struct xt_rule rule = rule_of(&w->rules[i], w->owned[i] ? o->owner : NULL);
		struct xt_chain c;

		if (w->there[i] || !xt_chain(t, w->rules[i].chain, &c))
			continue;
		xt_insert(t, w->rules[i].first ? c.begin : c.end, &rule);
		changes++;
	}
	return changes;
}

/* Was e that there is no legacy iptables? Who asks it has found no nf_tables: then in plain words. */
static int explain(uint8_t family, struct err *e)
{
	if (xtables_unsupported(e))
		return err_set(
			e, ERR_KERNEL, "look at chain FORWARD",
			"the kernel has neither nf_tables for IPv%u (CONFIG_NF_TABLES_IPV%u, "
			"CONFIG_NFT_COMPAT) nor iptables' filter (CONFIG_IP%s_NF_FILTER)",
			family, family, family == 6 ? "6" : "");
	return -1;
}

int filter_legacy_add(struct filter_wanted *w, const char *more_chain,
		      const struct owner_tag *owner, struct err *e)
{
	struct order o = {.wanted = w, .more_chain = more_chain, .owner = owner};
	unsigned changes;

	if (xtables_change(w->family, XTABLES_FILTER, change_to_add, &o, &changes, e) == 0)
		return 0;
	return explain(w->family, e);
}

int filter_legacy_check(struct filter_wanted *w, struct err *e)
{
	struct order o = {.wanted = w};
	struct xt_table t;

	if (xtables_read(w->family, XTABLES_FILTER, &t, e))
		return explain(w->family, e);
	meet_rules(&t, &o);
	return filter_complete(w, "legacy ", e);
}

/* --- remove ----------------------------------------------------------------------------------- */

struct removal {
	const char *chain;
	filter_choose_fn *choose;
	void *arg;
};

static bool is_chosen(const struct xt_table *t, uint32_t at, void *arg)
{
	const struct removal *r = arg;
	struct nft_rule rule;

	xt_read(&rule, t, NF_INET_FORWARD, at);
	rule.chain = r->chain;
	return r->choose(&rule, r->arg);
}

static unsigned change_to_remove(struct xt_table *t, void *arg)
{
	const struct removal *r = arg;

	return xt_chain_sift(t, r->chain, is_chosen, arg);
}

int filter_legacy_remove(uint8_t family, const char *chain, filter_choose_fn *choose, void *arg,
			 struct err *e)
{
	struct removal r = {chain, choose, arg};
	unsigned changes;

	return xtables_change(family, XTABLES_FILTER, change_to_remove, &r, &changes, e);
}
