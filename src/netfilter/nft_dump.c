#include "netfilter/nft_dump.h"

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <string.h>

#include "base/arena.h"
#include "netfilter/nft.h"
#include "netlink/attr.h"

const uint8_t *nft_value(const struct nlattr *nest, size_t *len)
{
	const struct nlattr *tb[NFTA_DATA_MAX + 1];

	nl_attrs_in(tb, NFTA_DATA_MAX, nest);
	return nl_data(tb[NFTA_DATA_VALUE], len);
}

/* --- keep messages ---------------------------------------------------------------------------- */

static int keep_chain(struct nft_dump *d, const struct nlmsghdr *h, struct err *e)
{
	struct nft_kept_chain *c = arena_take(sizeof(*c), e), **end = &d->chains;

	if (!c)
		return -1;
	if (!nft_read_chain(&c->chain, h))
		return 0;
	c->last = &c->first;
	while (*end)
		end = &(*end)->next;
	*end = c;
	return 0;
}

static struct nft_kept_chain *find_chain(const struct nft_dump *d, uint8_t family,
					 const char *table, const char *name)
{
	struct nft_kept_chain *c = d->chains;

	while (c && (c->chain.family != family || strcmp(c->chain.table, table) != 0 ||
		     strcmp(c->chain.name, name) != 0))
		c = c->next;
	return c;
}

static int keep_rule(struct nft_dump *d, const struct nlmsghdr *h, struct err *e)
{
	const struct nlattr *tb[NFTA_RULE_MAX + 1];
	const struct nfgenmsg *head = nl_head_of(h, sizeof(*head));
	struct nft_kept_rule *r = arena_take(sizeof(*r), e);
	struct nft_kept_chain *c;

	if (!r)
		return -1;
	nl_attrs_of(tb, NFTA_RULE_MAX, h, sizeof(*head));
	c = find_chain(d, head->nfgen_family, nl_get_str(tb[NFTA_RULE_TABLE]),
		       nl_get_str(tb[NFTA_RULE_CHAIN]));
	if (!c)
		return 0;
	r->handle = nl_get_be64(tb[NFTA_RULE_HANDLE]);
	r->expressions = tb[NFTA_RULE_EXPRESSIONS];
	*c->last = r;
	c->last = &r->next;
	return 0;
}

static struct nft_kept_set *find_set(const struct nft_dump *d, uint8_t family, const char *table,
				     const char *name)
{
	struct nft_kept_set *s = d->sets;

	while (s &&
	       (s->family != family || strcmp(s->table, table) != 0 || strcmp(s->name, name) != 0))
		s = s->next;
	return s;
}

static int keep_set(struct nft_dump *d, const struct nlmsghdr *h, struct err *e)
{
	const struct nlattr *tb[NFTA_SET_MAX + 1];
	const struct nfgenmsg *head = nl_head_of(h, sizeof(*head));
	struct nft_kept_set *s = arena_take(sizeof(*s), e);

	if (!s)
		return -1;
	nl_attrs_of(tb, NFTA_SET_MAX, h, sizeof(*head));
	*s = (struct nft_kept_set){
		.next = d->sets,
		.family = head->nfgen_family,
		.table = nl_get_str(tb[NFTA_SET_TABLE]),
		.name = nl_get_str(tb[NFTA_SET_NAME]),
		.flags = nl_get_be32(tb[NFTA_SET_FLAGS]),
		.key_type = nl_get_be32(tb[NFTA_SET_KEY_TYPE]),
		.key_len = nl_get_be32(tb[NFTA_SET_KEY_LEN]),
		.whole = d->nf == NULL,
		.last = &s->first,
	};
	d->sets = s;
	return 0;
}

static int keep_element(struct nft_kept_set *s, const struct nlattr *element, struct err *e)
{
	const struct nlattr *tb[NFTA_SET_ELEM_MAX + 1];
	struct nft_kept_element *x = arena_take(sizeof(*x), e);

	if (!x)
		return -1;
	nl_attrs_in(tb, NFTA_SET_ELEM_MAX, element);
	x->key = nft_value(tb[NFTA_SET_ELEM_KEY], &x->key_len);
	x->flags = nl_get_be32(tb[NFTA_SET_ELEM_FLAGS]);
	x->ranged = tb[NFTA_SET_ELEM_KEY_END] != NULL;
	x->data = tb[NFTA_SET_ELEM_DATA];
	*s->last = x;
	s->last = &x->next;
	return 0;
}

