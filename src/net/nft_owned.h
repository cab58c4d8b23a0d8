/*
 * A table of ours in which pods have elements of sets, each marked with its owner (names_owner).
 * Rules look the sets up; those that are one network's have its name (names_network) as their
 * comment. A pod costs its elements and nothing else, and leaves nothing when they are removed:
 * with a network's last element its rules go, with the table's last one the table.
 */
#ifndef NET_NFT_OWNED_H
#define NET_NFT_OWNED_H

#include "net/nft_set.h"
#include "netlink/socket.h"

#define NFT_OWNED_SETS 2

struct nft_owned {
	struct nft_at table; /* chain NULL */
	const char *set[NFT_OWNED_SETS];
	unsigned sets;
};

/* Is what that owner has to stay? */
typedef bool nft_keep_fn(const char *owner, void *arg);

/*
 * Remove the elements of a network that keep() does not want. Others' changes at the same time make
 * it look again, a bounded number of times (ERR_TRY_AGAIN). Where there is no nf_tables, no such
 * table or no such element, there is nothing to do.
 *
 * removed  how many elements, if it is not NULL
 */
int nft_owned_remove(struct nl_sock *nf, const struct nft_owned *o, const char *network,
		     nft_keep_fn *keep, void *arg, unsigned *removed, struct err *e) must_check;

/* A keep() that wants all but one owner's, the text in arg. */
bool nft_keep_others(const char *owner, void *arg);

/* How many elements that owner has in all sets. */
int nft_owned_count(struct nl_sock *nf, const struct nft_owned *o, const char *owner,
		    unsigned *count, struct err *e) must_check;

/* ERR_TRY_AGAIN: others changed the rules NFT_TRIES times meanwhile. Gives -1. */
int nft_never_quiet(const char *table, struct err *e);

#endif
