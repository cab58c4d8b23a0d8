#include "netfilter/hostport.h"

#include <stdio.h>
#include <string.h>

#include "netfilter/hostport_index.h"
#include "netfilter/legacy_hostport.h"
#include "netfilter/ruleset.h"
#include "netfilter/xtables.h"

/* What is wanted, and what a look at the table says about it. */
struct order {
	const struct owner *owner;
	struct owner_tag tag;
	const struct hostport_settings *set;
	const struct hostport *list;
	unsigned count;
	hostport_gone_fn *gone; /* NULL: nothing is to be removed */

	struct hostport_table table;
	bool litter; /* in the index: hostport_index.h */
	bool stale;  /* somebody's who is gone, and whose */
	struct owner_tag stale_tag;
	unsigned own;		   /* elements of the owner */
	unsigned fitting;	   /* of them, those that are just as wanted */
	char map[2][NFT_SET_NAME]; /* without, with an address of the host */
	bool used[2];
};

static void begin_order(struct order *o, const struct owner *owner,
			const struct hostport_settings *set, const struct hostport *list,
			unsigned count)
{
	o->owner = owner;
	o->tag = owner_tag(owner);
	o->set = set;
	o->list = list;
	o->count = count;
	o->gone = NULL;
	o->used[0] = o->used[1] = false;
	for (unsigned i = 0; i < count; i++)
		o->used[list[i].address.family != 0] = true;
	for (unsigned kind = 0; kind < 2; kind++) {
		*o->map[kind] = '\0';
		if (o->used[kind])
			hostport_map_name(o->map[kind], set, kind);
	}
}

static bool same_port(const struct hostport *a, const struct hostport *b)
{
	return a->proto == b->proto && a->host == b->host && ip_equal(&a->address, &b->address);
}

static void pod_of(struct ip *pod, uint8_t family, const struct nft_element *element)
{
	*pod = (struct ip){.family = family};
	if (element->data_len >= ip_size(pod))
		memcpy(pod->b, element->data, ip_size(pod));
}

/* All that is its holder's is to go. */
static int note_stale(struct order *o, const struct nft_element *element)
{
	if (!element->owned)
		return 0;
	o->stale = true;
	o->stale_tag = element->tag;
	return 0;
}

/* A mapping of the table: is it ours, is it what we want to have? */
static int compare(const struct hostport_map *map, const struct hostport *p,
		   const struct nft_element *element, void *arg, struct err *e)
{
	struct order *o = arg;
	bool own = element->owned && owner_tag_equal(&element->tag, &o->tag);
	uint8_t data[NFT_KEY_MAX];
	char text[HOSTPORT_TEXT];
	struct ip pod;

	o->own += own;
	pod_of(&pod, o->set->pod.ip.family, element);
	if (!own && ip_equal(&pod, &o->set->pod.ip) && o->gone)
		return note_stale(o, element);
	for (unsigned i = 0; i < o->count; i++) {
		uint32_t n;

		if (!same_port(p, &o->list[i]))
			continue;
		n = hostport_data(data, &o->set->pod.ip, o->list[i].pod);
		if (own) {
			o->fitting += strcmp(map->name, o->map[map->by_address]) == 0 &&
				      element->data_len == n && memcmp(element->data, data, n) == 0;
			continue;
		}
		if (element->owned && o->gone && o->gone(element->comment, &pod))
			return note_stale(o, element);
		err_set(e, ERR_STATE, "map host port", "%s is taken by %s", hostport_text(text, p),
			*element->comment ? element->comment : "an entry that somebody else made");
		err_hint(e,
			 "each port of the host leads to one container; 'nft list table %s %s' "
			 "shows which",
			 o->set->pod.ip.family == 6 ? "ip6" : "ip", HOSTPORT_TABLE);
		return -1;
	}
	return 0;
}

