/* Taking mappings out of the tables of hostport.h. */
#include <stdio.h>
#include <string.h>

#include "netfilter/hostport_index.h"
#include "netfilter/legacy_hostport.h"

/* Elements that one round removes; more take another. */
#define ROUND 128

#define IPPROTO_UDP 17

struct removal {
	const struct owner_choice *which;
	struct conntrack_ports *udp;
	bool told; /* the index has said all that is to be known */
	struct hostport_table table;
	struct {
		const struct hostport_map *map;
		struct hostport port;
		struct owner_tag tag;
		bool unfinished; /* its owner has more than this round removes */
	} chosen[ROUND];
	unsigned count;
	bool more;
	struct hostport_index_key index[2 * (ROUND + 1)]; /* elements of it that go, too */
	unsigned index_count;
	struct hostport_found found; /* in it, the last time */
};

static void leave_unfinished(struct removal *r, const struct owner_tag *tag)
{
	r->more = true;
	for (unsigned i = 0; i < r->count; i++)
		r->chosen[i].unfinished |= owner_tag_equal(&r->chosen[i].tag, tag);
}

static int choose(const struct hostport_map *map, const struct hostport *p,
		  const struct nft_element *element, void *arg, struct err *e)
{
	struct removal *r = arg;
	char port[HOSTPORT_TEXT], text[HOSTPORT_TEXT + OWNER_TEXT + 16];

	(void)e;
	/* Of thousands of others nothing but this is looked at. */
	if (!element->owned || (r->which->only && !owner_tag_equal(&element->tag, r->which->only)))
		return 0;
	if (r->count == ROUND) {
		leave_unfinished(r, &element->tag);
		return 0;
	}
	snprintf(text, sizeof(text), "host port %s, %s", hostport_text(port, p), element->comment);
	if (!r->which->choose(&element->tag, text, r->which->arg))
		return 0;
	r->chosen[r->count].map = map;
	r->chosen[r->count].tag = element->tag;
	r->chosen[r->count].unfinished = false;
	r->chosen[r->count++].port = *p;
	if (p->proto == IPPROTO_UDP)
		conntrack_add_port(r->udp, p->host);
	return 0;
}

static unsigned chosen_of(const struct removal *r, const struct hostport_map *map)
{
	unsigned n = 0;

	for (unsigned i = 0; i < r->count; i++)
		n += r->chosen[i].map == map;
	return n;
}

static void put_removal_from(struct nl_batch *b, const struct removal *r,
			     const struct hostport_map *map)
{
	struct nft_at at = hostport_at(r->table.ip_family, NULL);
	unsigned n = chosen_of(r, map);

	if (n == map->elements) {
		put_hostport_clearance(b, &r->table, map->name);
		nft_delete_set(b, &at, map->name);
		return;
	}
	if (n == 0)
		return;
	nft_elements(b, "unmap host ports", &at, NFT_DELETE, map->name)
	{
		for (unsigned i = 0; i < r->count; i++) {
			uint8_t key[NFT_KEY_MAX];

			if (r->chosen[i].map == map)
				nft_put_key(b, key, hostport_key(key, &r->chosen[i].port));
		}
	}
}

/* --- what is chosen --------------------------------------------------------------------------- */

/* What the index has of an owner goes with what is chosen of him. */
static int find_in_index(struct nl_sock *nf, struct removal *r, const struct owner_tag *tag,
			 struct err *e)
{
	struct hostport_index_key *key = &r->index[r->index_count];

	if (hostport_ask_index(nf, &r->table, tag, NULL, &r->found, e))
		return -1;
	if (!r->found.by_owner)
		return 0;
	memcpy(key[0].b, tag->attachment, sizeof(key[0].b));
	key[1] = r->found.note.pod;
	r->index_count += 2;
	return 0;
}

/* Has none before it the same owner? */
static bool is_first(const struct removal *r, unsigned i)
{
	for (unsigned k = 0; k < i; k++)
		if (owner_tag_equal(&r->chosen[k].tag, &r->chosen[i].tag))
			return false;
	return true;
}

static int list_all(struct nl_sock *nf, struct removal *r, struct err *e)
{
	r->count = r->index_count = 0;
	if (hostport_list(nf, &r->table, NULL, 0, choose, r, e))
		return -1;
	for (unsigned i = 0; i < r->count; i++)
		if (!r->chosen[i].unfinished && is_first(r, i) &&
		    find_in_index(nf, r, &r->chosen[i].tag, e))
			return -1;
	return r->count == 0 && r->which->only ? find_in_index(nf, r, r->which->only, e) : 0;
}

/* What the index tells of a single owner: if that is not just what is there, it is of no use. */
static int ask_index(struct nl_sock *nf, struct removal *r, struct err *e)
{
	if (find_in_index(nf, r, r->which->only, e) ||
	    hostport_list(nf, &r->table, r->found.note.list, r->found.count, choose, r, e))
		return -1;
	r->told = r->count == r->found.count && r->found.by_owner == (r->count > 0);
	return r->told && r->count ? hostport_count_others(&r->table, r->which->only, e) : 0;
}

static int choose_all(struct nl_sock *nf, struct removal *r, struct err *e)
{
	r->count = r->index_count = 0;
	r->more = r->told = false;
	if (r->which->only && r->table.index && ask_index(nf, r, e))
		return -1;
	return r->told ? 0 : list_all(nf, r, e);
}

/* --- the contract ----------------------------------------------------------------------------- */

static unsigned seen(const struct hostport_table *t)
{
	unsigned n = 0;

	for (unsigned i = 0; i < t->map_count; i++)
		n += t->maps[i].elements;
	return n;
}

/* Nothing is chosen, and what there is has a use? */
static bool is_idle(const struct removal *r)
{
	return r->count == 0 && r->index_count == 0 &&
	       (r->told || r->table.map_count == 0 || seen(&r->table) > 0);
}

static int remove_once(struct nl_sock *nf, uint8_t family, struct removal *r, struct err *e)
{
	struct nft_at at = hostport_at(family, NULL);
	struct nl_batch b;

	if (hostport_look(nf, family, &r->table, e) || choose_all(nf, r, e))
		return nft_unsupported(e) ? 0 : -1;
	if (is_idle(r))
		return 0;
	nl_batch_init(&b);
	nft_begin(&b, r->table.generation);
	if (seen(&r->table) == r->count) {
		nft_delete_table(&b, &at);
	} else {
		for (unsigned i = 0; i < r->table.map_count; i++)
			put_removal_from(&b, r, &r->table.maps[i]);
		put_hostport_forget(&b, family, r->index, r->index_count);
	}
	return nft_commit(nf, &b, e);
}

int hostport_remove(struct nl_sock *nf, uint8_t family, const struct owner_choice *which,
		    struct conntrack_ports *udp, struct err *e)
{
	static struct removal r;
	unsigned tries = 0;

	r.which = which;
	r.udp = udp;
	do {
		if (remove_once(nf, family, &r, e) == 0)
			continue;
		if (!nft_again(&tries, e))
			return -1;
		r.more = true;
	} while (r.more);
	return legacy_hostport_remove(family, which, udp, e);
}
