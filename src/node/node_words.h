/*
 * The parts of a node's set-up in words.
 */
#ifndef NODE_WORDS_H
#define NODE_WORDS_H

#include "node/node.h"

/* "bridge", "gateway address (IPv4)" ... for one bit of NODE_BIT. */
const char *node_part_words(unsigned bit);

/* Several bits, separated by commas; in a static buffer. */
const char *node_parts_words(unsigned bits);

/*
 * What node_up makes is noted in the alias of the bridge ("cnibox made: bridge address4"), where
 * `ip link show` prints it, where it vanishes with the bridge, and where no file can go stale.
 * Only these parts need it: rules carry marks of their own.
 */
#define NODE_ALIAS_BITS                                                                            \
	(NODE_BIT(NODE_BRIDGE, 0) | NODE_BIT(NODE_ADDRESS, 0) | NODE_BIT(NODE_ADDRESS, 1) |        \
	 NODE_BIT(NODE_LISTEN, 1) | NODE_BIT(NODE_FORWARDING, 0) | NODE_BIT(NODE_FORWARDING, 1))

struct node_noted {
	unsigned parts;		  /* of NODE_ALIAS_BITS */
	char listener[LINK_NAME]; /* for NODE_LISTEN: the link */
};

void node_alias_write(char alias[static LINK_ALIAS], const struct node_noted *noted);

/* An empty alias has nothing noted. Gives false for one that is somebody else's. */
bool node_alias_read(const char *alias, struct node_noted *noted) must_check;

#endif