static int keep_elements(struct nft_dump *d, const struct nlmsghdr *h, struct err *e)
{
	const struct nlattr *tb[NFTA_SET_ELEM_LIST_SET_ID + 1];
	const struct nfgenmsg *head = nl_head_of(h, sizeof(*head));
	const struct nlattr *list;
	struct nft_kept_set *s;

	nl_attrs_of(tb, NFTA_SET_ELEM_LIST_SET_ID, h, sizeof(*head));
	list = tb[NFTA_SET_ELEM_LIST_ELEMENTS];
	s = find_set(d, head->nfgen_family, nl_get_str(tb[NFTA_SET_ELEM_LIST_TABLE]),
		     nl_get_str(tb[NFTA_SET_ELEM_LIST_SET]));
	for (const struct nlattr *x = s ? nl_first(list) : NULL; x; x = nl_following(list, x))
		if (keep_element(s, x, e))
			return -1;
	return 0;
}

int nft_dump_take(struct nft_dump *d, const struct nlmsghdr *h, struct err *e)
{
	struct nlmsghdr *copy;

	if (!nl_head_of(h, sizeof(struct nfgenmsg)))
		return 0;
	copy = arena_take(h->nlmsg_len, e);
	if (!copy)
		return -1;
	memcpy(copy, h, h->nlmsg_len);
	switch (h->nlmsg_type & 0xff) {
	case NFT_MSG_NEWCHAIN:
		return keep_chain(d, copy, e);
	case NFT_MSG_NEWRULE:
		return keep_rule(d, copy, e);
	case NFT_MSG_NEWSET:
		return keep_set(d, copy, e);
	case NFT_MSG_NEWSETELEM:
		return keep_elements(d, copy, e);
	default:
		return 0;
	}
}

/* --- ask -------------------------------------------------------------------------------------- */

static int take(const struct nlmsghdr *h, unsigned op, void *arg, struct err *e)
{
	(void)op;
	return nft_dump_take(arg, h, e);
}

int nft_dump_chains(struct nft_dump *d, uint8_t family, struct err *e)
{
	struct nft_kept_chain **end = &d->chains;
	struct nl_batch q;
	unsigned tries = 0;

	while (*end)
		end = &(*end)->next;
	do {
		*end = NULL;
		nl_batch_init(&q);
		nft_list_chains(&q, family);
		if (nl_dump(d->nf, &q, take, d, e) == 0 || nft_unsupported(e))
			return 0;
	} while (nft_again(&tries, e));
	return -1;
}

void nft_dump_rules(struct nft_dump *d, struct nft_kept_chain *c)
{
	struct nft_at at = {c->chain.family, c->chain.table, c->chain.name};
	struct nl_batch q;
	unsigned tries = 0;

	while (!c->read && d->nf) {
		struct err e = {0};

		c->first = NULL;
		c->last = &c->first;
		nl_batch_init(&q);
		nft_list_rules(&q, &at);
		c->whole = nl_dump(d->nf, &q, take, d, &e) == 0;
		c->read = c->whole || !nft_again(&tries, &e);
	}
	c->whole |= !d->nf;
}

struct nft_kept_chain *nft_dump_chain(struct nft_dump *d, const struct nft_chain *beside,
				      const char *name)
{
	struct nft_kept_chain *c = find_chain(d, beside->family, beside->table, name);

	if (c)
		nft_dump_rules(d, c);
	return c;
}

static void ask_for_set(struct nl_batch *q, const struct nft_chain *beside, const char *name)
{
	struct nfgenmsg head = {.nfgen_family = beside->family, .version = NFNETLINK_V0};

	nl_batch_init(q);
	nl_op(q, "read set", NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETSET, 0);
	nl_head(q, &head, sizeof(head));
	nl_str(q, NFTA_SET_TABLE, beside->table);
	nl_str(q, NFTA_SET_NAME, name);
}

static void ask_for_elements(struct nl_batch *q, const struct nft_chain *beside, const char *name)
{
	struct nfgenmsg head = {.nfgen_family = beside->family, .version = NFNETLINK_V0};

	nl_batch_init(q);
	nl_op(q, "list elements", NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETSETELEM, NLM_F_DUMP);
	nl_head(q, &head, sizeof(head));
	nl_str(q, NFTA_SET_ELEM_LIST_TABLE, beside->table);
	nl_str(q, NFTA_SET_ELEM_LIST_SET, name);
}

struct nft_kept_set *nft_dump_set(struct nft_dump *d, const struct nft_chain *beside,
				  const char *name)
{
	struct nft_kept_set *s = find_set(d, beside->family, beside->table, name);
	struct err e = {0};
	struct nl_batch q;

	if (!s && d->nf) {
		ask_for_set(&q, beside, name);
		if (nl_ask(d->nf, &q, take, d, &e))
			return NULL;
		s = find_set(d, beside->family, beside->table, name);
		ask_for_elements(&q, beside, name);
		if (s)
			s->whole = nl_dump(d->nf, &q, take, d, &e) == 0;
	}
	return s && s->whole ? s : NULL;
}
