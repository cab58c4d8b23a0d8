#include "netfilter/hostport_table.h"

#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>

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

	if ((!by_address && !begins(name, HOSTPORT_PORTS)) || strlen(name) >= sizeof(map->name))
		return 0;
	if (t->map_count == HOSTPORT_MAPS_MAX)
		return err_set(e, ERR_INTERNAL, "list maps", "table %s has more than %d",
			       HOSTPORT_TABLE, HOSTPORT_MAPS_MAX);
	*map = (struct hostport_map){.by_address = by_address};
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

static int look_at_map(struct nl_sock *nf, struct reading *r, struct err *e)
{
	struct nft_at at = hostport_at(r->ip_family, NULL);
	struct nl_batch q;

	nl_batch_init(&q);
	nft_list_elements(&q, &at, r->map->name);
	return nl_dump(nf, &q, take_elements, r, e);
}

int hostport_look(struct nl_sock *nf, uint8_t ip_family, struct hostport_table *t,
		  hostport_each_fn *each, void *arg, struct err *e)
{
	struct nft_at at = hostport_at(ip_family, NULL);
	struct nl_batch q;

	*t = (struct hostport_table){.ip_family = ip_family};
	nl_batch_init(&q);
	nft_get_generation(&q);
	nft_list_sets(&q, &at);
	if (nl_ask(nf, &q, take_object, t, e))
		return -1;
	nl_batch_init(&q);
	nft_list_rules(&q, &at);
	if (nl_dump(nf, &q, take_object, t, e))
		return -1;
	for (unsigned i = 0; i < t->map_count; i++) {
		struct reading r = {ip_family, &t->maps[i], each, arg};

		if (look_at_map(nf, &r, e))
			return -1;
	}
	return 0;
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
