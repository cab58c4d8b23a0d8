/*
 * What a table of hostport.h has for whom, so that neither ADD nor DEL reads through all mappings:
 *
 *	set holders {
 *		type ipv6_addr
 *		elements = { ::ffff:10.244.0.2 comment "eth0 of container ...",
 *			     3f0c:91a2:... }
 *	}
 *
 * Each attachment has two elements: the address that its mappings lead to, and the digest of its
 * owner's tag, which has address and mappings noted in its user data. They come and go in the
 * transactions that put in the mappings and take them out; where the two differ all the same (by
 * nft, by hand), the mappings are read, all of them.
 * Shared by the files that implement hostport.h.
 */
#ifndef NETFILTER_HOSTPORT_INDEX_H
#define NETFILTER_HOSTPORT_INDEX_H

#include "netfilter/hostport_table.h"

#define HOSTPORT_INDEX "holders"

#define HOSTPORT_INDEX_KEY 16
struct hostport_index_key {
	uint8_t b[HOSTPORT_INDEX_KEY];
};

/*
 * As it is kept: a note of another cnibox that has another form tells of nothing that is there. Who
 * has more mappings has none noted: then all are read.
 */
struct hostport_note {
	struct hostport_index_key pod;
	struct hostport list[HOSTPORT_FEW];
};

struct hostport_found {
	bool any;		 /* is there something, whatever it says */
	bool by_owner, by_pod;	 /* is there */
	struct owner_tag holder; /* of the pod's address */
	struct hostport_note note;
	unsigned count; /* of its list; 0: too many */
};

/* Ask the index for an owner, and (NULL: not) for who has the pod's address. */
int hostport_ask_index(struct nl_sock *nf, const struct hostport_table *t,
		       const struct owner_tag *owner, const struct ip *pod,
		       struct hostport_found *found, struct err *e) must_check;

/*
 * Changes: make the set, put an attachment in, take elements out.
 *
 * litter  there may be something under its keys: it goes (which makes closing the socket slow)
 */
void put_hostport_index(struct nl_batch *b, uint8_t ip_family);
void put_hostport_note(struct nl_batch *b, const struct owner *owner, const struct ip *pod,
		       const struct hostport *list, unsigned count, bool litter);
void put_hostport_forget(struct nl_batch *b, uint8_t ip_family,
			 const struct hostport_index_key *keys, unsigned count);

#endif
