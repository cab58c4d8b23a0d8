/*
 * What stands in the tables of hostport.h, as nf_tables messages. Shared by the files that
 * implement it.
 */
#ifndef NETFILTER_HOSTPORT_RULES_H
#define NETFILTER_HOSTPORT_RULES_H

#include "netfilter/hostport.h"
#include "netfilter/nft_set.h"

#define HOSTPORT_TABLE "cnibox_hostport"

/*
 * A map's name: its kind, the digest of the settings in hexadecimal, and that what is in it is in the
 * index, too (hostport_index.h): maps without, made by an earlier cnibox, are read whole.
 */
#define HOSTPORT_PORTS	   "ports-"
#define HOSTPORT_ADDRESSES "addresses-"
#define HOSTPORT_INDEXED   ".i"

struct nft_at hostport_at(uint8_t ip_family, const char *chain);

/* The map for mappings with or without an address of the host under these settings. */
void hostport_map_name(char name[static NFT_SET_NAME], const struct hostport_settings *set,
		       bool by_address);

/* Make it. */
void put_hostport_map(struct nl_batch *b, uint8_t ip_family, const char *name, bool by_address);

/* Table and chains; none is touched that is there. */
void put_hostport_chains(struct nl_batch *b, uint8_t ip_family);

/*
 * The rules that every table has, with HOSTPORT_TABLE for a comment; and the one that masquerades
 * what has a mark: gives its comment, which is valid until the next call.
 */
#define HOSTPORT_BASE_RULES 3
void put_hostport_base(struct nl_batch *b, uint8_t ip_family);
const char *put_hostport_masquerade(struct nl_batch *b, uint8_t ip_family, uint32_t mark);

/* The rules of one map, in their order. Their comment is its name. */
#define HOSTPORT_MAP_RULES 3
void put_hostport_rules(struct nl_batch *b, const struct hostport_settings *set, const char *map,
			bool by_address);

/* A mapping as key and value of an element. Give their lengths. */
uint32_t hostport_key(uint8_t key[static NFT_KEY_MAX], const struct hostport *p);
uint32_t hostport_data(uint8_t data[static NFT_KEY_MAX], const struct ip *pod, uint16_t port);
/* And back: proto, host and address. Gives false for a key of another shape. */
bool hostport_from_key(struct hostport *p, uint8_t ip_family, bool by_address, const uint8_t *key,
		       size_t len);

#endif
