/*
 * A table of hostport.h as it is found in the kernel. Shared by the files that implement it.
 */
#ifndef NETFILTER_HOSTPORT_TABLE_H
#define NETFILTER_HOSTPORT_TABLE_H

#include "netfilter/hostport_rules.h"

/* Maps of one table: two for each set of settings, of which a node has a handful. */
#define HOSTPORT_MAPS_MAX 64
/* The table's own, one for each bit of a mark, those of the maps. */
#define HOSTPORT_RULES_MAX (HOSTPORT_BASE_RULES + 32 + HOSTPORT_MAPS_MAX * HOSTPORT_MAP_RULES)

struct hostport_map {
	char name[NFT_SET_NAME];
	bool by_address, indexed;
	unsigned elements; /* those that were seen */
};

struct hostport_rule {
	uint64_t handle, digest;
	char chain[16];
	char comment[NFT_SET_NAME];
};

struct hostport_table {
	uint8_t ip_family;
	uint32_t generation;
	struct hostport_map maps[HOSTPORT_MAPS_MAX];
	unsigned map_count;
	bool index; /* there is one: hostport_index.h */
	struct hostport_rule rules[HOSTPORT_RULES_MAX];
	unsigned rule_count;
};

/* Called for each mapping. Gives 0, or -1 with e set. */
typedef int hostport_each_fn(const struct hostport_map *map, const struct hostport *p,
			     const struct nft_element *element, void *arg, struct err *e);

/*
 * Read it, without its mappings. Where there is none, it is empty. e is as nl_ask leaves it: EINTR
 * in e->sys if the table was changed meanwhile.
 */
int hostport_look(struct nl_sock *nf, uint8_t ip_family, struct hostport_table *t,
		  struct err *e) must_check;

/*
 * Read the mappings: all of them (list NULL); or those that the index does not tell of, and of the
 * rest the ones with the host's ports of the list, at most HOSTPORT_FEW.
 */
#define HOSTPORT_FEW 8
int hostport_list(struct nl_sock *nf, struct hostport_table *t, const struct hostport *list,
		  unsigned count, hostport_each_fn *each, void *arg, struct err *e) must_check;

/*
 * Count in each map of the index one element that is not the owner's, if there is any: as much as
 * is to be known before the owner's are removed.
 */
int hostport_count_others(struct hostport_table *t, const struct owner_tag *owner,
			  struct err *e) must_check;

/* The map of that name; NULL: there is none. */
struct hostport_map *hostport_find_map(struct hostport_table *t, const char *name);

/* Delete the rules with that comment. */
void put_hostport_clearance(struct nl_batch *b, const struct hostport_table *t,
			    const char *comment);

/* Has the table the rules that are built in b, each of them? */
bool hostport_has_rules(const struct hostport_table *t, struct nl_batch *b);

#endif
