/*
 * Sets and maps of nf_tables and their elements: building them, putting elements in, reading what is
 * in. Keys and values are bytes as the kernel compares them: fields of a concatenation one behind
 * the other, each padded to four bytes. What pods share carries an element's owner as the comment
 * that nft(8) shows.
 */
#ifndef NETFILTER_NFT_SET_H
#define NETFILTER_NFT_SET_H

#include "netfilter/nft.h"
#include "netfilter/owner.h"

struct nlmsghdr;

/* Longest key: an interface name and a MAC address; an IPv6 address, protocol and port. */
#define NFT_KEY_MAX  24
#define NFT_SET_NAME 32 /* of those that are named here */

/*
 * What a set's keys, and a map's values, are. nft's numbers for their types and byte order are what
 * it needs to list them; the kernel looks at the lengths only.
 */
struct nft_set_kind {
	const char *name; /* borrowed */
	uint32_t key_type, key_len;
	uint32_t byte_order;	      /* 1: the host's, 2: the network's, 0: as the type has it */
	uint32_t data_type, data_len; /* 0: a set */
};

/* nft's numbers of types (src/include/datatype.h). */
enum {
	NFT_TYPE_IPV4 = 7,
	NFT_TYPE_IPV6 = 8,
	NFT_TYPE_ETHER = 9,
	NFT_TYPE_INET_PROTOCOL = 12,
	NFT_TYPE_INET_SERVICE = 13,
	NFT_TYPE_IFNAME = 41,
};
/* A concatenation: the type before, and one more behind it. */
#define NFT_TYPE_THEN(before, type) ((uint32_t)(before) << 6 | (type))

/* Make sure that the set is there; at names its table. Delete it and its elements. */
void nft_set(struct nl_batch *b, const struct nft_at *at, const struct nft_set_kind *kind);
void nft_delete_set(struct nl_batch *b, const struct nft_at *at, const char *set);

/* Borrowed, from whoever puts it in or from the message that it is read of. */
struct nft_element {
	const void *key;
	size_t len;
	const void *data; /* value; NULL: none */
	size_t data_len;
	const char *comment; /* NULL, when read "": none */
	bool owned;	     /* has a tag */
	struct owner_tag tag;
	const void *note; /* more to be kept beside it; NULL: nothing */
	size_t note_len;  /* at most NFT_NOTE_MAX, and then no comment */
};
#define NFT_NOTE_MAX 224

/* A message about elements, which are put into it. NFT_ADD: EEXIST if a key is there already. */
enum nft_element_verb { NFT_ADD, NFT_PUT, NFT_DELETE };
#define nft_elements(b, label, at, verb, set)                                                      \
	for (bool UNIQUE(x) = nft_elements_open(b, label, at, verb, set); UNIQUE(x);               \
	     UNIQUE(x) = nl_nest_close(b))
bool nft_elements_open(struct nl_batch *b, const char *label, const struct nft_at *at,
		       enum nft_element_verb verb, const char *set);
void nft_put_element(struct nl_batch *b, const struct nft_element *x);
void nft_put_key(struct nl_batch *b, const void *key, size_t len); /* to delete it, for one */

/* The same for a single one. */
void nft_element(struct nl_batch *b, const char *label, const struct nft_at *at,
		 enum nft_element_verb verb, const char *set, const struct nft_element *x);

/* A question, for nl_ask: the element with that key, if it is there. */
void nft_find_element(struct nl_batch *b, const struct nft_at *at, const char *set, const void *key,
		      size_t len);

/* Dumps, for nl_ask: the sets of a table, the elements of one. */
void nft_list_sets(struct nl_batch *b, const struct nft_at *at);
void nft_list_elements(struct nl_batch *b, const struct nft_at *at, const char *set);

/* Of an NFT_MSG_NEWSET: its name, borrowed. */
const char *nft_read_set_name(const struct nlmsghdr *h);

/*
 * Call take(element, arg, e) for each in an NFT_MSG_NEWSETELEM, of which a dump may have several,
 * until it gives -1.
 */
typedef int nft_take_element_fn(const struct nft_element *x, void *arg, struct err *e);
int nft_read_elements(const struct nlmsghdr *h, nft_take_element_fn *take, void *arg,
		      struct err *e) must_check;

#endif
