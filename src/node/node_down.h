/*
 * What a node was given for a pod network, and taking it back: after node_up failed, and for good.
 */
#ifndef NODE_DOWN_H
#define NODE_DOWN_H

#include "node/node.h"

/* The gateway's address as the bridge has it. */
struct prefix node_gateway(const struct pod_range *range);

/*
 * Note in the bridge's alias, before they are made, those of the parts that nothing else tells
 * apart from the administrator's, so that nothing is forgotten whenever this ends. Another's alias
 * is left alone: then node_down leaves those things, too.
 */
int node_note_made(struct nl_sock *route, struct node_state *state, unsigned parts,
		   struct err *e) must_check;

/*
 * Take back, last made first, what a failed node_up made, and what it noted. What fails here is
 * logged only: the error that led here is the one that counts.
 */
void node_take_back(struct node_sockets *s, const struct pod_network *net,
		    const struct node_state *state, unsigned made);

#endif
