#include "netfilter/nft_owned.h"

#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netlink.h>
#include <string.h>

#include "net/names.h"
#include "netfilter/nft_read.h"

/* Elements deleted by one batch: it has room for more, but rules may come on top. */
#define BATCH_ELEMENTS 64

/* As nft_again: also when somebody else removed what this was to stand on. */
static bool again(unsigned *tries, struct err *e)
{
	if (e->sys == ENOENT)
		e->sys = ERESTART;
	return nft_again(tries, e);
}

/* --- adding ------------------------------------------------------------------------------------ */

struct finding {
	uint64_t digest; /* of the rule that is wanted */
	bool found;
	uint32_t generation;
};

/* The wanted rule is built and read back, so that both are seen through the same eyes. */
static uint64_t digest_of(const struct nft_owned_parts *parts, const void *arg)
{
	struct nft_rule rule = {.digest = 0};
	struct nl_batch b;
	unsigned op;

	nl_batch_init(&b);
	parts->rule(&b, arg);
	if (nl_batch_finish(&b, &op) || !nft_read_rule(&rule, (const void *)b.buf))
		return 0; /* the same fault comes when it is sent */
	return rule.digest;
}

static int take_finding(const struct nlmsghdr *h, unsigned op, void *arg, struct err *e)
{
	struct finding *f = arg;
	struct nft_rule rule;

	(void)op, (void)e;
	if ((h->nlmsg_type & 0xff) == NFT_MSG_NEWGEN)
		f->generation = nft_read_generation(h);
	else if ((h->nlmsg_type & 0xff) == NFT_MSG_NEWRULE && nft_read_rule(&rule, h))
		f->found |= rule.ours && rule.digest == f->digest;
	return 0;
}

/* Is the rule of that digest there? And, if guarded, in which generation of the ruleset? */
static int find_rule(struct nl_sock *nf, struct finding *f, const struct nft_owned *o, bool guarded,
		     struct err *e)
{
	struct nl_batch q;

	f->found = false;
	nl_batch_init(&q);
	if (guarded)
		nft_get_generation(&q);
	nft_list_rules(&q, &o->table);
	return nl_ask(nf, &q, take_finding, f, e);
}

static int add_once(struct nl_sock *nf, const struct nft_owned *o,
		    const struct nft_owned_parts *parts, const void *arg, bool replace,
		    struct finding *f, struct err *e)
{
	struct nl_batch b;

	/* With its rule there, an element disturbs nobody and nobody disturbs it. */
	if (find_rule(nf, f, o, false, e) || (!f->found && find_rule(nf, f, o, true, e)))
		return -1;
	nl_batch_init(&b);
	nft_begin(&b, f->found ? 0 : f->generation);
	if (!f->found) {
		parts->chains(&b, arg);
		parts->rule(&b, arg);
	}
	parts->elements(&b, replace, arg);
	return nft_commit(nf, &b, e);
}

int nft_owned_add(struct nl_sock *nf, const struct nft_owned *o,
		  const struct nft_owned_parts *parts, const void *arg, struct err *e)
{
	struct finding f = {.digest = digest_of(parts, arg)};
	bool replace = false;
	unsigned tries = 0;

	while (add_once(nf, o, parts, arg, replace, &f, e)) {
		bool exists = e->sys == EEXIST;

		/* When all was to be made and something is missing, it is the kernel that lacks it. */
		if (e->sys == ENOENT && !f.found && !replace)
			return -1;
		if (exists)
			e->sys = ERESTART;
		if (!again(&tries, e))
			return -1;
		replace = exists;
	}
	return 0;
}

int nft_owned_try(struct nl_sock *nf, const struct nft_owned_parts *parts, const void *arg,
		  struct err *e)
{
	struct nl_batch b;

	nl_batch_init(&b);
	nft_begin(&b, 0);
	parts->chains(&b, arg);
	parts->rule(&b, arg);
	return nl_apply(nf, &b, e); /* without its end, it is given up */
}

int nft_owned_has_rule(struct nl_sock *nf, const struct nft_owned *o,
		       const struct nft_owned_parts *parts, const void *arg, bool *there,
		       struct err *e)
{
	struct finding f = {.digest = digest_of(parts, arg)};

	if (find_rule(nf, &f, o, false, e) && !nft_unsupported(e))
		return -1;
	*there = f.found;
	return 0;
}

/* --- removing ---------------------------------------------------------------------------------- */

struct sweep {
	const struct nft_owned *o;
	const char *network;
	nft_keep_fn *keep;
	void *arg;
	const char *set; /* whose elements are being read */
	unsigned going;	 /* elements to be removed */
	unsigned kept;	 /* of the network, elements that stay */
	unsigned others; /* elements of other networks */
	unsigned rules;	 /* of the table; those of the network are deleted by the change */
	bool guarded;	 /* the change is for this generation of the ruleset only */
	bool there;	 /* the table */
	uint32_t generation;
	struct nl_batch *change;
};

static int take_element(const struct nft_element *x, void *arg, struct err *e)
{
	struct sweep *s = arg;

	(void)e;
	if (!names_is_of(x->comment, s->network))
		s->others++;
	else if (s->keep(x->comment, s->arg))
		s->kept++;
	else if (s->going++ < BATCH_ELEMENTS)
		nft_element(s->change, "delete the pod's element", &s->o->table, NFT_DELETE, s->set,
			    &(struct nft_element){.key = x->key, .len = x->len});
	return 0;
}

