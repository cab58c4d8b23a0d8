#include "netfilter/hostport_table.h"

#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>

#include "netfilter/hostport_index.h"
#include "netfilter/nft_read.h"

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

static int take_map(struct hostport_table *t, const struct nlmsghdr *h, struct err *e)
{
	const char *name = nft_read_set_name(h);
	struct hostport_map *map = &t->maps[t->map_count];
	bool by_address = begins(name, HOSTPORT_ADDRESSES);

	t->index |= strcmp(name, HOSTPORT_INDEX) == 0;
	if ((!by_address && !begins(name, HOSTPORT_PORTS)) || strlen(name) >= sizeof(map->name))
		return 0;
	if (t->map_count == HOSTPORT_MAPS_MAX)
		return err_set(e, ERR_INTERNAL, "list maps", "table %s has more than %d",
			       HOSTPORT_TABLE, HOSTPORT_MAPS_MAX);
	*map = (struct hostport_map){.by_address = by_address,
				     .indexed = strstr(name, HOSTPORT_INDEXED) != NULL};
	snprintf(map->name, sizeof(map->name), "%s", name);
	t->map_count++;
	return 0;
}

static int take_rule(struct hostport_table *t, const struct nlmsghdr *h, struct err *e)
{
	struct hostport_rule *note = &t->rules[t->rule_count];
	struct nft_rule rule;

	if (!nft_read_rule(&rule, h) || !rule.ours || !rule.comment)
		return 0;
	if (t->rule_count == HOSTPORT_RULES_MAX)
		return err_set(e, ERR_INTERNAL, "list rules", "table %s has more than %d",
			       HOSTPORT_TABLE, HOSTPORT_RULES_MAX);
	note->handle = rule.handle;
	note->digest = rule.digest;
	snprintf(note->chain, sizeof(note->chain), "%s", rule.chain);
	snprintf(note->comment, sizeof(note->comment), "%s", rule.comment);
	t->rule_count++;
	return 0;
}

static int take_object(const struct nlmsghdr *h, unsigned op, void *arg, struct err *e)
{
	struct hostport_table *t = arg;

	(void)op;
	switch (h->nlmsg_type & 0xff) {
	case NFT_MSG_NEWGEN:
		t->generation = nft_read_generation(h);
		return 0;
	case NFT_MSG_NEWSET:
		return take_map(t, h, e);
	case NFT_MSG_NEWRULE:
		return take_rule(t, h, e);
	}
	return 0;
}

/* --- elements --------------------------------------------------------------------------------- */

struct reading {
	uint8_t ip_family;
	struct hostport_map *map;
	hostport_each_fn *each;
	void *arg;
};

static int take_element(const struct nft_element *x, void *arg, struct err *e)
{
	struct reading *r = arg;
	struct hostport p;

	if (!hostport_from_key(&p, r->ip_family, r->map->by_address, x->key, x->len))
		return 0;
	r->map->elements++;
	return r->each(r->map, &p, x, r->arg, e);
}

static int take_elements(const struct nlmsghdr *h, unsigned op, void *arg, struct err *e)
{
	(void)op;
	return nft_read_elements(h, take_element, arg, e);
}

/* list NULL: all of the map. */
static int read_map(struct nl_sock *nf, struct reading *r, const struct hostport *list,
		    unsigned count, struct err *e)
{
	struct nft_at at = hostport_at(r->ip_family, NULL);
	struct nl_batch q;

	r->map->elements = 0;
	nl_batch_init(&q);
	if (!list || !r->map->indexed) {
		nft_list_elements(&q, &at, r->map->name);
		count = 0;
	}
	for (unsigned i = 0; i < count; i++) {
		uint8_t key[NFT_KEY_MAX];

		if ((list[i].address.family != 0) == r->map->by_address)
			nft_find_element(&q, &at, r->map->name, key, hostport_key(key, &list[i]));
	}
	return q.ops ? nl_ask(nf, &q, take_elements, r, e) : 0;
}

int hostport_list(struct nl_sock *nf, struct hostport_table *t, const struct hostport *list,
		  unsigned count, hostport_each_fn *each, void *arg, struct err *e)
{
	for (unsigned i = 0; i < t->map_count; i++) {
		struct reading r = {t->ip_family, &t->maps[i], each, arg};

		if (read_map(nf, &r, list, count, e))
			return -1;
	}
	return 0;
}

/* Stops at the first that is another's. */
static int take_other(const struct hostport_map *map, const struct hostport *p,
		      const struct nft_element *x, void *arg, struct err *e)
{
	(void)map, (void)p, (void)e;
	return x->owned && owner_tag_equal(&x->tag, arg) ? 0 : -1;
}

int hostport_count_others(struct hostport_table *t, const struct owner_tag *owner, struct err *e)
{
	struct owner_tag tag = *owner;

	for (unsigned i = 0; i < t->map_count; i++) {
		cleanup_nl struct nl_sock aside = {.fd = -1};
		struct reading r = {t->ip_family, &t->maps[i], take_other, &tag};
		unsigned own = r.map->elements;

		if (!r.map->indexed)
			continue;
		/* A dump that is left off keeps its socket busy. */
		if (nl_open(&aside, NL_NETFILTER, e))
			return -1;
		aside.brief = true;
		/* Who asks is about to remove, and the plugin before him has just done so. */
		aside.removed = true;
		if (read_map(&aside, &r, NULL, 0, e) == 0) {
			r.map->elements = own;
			continue;
		}
		if (e->code)
			return -1;
		r.map->elements = own + 1;
	}
	return 0;
}

int hostport_look(struct nl_sock *nf, uint8_t ip_family, struct hostport_table *t, struct err *e)
{
	struct nft_at at = hostport_at(ip_family, NULL);
	struct nl_batch q;

	t->ip_family = ip_family;
	t->generation = 0;
	t->map_count = t->rule_count = 0; /* 8 KiB that nobody looks at are not cleared */
	t->index = false;
	nl_batch_init(&q);
	nft_get_generation(&q);
	nft_list_sets(&q, &at);
	if (nl_ask(nf, &q, take_object, t, e))
		return -1;
	nl_batch_init(&q);
	nft_list_rules(&q, &at);
	return nl_dump(nf, &q, take_object, t, e);
}

/* --- what is found ---------------------------------------------------------------------------- */

struct hostport_map *hostport_find_map(struct hostport_table *t, const char *name)
{
	for (unsigned i = 0; i < t->map_count; i++)
		if (strcmp(t->maps[i].name, name) == 0)
			return &t->maps[i];
	return NULL;
}

void put_hostport_clearance(struct nl_batch *b, const struct hostport_table *t, const char *comment)
{
	for (unsigned i = 0; i < t->rule_count; i++) {
		struct nft_at at = hostport_at(t->ip_family, t->rules[i].chain);

		if (strcmp(t->rules[i].comment, comment) == 0)
			nft_delete_rule(b, "delete rule", &at, t->rules[i].handle);
	}
}

static bool has_rule(const struct hostport_table *t, uint64_t digest)
{
	for (unsigned i = 0; i < t->rule_count; i++)
		if (t->rules[i].digest == digest)
			return true;
	return false;
}

bool hostport_has_rules(const struct hostport_table *t, struct nl_batch *b)
{
	unsigned op;

	if (nl_batch_finish(b, &op))
		return false; /* the same fault comes when they are sent */
	for (unsigned i = 0; i < b->ops; i++) {
		struct nft_rule rule;

		if (nft_read_rule(&rule, (const void *)(b->buf + b->start[i])) &&
		    !has_rule(t, rule.digest))
			return false;
	}
	return true;
}