static int look(struct nl_sock *nf, struct order *o, struct err *e)
{
	struct hostport_found found;

	o->own = o->fitting = 0;
	o->stale = false;
	o->litter = true;
	if (hostport_look(nf, o->set->pod.ip.family, &o->table, e))
		return -1;
	if (!o->table.index)
		o->litter = false;
	if (!o->table.index || o->count > HOSTPORT_FEW)
		return hostport_list(nf, &o->table, NULL, 0, compare, o, e);
	if (hostport_ask_index(nf, &o->table, &o->tag, &o->set->pod.ip, &found, e))
		return -1;
	o->litter = found.any;
	o->own = found.by_owner;
	if (found.by_pod && o->gone) {
		o->stale = true;
		o->stale_tag = found.holder;
	}
	return hostport_list(nf, &o->table, o->list, o->count, compare, o, e);
}

/* There is no nf_tables: was e that there is no legacy iptables either? Then in plain words. */
static int explain(uint8_t family, struct err *e)
{
	if (xtables_unsupported(e))
		return err_set(
			e, ERR_KERNEL, "map host ports",
			"the kernel has neither nf_tables for IPv%u (CONFIG_NF_TABLES_IPV%u, "
			"CONFIG_NFT_NAT, CONFIG_NFT_FIB_IPV%u) nor iptables' nat "
			"(CONFIG_IP%s_NF_NAT)",
			family, family, family, family == 6 ? "6" : "");
	return -1;
}

/* --- add -------------------------------------------------------------------------------------- */

/* Rules that belong together: all of them are there, or all are made anew. */
enum group { BASE, MASQUERADE, PORTS, ADDRESSES, GROUPS };

/* Gives the comment of the group's rules; NULL if it is not wanted. */
static const char *put_group(struct nl_batch *b, const struct order *o, enum group group)
{
	uint8_t family = o->set->pod.ip.family;

	switch (group) {
	case BASE:
		put_hostport_base(b, family);
		return HOSTPORT_TABLE;
	case MASQUERADE:
		if (!o->set->snat)
			return NULL;
		return put_hostport_masquerade(b, family, o->set->mark);
	case PORTS:
	case ADDRESSES:
		if (!o->used[group == ADDRESSES])
			return NULL;
		put_hostport_rules(b, o->set, o->map[group == ADDRESSES], group == ADDRESSES);
		return o->map[group == ADDRESSES];
	case GROUPS:
		break;
	}
	return NULL;
}

static bool has_group(const struct order *o, enum group group)
{
	struct nl_batch wanted;

	nl_batch_init(&wanted);
	return !put_group(&wanted, o, group) || hostport_has_rules(&o->table, &wanted);
}

/* Chains, maps and rules, as far as they are missing. */
static void put_structure(struct nl_batch *b, struct order *o)
{
	uint8_t family = o->set->pod.ip.family;
	bool complete = true, there[GROUPS];

	for (enum group group = BASE; group < GROUPS; group++)
		complete &= there[group] = has_group(o, group);
	if (!complete)
		put_hostport_chains(b, family);
	if (!o->table.index)
		put_hostport_index(b, family);
	for (unsigned kind = 0; kind < 2; kind++)
		if (o->used[kind] && !hostport_find_map(&o->table, o->map[kind]))
			put_hostport_map(b, family, o->map[kind], kind);
	for (enum group group = BASE; group < GROUPS; group++) {
		struct nl_batch aside;

		if (there[group])
			continue;
		nl_batch_init(&aside);
		put_hostport_clearance(b, &o->table, put_group(&aside, o, group));
		put_group(b, o, group);
	}
}

static void put_mapping(struct nl_batch *b, const struct order *o, const struct hostport *p)
{
	uint8_t key[NFT_KEY_MAX], data[NFT_KEY_MAX];
	char text[OWNER_TEXT];
	struct nft_element x = {
		.key = key,
		.len = hostport_key(key, p),
		.data = data,
		.data_len = hostport_data(data, &o->set->pod.ip, p->pod),
		.comment = owner_text(text, o->owner),
		.owned = true,
		.tag = o->tag,
	};

	nft_put_element(b, &x);
}

