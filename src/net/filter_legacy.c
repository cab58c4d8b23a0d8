/* What filter_wanted.h says, in the tables of legacy iptables. */
#include <string.h>

#include "net/filter_wanted.h"
#include "net/xtables.h"

static struct xt_rule rule_of(const struct filter_rule *f, const struct owner_tag *owner)
{
	struct xt_rule rule = {
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

/* Read a rule of that chain. */
static void read_rule(struct nft_rule *rule, const struct xt_table *t, const char *chain,
		      uint32_t at)
{
	xt_read(rule, t, NF_INET_FORWARD, at);
	rule->chain = chain;
}

/* --- look, add -------------------------------------------------------------------------------- */

struct order {
	struct filter_wanted *wanted;
	const char *more_chain;
	const struct owner_tag *owner;
};

/* Meet the rules of all chains. Gives how many a change has to take out, and does so if it is one. */
static unsigned meet_rules(struct xt_table *t, const struct order *o, bool change)
{
	struct filter_wanted *w = o->wanted;
	unsigned former = 0;

	memset(w->there, 0, sizeof(w->there));
	for (unsigned i = 0; i < w->chain_count; i++) {
		struct nft_rule rule;
		struct xt_chain c;

		if (!xt_chain(t, w->chains[i], &c))
			continue;
		for (uint32_t at = c.begin; at < c.end;) {
			uint32_t next = xt_next(t, at);

			read_rule(&rule, t, w->chains[i], at);
			if (filter_meet(w, &rule, change ? o->owner : NULL)) {
				xt_remove(t, at);
				c.end -= next - at;
				next = at;
				former++;
			}
			at = next;
		}
	}
	return former;
}

static unsigned change_to_add(struct xt_table *t, void *arg)
{
	const struct order *o = arg;
	const struct filter_wanted *w = o->wanted;
	unsigned changes = meet_rules(t, o, true);

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
		return err_set(e, ERR_KERNEL, "look at chain FORWARD",
			       "the kernel has neither nf_tables for IPv%u (CONFIG_NF_TABLES_IPV%u, "
			       "CONFIG_NFT_COMPAT) nor iptables' filter (CONFIG_IP%s_NF_FILTER)",
			       family, family, family == 6 ? "6" : "");
	return -1;
}

int filter_legacy_add(struct filter_wanted *w, const char *more_chain,
		      const struct owner_tag *owner, struct err *e)
{
	struct order o = {w, more_chain, owner};
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
	meet_rules(&t, &o, false);
	return filter_complete(w, "legacy ", e);
}

/* --- remove ----------------------------------------------------------------------------------- */

struct removal {
	const char *chain;
	filter_choose_fn *choose;
	void *arg;
};

static unsigned change_to_remove(struct xt_table *t, void *arg)
{
	const struct removal *r = arg;
	unsigned changes = 0;
	struct nft_rule rule;
	struct xt_chain c;

	if (!xt_chain(t, r->chain, &c))
		return 0;
	for (uint32_t at = c.begin; at < c.end;) {
		uint32_t next = xt_next(t, at);

		read_rule(&rule, t, r->chain, at);
		if (r->choose(&rule, r->arg)) {
			xt_remove(t, at);
			c.end -= next - at;
			next = at;
			changes++;
		}
		at = next;
	}
	return changes;
}

int filter_legacy_remove(uint8_t family, const char *chain, filter_choose_fn *choose, void *arg,
			 struct err *e)
{
	struct removal r = {chain, choose, arg};
	unsigned changes;

	return xtables_change(family, XTABLES_FILTER, change_to_remove, &r, &changes, e);
}
