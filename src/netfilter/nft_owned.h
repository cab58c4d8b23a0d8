/*
 * A table of ours in which pods have elements of sets, each marked with its owner (names_owner).
 * Rules look the sets up; those that are one network's have its name (names_network) as their
 * comment. A pod costs its elements and nothing else, and leaves nothing when they are removed:
 * with a network's last element its rules go, with the table's last one the table.
 */
#ifndef NETFILTER_NFT_OWNED_H
#define NETFILTER_NFT_OWNED_H

#include "netfilter/nft_set.h"
#include "netlink/socket.h"

#define NFT_OWNED_SETS 2

struct nft_owned {
	struct nft_at table; /* chain NULL */
	const char *set[NFT_OWNED_SETS];
	unsigned sets;
};

/* What an attachment needs in such a table. Each appends to b; arg says whose and what. */
struct nft_owned_parts {
	void (*chains)(struct nl_batch *b, const void *arg); /* the table, its sets and chains */
	void (*rule)(struct nl_batch *b, const void *arg);   /* one rule, with its mark */
	/* Its elements. replace: one of their keys is there already, and has to go first. */
	void (*elements)(struct nl_batch *b, bool replace, const void *arg);
};

/*
 * Put the elements in; make the table, chains and sets, and the rule, where that is not there.
 * Others' changes at the same time make it look again, a bounded number of times (ERR_TRY_AGAIN).
 */
int nft_owned_add(struct nl_sock *nf, const struct nft_owned *o,
		  const struct nft_owned_parts *parts, const void *arg, struct err *e) must_check;

/* Would the kernel make the table and the rule? Nothing is changed: the change is not completed. */
int nft_owned_try(struct nl_sock *nf, const struct nft_owned_parts *parts, const void *arg,
		  struct err *e) must_check;

/* Is that rule there? Where there is no nf_tables, it is not. */
int nft_owned_has_rule(struct nl_sock *nf, const struct nft_owned *o,
		       const struct nft_owned_parts *parts, const void *arg, bool *there,
		       struct err *e) must_check;

/* Is what that owner has to stay? */
typedef bool nft_keep_fn(const char *owner, void *arg);

/*
 * Remove the elements of a network that keep() does not want. Others' changes at the same time make
 * it look again, a bounded number of times (ERR_TRY_AGAIN). Where there is no nf_tables, no such
 * table or no such element, there is nothing to do.
 */
int nft_owned_remove(struct nl_sock *nf, const struct nft_owned *o, const char *network,
		     nft_keep_fn *keep, void *arg, struct err *e) must_check;

/* A keep() that wants all but one owner's, the text in arg. */
bool nft_keep_others(const char *owner, void *arg);

/* How many elements that owner has in all sets. */
int nft_owned_count(struct nl_sock *nf, const struct nft_owned *o, const char *owner,
		    unsigned *count, struct err *e) must_check;

#endif