/* The mappings from first on that one batch holds. Gives how many of the list are done then. */
static unsigned put_mappings(struct nl_batch *b, const struct order *o, unsigned first)
{
	struct nft_at at = hostport_at(o->set->pod.ip.family, NULL);
	unsigned end = o->count - first > HOSTPORT_CHUNK ? first + HOSTPORT_CHUNK : o->count;

	for (unsigned kind = 0; kind < 2; kind++) {
		if (!o->used[kind])
			continue;
		nft_elements(b, "map host ports", &at, NFT_ADD, o->map[kind])
		{
			for (unsigned i = first; i < end; i++)
				if ((o->list[i].address.family != 0) == kind)
					put_mapping(b, o, &o->list[i]);
		}
	}
	return end;
}

static int add_once(struct nl_sock *nf, struct order *o, struct err *e)
{
	static struct conntrack_ports udp;
	struct nl_batch b;
	unsigned done;

	if (look(nf, o, e))
		return -1;
	/* Of an ADD that was cut off, or of one before; of those who are gone, one after the other. */
	for (unsigned tries = 0; (o->own || o->stale) && tries < NFT_TRIES; tries++) {
		struct owner_choice which = owner_only(o->own ? &o->tag : &o->stale_tag);

		if (tries % 2)
			which.only =
				NULL; /* as if for many: all are read, not only what is noted */
		if (hostport_remove(nf, o->set->pod.ip.family, &which, &udp, e) || look(nf, o, e))
			return -1;
	}
	if (o->count == 0)
		return 0;
	nl_batch_init(&b);
	nft_begin(&b, o->table.generation);
	put_structure(&b, o);
	put_hostport_note(&b, o->owner, &o->set->pod.ip, o->list, o->count, o->litter);
	done = put_mappings(&b, o, 0);
	if (nft_commit(nf, &b, e))
		return -1;
	while (done < o->count) {
		nl_batch_init(&b);
		nft_begin(&b, 0);
		done = put_mappings(&b, o, done);
		if (nft_commit(nf, &b, e))
			return -1;
	}
	return 0;
}

int hostport_add(struct nl_sock *nf, const struct owner *owner, const struct hostport_settings *set,
		 const struct hostport *list, unsigned count, hostport_gone_fn *gone, struct err *e)
{
	static struct order o;
	unsigned tries = 0;

	begin_order(&o, owner, set, list, count);
	o.gone = gone;
	while (add_once(nf, &o, e)) {
		if (ruleset_unsupported(e))
			return count && legacy_hostport_add(owner, set, list, count, e)
				       ? explain(set->pod.ip.family, e)
				       : 0;
		if (!nft_again(&tries, e))
			return -1;
	}
	return 0;
}

/* --- check ------------------------------------------------------------------------------------ */

static int check_once(struct nl_sock *nf, struct order *o, struct err *e)
{
	static const char doing[] = "check host ports";

	if (look(nf, o, e))
		return -1;
	/* A kernel without nf_tables of a family says no more than that nothing is there. */
	if (o->table.rule_count == 0 && xtables_in_use(o->set->pod.ip.family) & XTABLES_NAT)
		return legacy_hostport_check(o->owner, o->set, o->list, o->count, e);
	if (o->fitting < o->count)
		return err_set(e, ERR_STATE, doing, "%u of %u mappings are missing in table %s",
			       o->count - o->fitting, o->count, HOSTPORT_TABLE);
	for (enum group group = BASE; group < GROUPS; group++)
		if (!has_group(o, group))
			return err_set(e, ERR_STATE, doing, "rules are missing in table %s",
				       HOSTPORT_TABLE);
	return 0;
}

int hostport_check(struct nl_sock *nf, const struct owner *owner,
		   const struct hostport_settings *set, const struct hostport *list, unsigned count,
		   struct err *e)
{
	static struct order o;
	unsigned tries = 0;

	begin_order(&o, owner, set, list, count);
	while (check_once(nf, &o, e)) {
		if (ruleset_unsupported(e))
			return legacy_hostport_check(owner, set, list, count, e)
				       ? explain(set->pod.ip.family, e)
				       : 0;
		if (!nft_again(&tries, e))
			return -1;
	}
	return 0;
}
