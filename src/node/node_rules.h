/*
 * The parts of a node's set-up that are rules: NODE_MASQUERADE, NODE_ACCEPT, NODE_LEGACY. Which of
 * the kernel's two rule engines they go into is decided here. Used by node.c.
 */
#ifndef NODE_RULES_H
#define NODE_RULES_H

#include "node/node.h"

int node_look_rules(struct node_sockets *s, const struct pod_network *net, unsigned family,
		    struct node_state *found, struct err *e) must_check;

/* Make one of these parts. Nothing is done for others. */
int node_make_rules(struct node_sockets *s, const struct pod_network *net, enum node_part part,
		    unsigned family, struct err *e) must_check;

/* Remove one of these parts, wherever it is; *any says whether there was anything. */
int node_remove_rules(struct node_sockets *s, const struct pod_network *net, enum node_part part,
		      unsigned family, bool *any, struct err *e) must_check;

#endif
