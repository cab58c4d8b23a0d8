#include "net/admission.h"

#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>

#include "net/filter_rule.h"
#include "net/legacy.h"
#include "net/xtables.h"

/* Two for each address and two jumps, or the six that keep networks apart. */
#define RULES_MAX  (2 * ADMISSION_ADDRESSES_MAX + 2)
#define CHAINS_MAX 3

#define FORWARD "CNI-FORWARD"
#define STAGE_1 "CNI-ISOLATION-STAGE-1"
#define STAGE_2 "CNI-ISOLATION-STAGE-2"

/* A set of rules that is wanted, in the order in which they are added. */
struct wanted {
	uint8_t family;
	struct filter_rule rules[RULES_MAX];
	bool there[RULES_MAX];
	bool owned[RULES_MAX]; /* is to have the owner's tag */
	unsigned count;
	const char *chains[CHAINS_MAX]; /* whose rules are looked at */
	unsigned chain_count;
};

static struct filter_rule *want(struct wanted *w, const struct filter_rule *rule)
{
	w->rules[w->count] = *rule;
	return &w->rules[w->count++];
}

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

static void want_admission(struct wanted *w, const struct admission *a)
{
	*w = (struct wanted){.family = a->family, .chains = {"FORWARD", FORWARD}, .chain_count = 2};
	want(w, &(struct filter_rule){.chain = "FORWARD",
				      .comment = "CNI firewall plugin rules",
				      .action = NFT_ACTION_JUMP,
				      .target = FORWARD,
				      .first = true});
	want(w, &(struct filter_rule){.chain = FORWARD,
				      .comment = "CNI firewall plugin admin overrides",
				      .action = NFT_ACTION_JUMP,
				      .target = a->admin_chain,
				      .first = true});
	for (unsigned i = 0; i < a->count; i++) {
		struct filter_rule rules[2];
		unsigned n = address_rules(rules, &a->addresses[i], a->published);

		for (unsigned k = 0; k < n; k++) {
			w->owned[w->count] = true;
			want(w, &rules[k]);
		}
	}
}

static void want_isolation(struct wanted *w, uint8_t family, const char *bridge, bool isolated)
{
	static const char shared[] =
		"CNI firewall plugin rules (ingressPolicy: same-bridge|isolated)";
	const char *own = isolated ? "CNI firewall plugin rules (ingressPolicy: isolated)"
				   : "CNI firewall plugin rules (ingressPolicy: same-bridge)";

	*w = (struct wanted){
		.family = family, .chains = {"FORWARD", STAGE_1, STAGE_2}, .chain_count = 3};
	want(w, &(struct filter_rule){.chain = "FORWARD",
				      .comment = shared,
				      .action = NFT_ACTION_JUMP,
				      .target = STAGE_1,
				      .first = true});
	want(w, &(struct filter_rule){
			.chain = STAGE_1, .comment = shared, .action = NFT_ACTION_RETURN});
	want(w, &(struct filter_rule){.chain = STAGE_1,
				      .in = bridge,
				      .out = bridge,
				      .not_out = true,
				      .comment = own,
				      .action = NFT_ACTION_JUMP,
				      .target = STAGE_2,
				      .first = true});
	if (isolated)
		want(w, &(struct filter_rule){.chain = STAGE_1,
					      .in = bridge,
					      .out = bridge,
					      .comment = own,
					      .action = NFT_ACTION_DROP,
					      .first = true});
	want(w, &(struct filter_rule){
			.chain = STAGE_2, .comment = shared, .action = NFT_ACTION_RETURN});
	want(w, &(struct filter_rule){.chain = STAGE_2,
				      .out = bridge,
				      .comment = shared,
				      .action = NFT_ACTION_DROP,
				      .first = true});
}

/* --- look, and change ------------------------------------------------------------------------- */

struct visit {
	struct wanted *wanted;
	const struct owner_tag *owner;
	struct nl_batch *change; /* NULL: look only */
	bool forward;		 /* chain FORWARD is there */
};

