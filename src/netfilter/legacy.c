#include "netfilter/legacy.h"

#include <stdio.h>
#include <string.h>

#include "net/names.h"
#include "netfilter/forward_scan.h"
#include "netfilter/nft.h"
#include "netfilter/xtables.h"

/* Of the network's name: FNV-1a, folded to what the mark has room for. */
static uint32_t mark_of(const char *name)
{
	uint32_t h = 0x811c9dc5u;

	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * 0x01000193u;
	return XT_MARK | ((h ^ h >> 24) & ~XT_MARK_MASK);
}

/* --- FORWARD ---------------------------------------------------------------------------------- */

/* The rules of the chain, in order. The policy is none of them, but what drops if it does. */
static void weigh_chain(const struct xt_table *t, struct forward_scan *s)
{
	const unsigned hook = NF_INET_FORWARD;
	struct nft_rule rule;

	xt_read(&rule, t, hook, t->policy[hook]);
	s->chain.there = true;
	s->chain.drops = rule.action == NFT_ACTION_DROP;
	for (uint32_t at = t->begin[hook]; at < t->policy[hook]; at = xt_next(t, at)) {
		xt_read(&rule, t, hook, at);
		forward_weigh(s, &rule);
	}
}

static int scan(const struct prefix *network, struct forward_scan *s, struct err *e)
{
	struct xt_table t;

	*s = (struct forward_scan){.network = network};
	if (xtables_read(network->ip.family, XTABLES_FILTER, &t, e))
		return -1;
	weigh_chain(&t, s);
	return 0;
}

int legacy_forward_look(const struct prefix *network, struct forward_chain *found, struct err *e)
{
	struct forward_scan s;

	if (scan(network, &s, e))
		return -1;
	*found = s.chain;
	return 0;
}

/* Take our rules for the network out, from an offset on. */
static unsigned take_out(struct xt_table *t, uint32_t at, const struct prefix *network)
{
	unsigned removed = 0;

	while (at < t->policy[NF_INET_FORWARD]) {
		struct nft_rule rule;

		xt_read(&rule, t, NF_INET_FORWARD, at);
		if (forward_is_own(&rule, network)) {
			xt_remove(t, at);
			removed++;
		} else {
			at = xt_next(t, at);
		}
	}
	return removed;
}

static unsigned change_to_accept(struct xt_table *t, void *arg)
{
	const struct prefix *network = arg;
	struct xt_rule from = {.source = *network, .mark = XT_MARK};
	struct xt_rule to = {.destination = *network, .mark = XT_MARK};
	struct forward_scan s = {.network = network};
	uint32_t at;

	weigh_chain(t, &s);
	if (s.chain.from && s.chain.to)
		return 0;
	at = s.stop ? (uint32_t)s.stop : t->policy[NF_INET_FORWARD];
	take_out(t, at, network); /* what the drop has come to stand before */
	if (!s.chain.from)
		at = xt_insert(t, at, &from);
	if (!s.chain.to)
		xt_insert(t, at, &to);
	return !s.chain.from + !s.chain.to;
}

int legacy_forward_accept(const struct prefix *network, unsigned *added, struct err *e)
{
	struct prefix p = *network;

	return xtables_change(p.ip.family, XTABLES_FILTER, change_to_accept, &p, added, e);
}

static unsigned change_to_retract(struct xt_table *t, void *arg)
{
	return take_out(t, t->begin[NF_INET_FORWARD], arg);
}

int legacy_forward_retract(const struct prefix *network, unsigned *removed, struct err *e)
{
	struct prefix p = *network;

	return xtables_change(p.ip.family, XTABLES_FILTER, change_to_retract, &p, removed, e);
}

int legacy_obstacle(const struct prefix *network, struct forward_obstacle *found, bool *blocked,
		    struct err *e)
{
	struct forward_scan s;

	*blocked = false;
	if (!(xtables_in_use(network->ip.family) & XTABLES_FILTER))
		return 0;
	if (scan(network, &s, e))
		return -1;
	*blocked = s.chain.drops && !(s.chain.from && s.chain.to);
	snprintf(found->table, sizeof(found->table), "ip%stables-legacy filter",
		 network->ip.family == 6 ? "6" : "");
	snprintf(found->chain, sizeof(found->chain), "FORWARD");
	found->by_policy = s.stop == 0;
	found->reject = s.reject;
	return 0;
}

/* --- POSTROUTING ------------------------------------------------------------------------------ */

struct nat_job {
	struct xt_rule rule; /* that is wanted, if any is */
	bool wanted, there;  /* it is there, or an equal one */
	uint32_t mark;
	unsigned odd; /* rules of the network that are not wanted */
};

static struct nat_job job_of(const struct ruleset *want)
{
	struct nat_job job = {
		.rule = {.source = want->subnet,
			 .what = XT_DO_MASQUERADE,
			 .mark = mark_of(want->name)},
		.wanted = want->masquerade != MASQUERADE_NONE,
		.mark = mark_of(want->name),
	};

	if (want->masquerade == MASQUERADE_ALL) {
		job.rule.out = want->bridge;
		job.rule.not_out = true;
	} else {
		job.rule.destination = want->network;
		job.rule.not_destination = true;
	}
	return job;
}

