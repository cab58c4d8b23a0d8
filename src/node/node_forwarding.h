/*
 * A node forwards packets. Under IPv6, that changes how the node itself finds its way.
 */
#ifndef NODE_FORWARDING_H
#define NODE_FORWARDING_H

#include "node/node.h"

/* Have the host forward packets of a family (0: IPv4, 1: IPv6), if it does not. */
int node_enable_forwarding(struct nl_sock *route, unsigned family, struct err *e) must_check;

/*
 * Note in *found whether the node forwards packets of the family (NODE_FORWARDING). An IPv6 node
 * that begins to forward loses the routes it was told by router advertisements, and hears no more
 * of them, unless accept_ra of the link is 2 (Documentation/networking/ip-sysctl.rst): if the route
 * to the outside is such a one, NODE_LISTEN is wanted first.
 */
int node_look_forwarding(struct nl_sock *route, unsigned family, struct node_state *found,
			 struct err *e) must_check;

/* Make a part of these. Gives 0; 1 if it has come to be there meanwhile; -1 with e set. */
int node_make_forwarding(const struct node_state *state, enum node_part part, unsigned family,
			 struct err *e) must_check;

/* Take one back. A link that is gone needs nothing. */
int node_unmake_forwarding(const char *listener, enum node_part part, unsigned family,
			   struct err *e) must_check;

#endif
