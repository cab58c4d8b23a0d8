/*
 * Other people's nf_tables chains, rules and sets, in memory: read when they are asked for, so that
 * of a ruleset with ten thousand rules only what a packet meets is copied. In the arena.
 */
#ifndef NETFILTER_NFT_DUMP_H
#define NETFILTER_NFT_DUMP_H

#include "netfilter/nft_read.h"
#include "netlink/socket.h"

struct nft_kept_rule {
	struct nft_kept_rule *next;
	uint64_t handle;
	const struct nlattr *expressions;
};

struct nft_kept_chain {
	struct nft_kept_chain *next;
	struct nft_chain chain; /* its texts are kept, too */
	bool read;		/* the rules have been asked for */
	bool whole;		/* and are all here */
	struct nft_kept_rule *first, **last;
};

struct nft_kept_element {
	struct nft_kept_element *next;
	uint32_t flags; /* NFT_SET_ELEM_* */
	const uint8_t *key;
	size_t key_len;
	bool ranged;		   /* a concatenation of ranges: not understood */
	const struct nlattr *data; /* NFTA_SET_ELEM_DATA; NULL: none */
};

struct nft_kept_set {
	struct nft_kept_set *next;
	uint8_t family;
	const char *table, *name;
	uint32_t flags;	   /* NFT_SET_* */
	uint32_t key_type; /* nft's own number for the kind of its keys */
	uint32_t key_len;
	bool whole;
	struct nft_kept_element *first, **last;
};

struct nft_dump {
	struct nl_sock *nf; /* NULL: nothing but what nft_dump_take was given */
	struct nft_kept_chain *chains;
	struct nft_kept_set *sets;
};

/* Read the chains of a family (NFPROTO_*). Where the kernel has no such, there are none. */
int nft_dump_chains(struct nft_dump *d, uint8_t family, struct err *e) must_check;

/* The chain of that name in the table of another one; NULL if there is none. With its rules. */
struct nft_kept_chain *nft_dump_chain(struct nft_dump *d, const struct nft_chain *beside,
				      const char *name);
/* Make sure that a chain's rules are here; c->whole says whether that succeeded. */
void nft_dump_rules(struct nft_dump *d, struct nft_kept_chain *c);

/* A set of the chain's table with its elements; NULL: it cannot be read. */
struct nft_kept_set *nft_dump_set(struct nft_dump *d, const struct nft_chain *beside,
				  const char *name);

/* Keep one message: NFT_MSG_NEWCHAIN, _NEWRULE, _NEWSET or _NEWSETELEM. For tests, too. */
int nft_dump_take(struct nft_dump *d, const struct nlmsghdr *h, struct err *e) must_check;

/* The value in an NFTA_DATA_VALUE within nest; NULL and 0 if there is none. */
const uint8_t *nft_value(const struct nlattr *nest, size_t *len);

#endif
