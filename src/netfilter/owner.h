/*
 * Whose a thing in the kernel is: an attachment, that is one interface of one container on one
 * network. A tag made of the three is kept beside what an ADD makes, where the kernel has room for
 * it (user data of nf_tables rules and elements, aliases of links), so that DEL and GC find it with
 * the container's namespace gone and without a previous result.
 */
#ifndef NETFILTER_OWNER_H
#define NETFILTER_OWNER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"

struct owner {
	const char *network, *container_id, *ifname;
};

/* Digests, as names have no bound: of the network's name, and of all three. */
struct owner_tag {
	uint8_t network[8];
	uint8_t attachment[16];
};

/* For people, and in aliases. 127 is what an nf_tables comment holds (NFT_COMMENT_MAX). */
#define OWNER_TEXT 128

struct owner_tag owner_tag(const struct owner *o);
bool owner_tag_equal(const struct owner_tag *a, const struct owner_tag *b);
bool owner_tag_of_network(const struct owner_tag *tag, const char *network);

/* "IFNAME of container CONTAINER_ID in network NETWORK", cut where it is too long. Gives text. */
const char *owner_text(char text[static OWNER_TEXT], const struct owner *o);

/*
 * Which things to remove: asked for each, with its tag and the text beside it.
 */
typedef bool owner_choice_fn(const struct owner_tag *tag, const char *text, void *arg);

struct owner_choice {
	owner_choice_fn *choose;
	void *arg;
	const struct owner_tag
		*only; /* it chooses nobody else's: no text is needed; NULL: it may */
};

/* The choice of everything that is the owner's; tag is borrowed. */
struct owner_choice owner_only(struct owner_tag *tag);

#endif
