/*
 * nf_tables maps and their elements: build the messages, read what the kernel gives. Keys and
 * values are bytes as the kernel compares them: fields of a concatenation one behind the other,
 * each padded to four bytes.
 */
#ifndef NET_NFT_MAP_H
#define NET_NFT_MAP_H

#include "net/nft.h"
#include "net/owner.h"

struct nlattr;
struct nlmsghdr;

/* nft's numbers for types of keys (enum datatypes in its datatype.h), for its listing. */
enum {
	NFT_TYPE_IPADDR = 7,
	NFT_TYPE_IP6ADDR = 8,
	NFT_TYPE_INET_PROTOCOL = 12,
	NFT_TYPE_INET_SERVICE = 13,
};
/* A concatenation: the type before, and one more behind it. */
#define NFT_TYPE_THEN(before, type) ((uint32_t)(before) << 6 | (type))

#define NFT_MAP_KEY_MAX 24 /* IPv6 address, protocol, port */
#define NFT_MAP_NAME	32

struct nft_map {
	const char *name; /* borrowed */
	uint32_t key_type, key_len;
	uint32_t data_type, data_len;
};

/* Make a map that is not there; delete one and its elements. at->chain is not looked at. */
void nft_add_map(struct nl_batch *b, const struct nft_at *at, const struct nft_map *map);
void nft_delete_map(struct nl_batch *b, const struct nft_at *at, const char *name);

/* A message about elements of a map, which are put into it by nft_put_map_element. */
enum nft_map_verb { NFT_MAP_ADD, NFT_MAP_DELETE };
#define nft_map_elements(b, at, verb, name)                                                        \
	for (bool UNIQUE(x) = nft_map_elements_open(b, at, verb, name); UNIQUE(x);                 \
	     UNIQUE(x) = nl_nest_close(b))
bool nft_map_elements_open(struct nl_batch *b, const struct nft_at *at, enum nft_map_verb verb,
			   const char *name);

/*
 * One element. Only the first two are told to delete it.
 *
 * data   value; NULL: none
 * owner  with it come its tag and, as a comment, its text; NULL: none
 */
void nft_put_map_element(struct nl_batch *b, const void *key, uint32_t key_len, const void *data,
			 uint32_t data_len, const struct owner *owner);

/* Dumps, for nl_ask: the sets and maps of a table, the elements of one. */
void nft_list_maps(struct nl_batch *b, const struct nft_at *at);
void nft_list_map(struct nl_batch *b, const struct nft_at *at, const char *name);

/* Of an NFT_MSG_NEWSET: its name, borrowed. */
const char *nft_read_map_name(const struct nlmsghdr *h);

/* Texts and bytes are borrowed from the message. */
struct nft_map_element {
	const uint8_t *key, *data; /* NULL: none */
	size_t key_len, data_len;
	bool owned; /* has a tag */
	struct owner_tag tag;
	const char *comment; /* "": none */
};

/* The list of elements in an NFT_MSG_NEWSETELEM, for nl_first and nl_following. */
const struct nlattr *nft_map_elements_of(const struct nlmsghdr *h);
void nft_read_map_element(struct nft_map_element *out, const struct nlattr *element);

#endif
