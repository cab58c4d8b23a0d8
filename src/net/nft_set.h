/*
 * Sets of nf_tables: building them, putting elements in, reading what is in. In a set that pods
 * share, each element carries its owner as the comment that nft(8) shows (names_owner).
 */
#ifndef NET_NFT_SET_H
#define NET_NFT_SET_H

#include "net/nft.h"

struct nlmsghdr;

/* Longest key: an interface name and a MAC address side by side. */
#define NFT_KEY_MAX 24

/*
 * What a set's keys are. nft's number for their type and their byte order (1: the host's, 2: the
 * network's) are what it needs to list them; the kernel looks at the length only.
 */
struct nft_set_kind {
	const char *name;
	uint32_t key_type;
	uint32_t key_len;
	uint32_t byte_order;
};

/* nft's numbers of types (src/include/datatype.h); those of a concatenation are 6 bits each. */
enum { NFT_TYPE_IPV4 = 7, NFT_TYPE_IPV6 = 8, NFT_TYPE_ETHER = 9, NFT_TYPE_IFNAME = 41 };

/* Make sure that the set is there; at names its table. */
void nft_set(struct nl_batch *b, const struct nft_at *at, const struct nft_set_kind *kind);
void nft_delete_set(struct nl_batch *b, const struct nft_at *at, const char *set);

/* Add an element: EEXIST if its key is there already. comment: its owner. */
void nft_add_element(struct nl_batch *b, const char *label, const struct nft_at *at,
		     const char *set, const void *key, size_t len, const char *comment);
/* Delete the element of that key: ENOENT if there is none. */
void nft_delete_element(struct nl_batch *b, const char *label, const struct nft_at *at,
			const char *set, const void *key, size_t len);

/* An expression: the key from register 1 on is in the set; inverted: is not. */
void nft_lookup(struct nl_batch *b, const char *set, bool inverted);

/* A dump, for nl_ask: the set's elements. */
void nft_list_elements(struct nl_batch *b, const struct nft_at *at, const char *set);

/* One of them. Borrowed from the message. */
struct nft_element {
	const void *key;
	size_t len;
	const char *comment; /* "": none */
};

/* Call take(element, arg) for each in an NFT_MSG_NEWSETELEM, of which a dump may have several. */
void nft_read_elements(const struct nlmsghdr *h,
		       void (*take)(const struct nft_element *x, void *arg), void *arg);

#endif
