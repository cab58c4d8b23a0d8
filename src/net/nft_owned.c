#include "net/nft_owned.h"

#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netlink.h>
#include <string.h>

#include "net/names.h"
#include "net/nft_read.h"

/* Elements deleted by one batch: it has room for more, but rules may come on top. */
#define BATCH_ELEMENTS 64

/* Was e that somebody else changed the rules, or removed what this was to stand on? Then forget it. */
static bool overtaken(struct err *e)
{
	if (e->sys != ENOENT)
		return nft_overtaken(e);
	err_clear(e);
	return true;
}

static int never_quiet(const struct nft_owned *o, struct err *e)
{
	return err_set(e, ERR_TRY_AGAIN, "change the rules",
		       "others changed the ruleset %d times while table %s was changed", NFT_TRIES,
		       o->table.table);
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

static int find_rule(struct nl_sock *nf, struct finding *f, const struct nft_owned *o,
		     const struct nft_owned_parts *parts, const void *arg, struct err *e)
{
	struct nl_batch q;

	*f = (struct finding){.digest = digest_of(parts, arg)};
	nl_batch_init(&q);
	nft_get_generation(&q);
	nft_list_rules(&q, &o->table);
	return nl_ask(nf, &q, take_finding, f, e);
}

static int add_once(struct nl_sock *nf, const struct nft_owned *o,
		    const struct nft_owned_parts *parts, const void *arg, bool replace,
		    struct finding *f, struct err *e)
{
	struct nl_batch b;

	if (find_rule(nf, f, o, parts, arg, e))
		return -1;
	nl_batch_init(&b);
	/* With its rule there, an element disturbs nobody and nobody disturbs it. */
	nft_begin(&b, f->found ? 0 : f->generation);
	if (!f->found) {
		parts->chains(&b, arg);
		parts->rule(&b, arg);
	}
	parts->elements(&b, replace, arg);
	nft_end(&b);
	return nl_apply(nf, &b, e);
}

int nft_owned_add(struct nl_sock *nf, const struct nft_owned *o,
		  const struct nft_owned_parts *parts, const void *arg, struct err *e)
{
	bool replace = false;

	for (int i = 0; i < NFT_TRIES; i++) {
		struct finding f;
		bool exists, lacking;

		if (add_once(nf, o, parts, arg, replace, &f, e) == 0)
			return 0;
		exists = e->sys == EEXIST;
		/* When all was to be made and something is missing, it is the kernel that lacks it. */
		lacking = e->sys == ENOENT && !f.found && !replace;
		if (lacking || (!exists && !overtaken(e)))
			return -1;
		replace = exists;
		err_clear(e);
	}
	return never_quiet(o, e);
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
	struct finding f = {.digest = 0};

	if (find_rule(nf, &f, o, parts, arg, e) && !nft_unsupported(e))
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
	bool guarded;	 /* the change is for this generation of the ruleset only */
	uint32_t generation;
	struct nl_batch change;
};

static void take_element(const struct nft_element *x, void *arg)
{
	struct sweep *s = arg;

	if (!names_is_of(x->comment, s->network))
		s->others++;
	else if (s->keep(x->comment, s->arg))
		s->kept++;
	else if (s->going++ < BATCH_ELEMENTS)
		nft_delete_element(&s->change, "delete the pod's element", &s->o->table, s->set,
				   x->key, x->len);
}

static void take_rule(struct sweep *s, const struct nlmsghdr *h)
{
	char name[NAMES_NETWORK];
	struct nft_rule rule;

	names_network(name, s->network);
	if (nft_read_rule(&rule, h) && rule.comment && strcmp(rule.comment, name) == 0) {
		struct nft_at at = s->o->table;

		at.chain = rule.chain;
		nft_delete_rule(&s->change, "delete the network's rule", &at, rule.handle);
	}
}

static int take_answer(const struct nlmsghdr *h, unsigned op, void *arg, struct err *e)
{
	struct sweep *s = arg;

	(void)op, (void)e;
	switch (h->nlmsg_type & 0xff) {
	case NFT_MSG_NEWGEN:
		s->generation = nft_read_generation(h);
		nft_begin(&s->change, s->guarded ? s->generation : 0);
		break;
	case NFT_MSG_NEWSETELEM:
		nft_read_elements(h, take_element, s);
		break;
	case NFT_MSG_NEWRULE:
		take_rule(s, h);
		break;
	}
	return 0;
}

/* Ask for the elements of all sets, and for the generation first. */
static int find(struct nl_sock *nf, struct sweep *s, bool guarded, struct err *e)
{
	struct nl_batch q;

	s->going = s->kept = s->others = 0;
	s->guarded = guarded;
	nl_batch_init(&s->change);
	for (unsigned i = 0; i < s->o->sets; i++) {
		s->set = s->o->set[i];
		nl_batch_init(&q);
		if (i == 0)
			nft_get_generation(&q);
		nft_list_elements(&q, &s->o->table, s->set);
		if (nl_ask(nf, &q, take_answer, s, e))
			return -1;
	}
	return 0;
}

static int find_rules(struct nl_sock *nf, struct sweep *s, struct err *e)
{
	struct nl_batch q;

	nl_batch_init(&q);
	nft_list_rules(&q, &s->o->table);
	return nl_ask(nf, &q, take_answer, s, e);
}

/*
 * Elements alone are deleted whatever else happens meanwhile: an address gets another owner only
 * after this. Rules and the table are not, as that nobody needs them must still be true.
 *
 * Gives 0, or -1 with e set.
 */
static int sweep_once(struct nl_sock *nf, struct sweep *s, struct err *e)
{
	if (find(nf, s, false, e))
		return -1;
	if (s->going && s->kept == 0 && find(nf, s, true, e))
		return -1;
	if (s->going == 0)
		return 0;
	if (s->kept == 0 && s->others == 0) { /* all of it goes with the table */
		nl_batch_init(&s->change);
		nft_begin(&s->change, s->generation);
		nft_delete_table(&s->change, &s->o->table);
	} else if (s->kept == 0 && s->going <= BATCH_ELEMENTS && find_rules(nf, s, e)) {
		return -1;
	}
	nft_end(&s->change);
	return nl_apply(nf, &s->change, e);
}

int nft_owned_remove(struct nl_sock *nf, const struct nft_owned *o, const char *network,
		     nft_keep_fn *keep, void *arg, unsigned *removed, struct err *e)
{
	static struct sweep s;
	unsigned total = 0;
	int tries = 0;

	s = (struct sweep){.o = o, .network = network, .keep = keep, .arg = arg};
	while (tries < NFT_TRIES) {
		bool all;

		if (sweep_once(nf, &s, e)) {
			if (nft_unsupported(e))
				return 0;
			if (!overtaken(e))
				return -1;
			tries++;
			continue;
		}
		all = s.going <= BATCH_ELEMENTS || (s.kept == 0 && s.others == 0);
		total += all ? s.going : BATCH_ELEMENTS;
		tries = 0;
		if (removed)
			*removed = total;
		if (all)
			return 0;
	}
	return never_quiet(o, e);
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

static void count_element(const struct nft_element *x, void *arg)
{
	struct count *c = arg;

	c->n += strcmp(x->comment, c->owner) == 0;
}

static int take_counted(const struct nlmsghdr *h, unsigned op, void *arg, struct err *e)
{
	(void)op, (void)e;
	if ((h->nlmsg_type & 0xff) == NFT_MSG_NEWSETELEM)
		nft_read_elements(h, count_element, arg);
	return 0;
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