/* Look at each rule of the chain; with change, take out those that are odd. Gives how many changes. */
static unsigned visit_nat(struct xt_table *t, struct nat_job *job, bool change)
{
	uint32_t at = t->begin[NF_INET_POST_ROUTING], next;

	job->there = false;
	job->odd = 0;
	for (; at < t->policy[NF_INET_POST_ROUTING]; at = next) {
		next = xt_next(t, at);
		if (job->wanted && !job->there && xt_equal(t, at, &job->rule)) {
			job->there = true;
		} else if (xt_mark(t, at) == job->mark) {
			job->odd++;
			if (change) {
				xt_remove(t, at);
				next = at;
			}
		}
	}
	if (!change || job->there || !job->wanted)
		return job->odd;
	xt_insert(t, t->policy[NF_INET_POST_ROUTING], &job->rule);
	return job->odd + 1;
}

static unsigned change_nat(struct xt_table *t, void *arg)
{
	return visit_nat(t, arg, true);
}

int legacy_masquerade_look(const struct ruleset *want, enum ruleset_state *state, struct err *e)
{
	struct nat_job job = job_of(want);
	struct xt_table t;

	if (xtables_read(want->subnet.ip.family, XTABLES_NAT, &t, e))
		return -1;
	visit_nat(&t, &job, false);
	if (job.odd == 0 && job.there == job.wanted)
		*state = RULESET_PRESENT;
	else
		*state = job.odd || job.there ? RULESET_DIFFERENT : RULESET_ABSENT;
	return 0;
}

int legacy_masquerade_set(const struct ruleset *want, struct err *e)
{
	struct nat_job job = job_of(want);
	unsigned changes;

	return xtables_change(want->subnet.ip.family, XTABLES_NAT, change_nat, &job, &changes, e);
}

int legacy_masquerade_remove(uint8_t family, const char *name, bool *removed, struct err *e)
{
	struct nat_job job = {.mark = mark_of(name)};
	unsigned changes = 0;
	int result = xtables_change(family, XTABLES_NAT, change_nat, &job, &changes, e);

	*removed = changes > 0;
	return result;
}

int legacy_masquerades(const struct prefix *subnet, bool *found, struct err *e)
{
	const unsigned hook = NF_INET_POST_ROUTING;
	struct xt_table t;

	*found = false;
	if (!(xtables_in_use(subnet->ip.family) & XTABLES_NAT))
		return 0;
	if (xtables_read(subnet->ip.family, XTABLES_NAT, &t, e))
		return -1;
	for (uint32_t at = 0; at < t.size; at = xt_next(&t, at)) {
		struct nft_rule rule;

		xt_read(&rule, &t, hook, at);
		if (forward_is_masquerade(&rule, subnet,
					  at >= t.begin[hook] && at < t.policy[hook]))
			*found = true;
	}
	return 0;
}

/* --- single pods ------------------------------------------------------------------------------ */

#define POD_MARK (XT_MARK | 1)

struct pod_job {
	struct xt_rule rule;
	const char *network; /* to sweep */
	nft_keep_fn *keep;
	void *arg;
};

/* The owner's text of a pod's rule; NULL: it is none. Borrowed from the table. */
static const char *pod_of(const struct xt_table *t, uint32_t at)
{
	struct nft_rule rule;

	if (xt_mark(t, at) != POD_MARK)
		return NULL;
	xt_read(&rule, t, NF_INET_POST_ROUTING, at);
	return rule.xt_comment;
}

/* Is it a rule for the address? Of an earlier owner's: that becomes this one's. */
static bool is_pods(const struct xt_table *t, uint32_t at, void *arg)
{
	const struct pod_job *job = arg;

	return pod_of(t, at) && xt_equal(t, at, &job->rule);
}

static unsigned change_pod(struct xt_table *t, void *arg)
{
	const struct pod_job *job = arg;
	unsigned changes = xt_chain_sift(t, "POSTROUTING", is_pods, arg);

	xt_insert(t, t->policy[NF_INET_POST_ROUTING], &job->rule);
	return changes + 1;
}

int legacy_masquerade_pod(const char *owner, const struct prefix *address, struct err *e)
{
	struct pod_job job = {
		.rule = {.parts = &xt_parts,
			 .source = {address->ip, (uint8_t)(8 * ip_size(&address->ip))},
			 .destination = prefix_network(address),
			 .not_destination = true,
			 .comment = owner,
			 .what = XT_DO_MASQUERADE,
			 .mark = POD_MARK},
	};
	unsigned changes;

	return xtables_change(address->ip.family, XTABLES_NAT, change_pod, &job, &changes, e);
}

static bool is_unwanted(const struct xt_table *t, uint32_t at, void *arg)
{
	const struct pod_job *job = arg;
	const char *owner = pod_of(t, at);

	return owner && names_is_of(owner, job->network) && !job->keep(owner, job->arg);
}

static unsigned change_pods(struct xt_table *t, void *arg)
{
	return xt_chain_sift(t, "POSTROUTING", is_unwanted, arg);
}

int legacy_masquerade_sweep(uint8_t family, const char *network, nft_keep_fn *keep, void *arg,
			    struct err *e)
{
	struct pod_job job = {.network = network, .keep = keep, .arg = arg};
	unsigned changes;

	return xtables_change(family, XTABLES_NAT, change_pods, &job, &changes, e);
}
