/*
 * What a node was found to have, remembered from one ADD to the next: most of looking at a node is
 * reading rules that nobody has touched.
 *
 * A record in /run/cnibox, one for each network, says only this: node_look found nothing missing for
 * a network of this description, in this network namespace, in this generation of nf_tables' rules.
 * The kernel counts the generation up with whatever changes in any table, so while it gives the same
 * one the rules are those that were read. All that the generation does not cover is asked for anew:
 * the bridge under its name and index, up, with the gateway's address; forwarding; and that legacy
 * iptables has no tables. What is not as it was makes the record worth nothing, and the node is
 * looked at as ever. So it is where /run cannot be written to.
 */
#ifndef NODE_MEMORY_H
#define NODE_MEMORY_H

#include "node/node.h"

/*
 * As node_look. Where nothing is missing, found may hold no more than that, and in bridge the index
 * and the name.
 */
int node_look_again(struct node_sockets *s, const struct pod_network *net, struct node_state *found,
		    struct err *e) must_check;

#endif