static void take_rule(struct sweep *s, const struct nlmsghdr *h)
{
	char name[NAMES_NETWORK];
	struct nft_rule rule;

	names_network(name, s->network);
	s->rules++;
	if (nft_read_rule(&rule, h) && rule.comment && strcmp(rule.comment, name) == 0) {
		struct nft_at at = s->o->table;

		at.chain = rule.chain;
		nft_delete_rule(s->change, "delete the network's rule", &at, rule.handle);
	}
}

static int take_answer(const struct nlmsghdr *h, unsigned op, void *arg, struct err *e)
{
	struct sweep *s = arg;

	(void)op;
	switch (h->nlmsg_type & 0xff) {
	case NFT_MSG_NEWGEN:
		s->generation = nft_read_generation(h);
		nft_begin(s->change, s->guarded ? s->generation : 0);
		break;
	case NFT_MSG_NEWTABLE:
		s->there = true;
		break;
	case NFT_MSG_NEWSETELEM:
		return nft_read_elements(h, take_element, s, e);
	case NFT_MSG_NEWRULE:
		take_rule(s, h);
		break;
	}
	return 0;
}

/* Without nf_tables there is nothing. */
static int ask(struct nl_sock *nf, struct sweep *s, struct nl_batch *q, struct err *e)
{
	return nl_ask(nf, q, take_answer, s, e) == 0 || nft_unsupported(e) ? 0 : -1;
}

/* Ask for the elements of all sets, and first for the generation and the table. */
static int find(struct nl_sock *nf, struct sweep *s, bool guarded, struct err *e)
{
	struct nl_batch q;

	s->going = s->kept = s->others = s->rules = 0;
	s->guarded = guarded;
	s->there = false;
	nl_batch_init(s->change);
	for (unsigned i = 0; i < s->o->sets && (i == 0 || s->there); i++) {
		s->set = s->o->set[i];
		nl_batch_init(&q);
		if (i == 0) {
			nft_get_generation(&q);
			nft_get_table(&q, &s->o->table);
		}
		nft_list_elements(&q, &s->o->table, s->set);
		if (ask(nf, s, &q, e))
			return -1;
	}
	return 0;
}

static int find_rules(struct nl_sock *nf, struct sweep *s, struct err *e)
{
	struct nl_batch q;

	nl_batch_init(&q);
	nft_list_rules(&q, &s->o->table);
	return ask(nf, s, &q, e);
}

/*
 * Elements alone are deleted whatever else happens meanwhile: an address gets another owner only
 * after this. Gives 0, or -1 with e set.
 */
static int sweep_once(struct nl_sock *nf, struct sweep *s, struct err *e)
{
	if (find(nf, s, false, e))
		return -1;
	if (s->going == 0)
		return 0;
	return nft_commit(nf, s->change, e);
}

/*
 * Rules and the table go when nobody has an element any more, and only if that is still so. (Who
 * looks after having deleted its own sees it: of two that leave at once, the later one.)
 */
static int tidy_once(struct nl_sock *nf, struct sweep *s, struct err *e)
{
	if (find(nf, s, true, e))
		return -1;
	if (s->going || s->kept)
		return 0;
	if (find_rules(nf, s, e))
		return -1;
	if (s->rules == 0)
		return 0;
	if (s->others == 0) {
		nl_batch_init(s->change);
		nft_begin(s->change, s->generation);
		nft_delete_table(s->change, &s->o->table);
	}
	if (s->change->ops == 1) /* none of the rules was the network's */
		return 0;
	return nft_commit(nf, s->change, e);
}

int nft_owned_remove(struct nl_sock *nf, const struct nft_owned *o, const char *network,
		     nft_keep_fn *keep, void *arg, struct err *e)
{
	struct nl_batch change;
	struct sweep s = {.o = o, .network = network, .keep = keep, .arg = arg, .change = &change};
	unsigned tries = 0;
	bool any = false, swept = false;

	for (;;) {
		if (swept ? tidy_once(nf, &s, e) : sweep_once(nf, &s, e)) {
			if (!again(&tries, e))
				return -1;
			continue;
		}
		if (swept || !s.there)
			return 0;
		tries = 0;
		swept = s.going <= BATCH_ELEMENTS;
		any |= s.going > 0;
		/* Who has none may have been killed before, between its elements and the rest. */
		if (!any && s.kept > 0)
			return 0;
	}
}

bool nft_keep_others(const char *owner, void *arg)
{
	return strcmp(owner, arg) != 0;
}

/* --- counting ---------------------------------------------------------------------------------- */

struct count {
	const char *owner;
	unsigned n;
};

static int count_element(const struct nft_element *x, void *arg, struct err *e)
{
	struct count *c = arg;

	(void)e;
	c->n += strcmp(x->comment, c->owner) == 0;
	return 0;
}

static int take_counted(const struct nlmsghdr *h, unsigned op, void *arg, struct err *e)
{
	(void)op;
	return nft_read_elements(h, count_element, arg, e);
}

int nft_owned_count(struct nl_sock *nf, const struct nft_owned *o, const char *owner,
		    unsigned *count, struct err *e)
{
	struct count c = {.owner = owner};

	for (unsigned i = 0; i < o->sets; i++) {
		struct nl_batch q;

		nl_batch_init(&q);
		nft_list_elements(&q, &o->table, o->set[i]);
		if (nl_ask(nf, &q, take_counted, &c, e) && !nft_unsupported(e))
			return -1;
	}
	*count = c.n;
	return 0;
}
