#include "netfilter/admission.h"

#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>

#include "netfilter/filter_wanted.h"
#include "netfilter/legacy.h"
#include "netfilter/xtables.h"

#define FORWARD "CNI-FORWARD"

static struct prefix host_prefix(const struct ip *ip)
{
	return (struct prefix){.ip = *ip, .len = (uint8_t)(8 * ip_size(ip))};
}

/* The rules that admit an address; gives how many. */
static unsigned address_rules(struct filter_rule rules[static 2], const struct ip *ip,
			      bool published)
{
	rules[0] = (struct filter_rule){.chain = FORWARD,
					.destination = host_prefix(ip),
					.state = published ? XT_STATE_DNAT : XT_STATE_ESTABLISHED,
					.action = NFT_ACTION_ACCEPT};
	if (published)
		return 1;
	rules[1] = (struct filter_rule){
		.chain = FORWARD, .source = host_prefix(ip), .action = NFT_ACTION_ACCEPT};
	return 2;
}

static void want_admission(struct filter_wanted *w, const struct admission *a)
{
	*w = (struct filter_wanted){
		.family = a->family, .chains = {"FORWARD", FORWARD}, .chain_count = 2};
	filter_want(w, &(struct filter_rule){.chain = "FORWARD",
					     .comment = "CNI firewall plugin rules",
					     .action = NFT_ACTION_JUMP,
					     .target = FORWARD,
					     .first = true});
	filter_want(w, &(struct filter_rule){.chain = FORWARD,
					     .comment = "CNI firewall plugin admin overrides",
					     .action = NFT_ACTION_JUMP,
					     .target = a->admin_chain,
					     .first = true});
	for (unsigned i = 0; i < a->count; i++) {
		struct filter_rule rules[2];
		unsigned n = address_rules(rules, &a->addresses[i], a->published);

		for (unsigned k = 0; k < n; k++) {
			w->owned[w->count] = true;
			filter_want(w, &rules[k]);
		}
	}
}

static bool legacy_in_use(uint8_t family)
{
	return xtables_in_use(family) & XTABLES_FILTER;
}

/* --- the contract ----------------------------------------------------------------------------- */

/* Does iptables' FORWARD, or (nf NULL) that of legacy iptables, stop what is sent to an address? */
static int is_stopped(struct nl_sock *nf, const struct admission *a, bool *stopped, struct err *e)
{
	*stopped = false;
	for (unsigned i = 0; i < a->count; i++) {
		struct prefix p = host_prefix(&a->addresses[i]);
		struct forward_chain found;

		if (nf ? forward_look(nf, &p, &found, e) : legacy_forward_look(&p, &found, e))
			return -1;
		*stopped |= found.drops && !found.to;
	}
	return 0;
}

int admission_publish(struct nl_sock *nf, const struct admission *a, const struct owner_tag *owner,
		      struct err *e)
{
	static struct filter_wanted w;
	bool stopped;

	want_admission(&w, a);
	if (is_stopped(nf, a, &stopped, e) ||
	    (stopped && filter_add(nf, &w, a->admin_chain, owner, e)))
		return -1;
	if (!legacy_in_use(a->family))
		return 0;
	if (is_stopped(NULL, a, &stopped, e))
		return -1;
	return stopped ? filter_legacy_add(&w, a->admin_chain, owner, e) : 0;
}

int admission_add(struct nl_sock *nf, const struct admission *a, const struct owner_tag *owner,
		  struct err *e)
{
	static struct filter_wanted w;
	bool legacy = legacy_in_use(a->family);

	want_admission(&w, a);
	if (filter_add(nf, &w, a->admin_chain, owner, e)) {
		/* Then legacy iptables is all there is, if that. */
		if (!ruleset_unsupported(e))
			return -1;
		legacy = true;
	}
	return legacy ? filter_legacy_add(&w, a->admin_chain, owner, e) : 0;
}