static int take_rule(struct visit *v, const struct nlmsghdr *h)
{
	struct wanted *w = v->wanted;
	struct nft_rule rule;

	if (!nft_read_rule(&rule, h))
		return 0;
	for (unsigned i = 0; i < w->count; i++) {
		struct nft_at at = filter_at(w->family, w->rules[i].chain);

		if (!filter_rule_is(&rule, &w->rules[i]))
			continue;
		if (!v->change || !w->owned[i] ||
		    (rule.owned && owner_tag_equal(&rule.owner, v->owner)))
			w->there[i] = true;
		else /* of whoever had the address before */
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
	struct wanted *w = v->wanted;

	memset(w->there, 0, sizeof(w->there));
	if (v->change)
		nl_batch_init(v->change);
	for (unsigned i = 0; i < w->chain_count; i++) {
		struct nft_at at = filter_at(w->family, w->chains[i]);
		struct nl_batch q;

		nl_batch_init(&q);
		if (v->change && i == 0) {
			nft_get_generation(&q);
			nft_get_chain(&q, &at); /* the first is FORWARD */
		}
		nft_list_rules(&q, &at);
		if (nl_ask(nf, &q, take_answer, v, e))
			return -1;
	}
	return 0;
}

static unsigned missing(const struct wanted *w)
{
	unsigned n = 0;

	for (unsigned i = 0; i < w->count; i++)
		n += !w->there[i];
	return n;
}

static int add_once(struct nl_sock *nf, struct wanted *w, const char *more_chain,
		    const struct owner_tag *owner, struct err *e)
{
	struct nl_batch change;
	struct visit v = {.wanted = w, .owner = owner, .change = &change};

	if (look(nf, &v, e))
		return -1;
	if (missing(w) == 0)
		return 0;
	for (unsigned i = 0; i < w->chain_count; i++)
		if (i > 0 || !v.forward) /* its policy is others' */
			put_filter_chain(&change, w->family, w->chains[i]);
	if (more_chain)
		put_filter_chain(&change, w->family, more_chain);
	for (unsigned i = 0; i < w->count; i++)
		if (!w->there[i])
			put_filter_rule(&change, w->family, &w->rules[i],
					w->owned[i] ? owner : NULL);
	nft_end(&change);
	return nl_apply(nf, &change, e);
}

static int never_quiet(struct err *e)
{
	return err_set(e, ERR_TRY_AGAIN, "change the rules of iptables' filter",
		       "others changed the ruleset %d times meanwhile", NFT_TRIES);
}

static int add_all(struct nl_sock *nf, struct wanted *w, const char *more_chain,
		   const struct owner_tag *owner, struct err *e)
{
	for (int i = 0; i < NFT_TRIES; i++) {
		if (add_once(nf, w, more_chain, owner, e) == 0)
			return 0;
		if (!nft_overtaken(e))
			return -1;
	}
	return never_quiet(e);
}

static int check_all(struct nl_sock *nf, struct wanted *w, struct err *e)
{
	struct visit v = {.wanted = w};

	for (int i = 0; i < NFT_TRIES; i++) {
		if (look(nf, &v, e) == 0)
			break;
		if (!nft_overtaken(e))
			return -1;
	}
	for (unsigned i = 0; i < w->count; i++)
		if (!w->there[i])
			return err_set(e, ERR_STATE, "check firewall",
				       "a rule is missing in chain %s of ip%stables' filter",
				       w->rules[i].chain, w->family == 6 ? "6" : "");
	return 0;
}

/* --- legacy iptables -------------------------------------------------------------------------- */

static int legacy_add(const struct admission *a, struct err *e)
{
	unsigned added;

	for (unsigned i = 0; i < a->count; i++) {
		struct prefix p = host_prefix(&a->addresses[i]);

		if (legacy_forward_accept(&p, &added, e))
			return -1;
	}
	return 0;
}

static int legacy_check(const struct admission *a, struct err *e)
{
	for (unsigned i = 0; i < a->count; i++) {
		struct prefix p = host_prefix(&a->addresses[i]);
		struct forward_chain found;

		if (legacy_forward_look(&p, &found, e))
			return -1;
		if (!found.from || !found.to)
			return err_set(e, ERR_STATE, "check firewall",
				       "a rule is missing in chain FORWARD of legacy iptables");
	}
	return 0;
}

static int legacy_remove(const struct admission *a, struct err *e)
{
	unsigned removed;

	for (unsigned i = 0; i < a->count; i++) {
		struct prefix p = host_prefix(&a->addresses[i]);

		if (legacy_forward_retract(&p, &removed, e))
			return -1;
	}
	return 0;
}

static bool legacy_in_use(uint8_t family)
{
	return xtables_in_use(family) & XTABLES_FILTER;
}

/* --- the contract ----------------------------------------------------------------------------- */

/* Does iptables' FORWARD stop what is sent to one of the addresses? */
static int is_stopped(struct nl_sock *nf, const struct admission *a, bool *stopped, struct err *e)
{
	*stopped = false;
	for (unsigned i = 0; i < a->count; i++) {
		struct prefix p = host_prefix(&a->addresses[i]);
		struct forward_chain found;

		if (forward_look(nf, &p, &found, e))
			return -1;
		*stopped |= found.drops && !found.to;
	}
	return 0;
}

int admission_publish(struct nl_sock *nf, const struct admission *a, const struct owner_tag *owner,
		      struct err *e)
{
	static struct wanted w;
	bool stopped;

	if (is_stopped(nf, a, &stopped, e))
		return -1;
	want_admission(&w, a);
	return stopped ? add_all(nf, &w, a->admin_chain, owner, e) : 0;
}

int admission_add(struct nl_sock *nf, const struct admission *a, const struct owner_tag *owner,
		  struct err *e)
{
	static struct wanted w;

	want_admission(&w, a);
	if (add_all(nf, &w, a->admin_chain, owner, e)) {
		/* Then legacy iptables is all there is, if that. */
		if (!ruleset_unsupported(e))
			return -1;
		return legacy_add(a, e);
	}
	return legacy_in_use(a->family) ? legacy_add(a, e) : 0;
}

int admission_check(struct nl_sock *nf, const struct admission *a, struct err *e)
{
	static struct wanted w;

	want_admission(&w, a);
	if (check_all(nf, &w, e)) {
		if (!ruleset_unsupported(e))
			return -1;
		return legacy_check(a, e);
	}
	return legacy_in_use(a->family) ? legacy_check(a, e) : 0;
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

static int take_removal(const struct nlmsghdr *h, unsigned op, void *arg, struct err *e)
{
	struct removal *r = arg;
	struct nft_at at = filter_at(r->admission->family, FORWARD);
	struct nft_rule rule;
	char text[128], ip[IP_TEXT];

	(void)op, (void)e;
	if ((h->nlmsg_type & 0xff) == NFT_MSG_NEWGEN) {
		nft_begin(&r->change, nft_read_generation(h));
		return 0;
	}
	/* What does not fit into this batch takes another round. */
	if (!nft_read_rule(&rule, h) || r->change.ops + 2 > NL_BATCH_OPS)
		return 0;
	if (rule.owned) {
		bool published = filter_rule_has_state(&rule, XT_STATE_DNAT);
		const struct nft_match_address *m =
			rule.source.set ? &rule.source : &rule.destination;

		snprintf(text, sizeof(text), "firewall rule for %s", ip_format(ip, &m->prefix.ip));
		if (published != r->admission->published ||
		    !r->which->choose(&rule.owner, text, r->which->arg))
			return 0;
	} else if (!concerns(&rule, r->admission)) {
		return 0;
	}
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
	nft_end(&r->change);
	return nl_apply(nf, &r->change, e);
}

int admission_remove(struct nl_sock *nf, const struct admission *a,
		     const struct owner_choice *which, struct err *e)
{
	static struct removal r;
	int overtaken = 0;

	r.admission = a;
	r.which = which;
	do {
		if (remove_once(nf, &r, e) == 0)
			continue;
		if (!nft_overtaken(e))
			return -1;
		if (++overtaken == NFT_TRIES)
			return never_quiet(e);
		r.any = true;
	} while (r.any); /* until a look finds nothing to remove */
	return legacy_in_use(a->family) && !a->published ? legacy_remove(a, e) : 0;
}

static int explain_isolation(uint8_t family, struct err *e)
{
	if (ruleset_unsupported(e))
		return err_set(e, ERR_KERNEL, "keep networks apart",
			       "the kernel lacks nf_tables for IPv%u (CONFIG_NF_TABLES_IPV%u, "
			       "CONFIG_NFT_COMPAT), which ingressPolicy needs",
			       family, family);
	return -1;
}

int isolation_add(struct nl_sock *nf, uint8_t family, const char *bridge, bool isolated,
		  struct err *e)
{
	static struct wanted w;

	want_isolation(&w, family, bridge, isolated);
	return add_all(nf, &w, NULL, NULL, e) ? explain_isolation(family, e) : 0;
}

int isolation_check(struct nl_sock *nf, uint8_t family, const char *bridge, bool isolated,
		    struct err *e)
{
	static struct wanted w;

	want_isolation(&w, family, bridge, isolated);
	return check_all(nf, &w, e) ? explain_isolation(family, e) : 0;
}