/* What is published has rules where FORWARD drops; the legacy one's own rules may let it pass. */
static int check_published(struct nl_sock *nf, const struct admission *a, struct err *e)
{
	static struct filter_wanted w;
	bool stopped;

	want_admission(&w, a);
	if (is_stopped(nf, a, &stopped, e) || (stopped && filter_check(nf, &w, e)))
		return -1;
	if (!legacy_in_use(a->family))
		return 0;
	if (is_stopped(NULL, a, &stopped, e))
		return -1;
	return stopped ? filter_legacy_check(&w, e) : 0;
}

int admission_check(struct nl_sock *nf, const struct admission *a, struct err *e)
{
	static struct filter_wanted w;

	if (a->published)
		return check_published(nf, a, e);
	want_admission(&w, a);
	if (filter_check(nf, &w, e))
		return -1;
	return legacy_in_use(a->family) ? filter_legacy_check(&w, e) : 0;
}

struct removal {
	const struct admission *admission;
	const struct owner_choice *which;
	struct nl_batch change;
	bool any;
};

/* For an address of the list, by either rule? Or for whose otherwise? */
static bool concerns(const struct nft_rule *rule, const struct admission *a)
{
	for (unsigned i = 0; i < a->count; i++) {
		struct filter_rule rules[2];
		unsigned n = address_rules(rules, &a->addresses[i], a->published);

		for (unsigned k = 0; k < n; k++)
			if (filter_rule_is(rule, &rules[k]))
				return true;
	}
	return false;
}

/* Has the rule to go? */
static bool choose(const struct nft_rule *rule, void *arg)
{
	const struct removal *r = arg;
	const struct nft_match_address *m = rule->source.set ? &rule->source : &rule->destination;
	char text[128], ip[IP_TEXT];

	if (!rule->owned)
		return concerns(rule, r->admission);
	snprintf(text, sizeof(text), "firewall rule for %s", ip_format(ip, &m->prefix.ip));
	return filter_rule_has_state(rule, XT_STATE_DNAT) == r->admission->published &&
	       r->which->choose(&rule->owner, text, r->which->arg);
}

static int take_removal(const struct nlmsghdr *h, unsigned op, void *arg, struct err *e)
{
	struct removal *r = arg;
	struct nft_at at = filter_at(r->admission->family, FORWARD);
	struct nft_rule rule;

	(void)op, (void)e;
	if ((h->nlmsg_type & 0xff) == NFT_MSG_NEWGEN) {
		nft_begin(&r->change, nft_read_generation(h));
		return 0;
	}
	/* What does not fit into this batch takes another round. */
	if (!nft_read_rule(&rule, h) || r->change.ops + 2 > NL_BATCH_OPS || !choose(&rule, r))
		return 0;
	nft_delete_rule(&r->change, "delete the pod's rule", &at, rule.handle);
	r->any = true;
	return 0;
}

static int remove_once(struct nl_sock *nf, struct removal *r, struct err *e)
{
	struct nft_at at = filter_at(r->admission->family, FORWARD);
	struct nl_batch q;

	r->any = false;
	nl_batch_init(&r->change);
	nl_batch_init(&q);
	nft_get_generation(&q);
	nft_list_rules(&q, &at);
	if (nl_ask(nf, &q, take_removal, r, e))
		return nft_unsupported(e) ? 0 : -1;
	if (!r->any)
		return 0;
	return nft_commit(nf, &r->change, e);
}

int admission_remove(struct nl_sock *nf, const struct admission *a,
		     const struct owner_choice *which, struct err *e)
{
	static struct removal r;
	unsigned tries = 0;

	r.admission = a;
	r.which = which;
	do {
		if (remove_once(nf, &r, e) == 0)
			continue;
		if (!nft_again(&tries, e))
			return -1;
		r.any = true;
	} while (r.any); /* until a look finds nothing to remove */
	return legacy_in_use(a->family) ? filter_legacy_remove(a->family, FORWARD, choose, &r, e)
					: 0;
}
