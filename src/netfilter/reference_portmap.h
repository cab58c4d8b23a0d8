/*
 * Rules that the reference's portmap made, found by the names and comments that it is known to give,
 * so that a node can change over to cnibox with containers running.
 *
 *	iptables -t nat (also that of legacy iptables): entries in CNI-HOSTPORT-DNAT that jump to CNI-DN-..., and those chains
 *	nft: rules in table cni_hostport whose comment is the container's ID: of which network
 *	they are, nothing says, so that reference_collect leaves them
 */
#ifndef NETFILTER_REFERENCE_PORTMAP_H
#define NETFILTER_REFERENCE_PORTMAP_H

#include "base/err.h"
#include "netfilter/xt_table.h"
#include "netlink/socket.h"

/* Where its entries stand, and its chains' names, which come of the network's name and the ID. */
#define REFERENCE_ENTRIES "CNI-HOSTPORT-DNAT"
#define REFERENCE_CHAIN	  29
void reference_portmap_chain(char chain[static REFERENCE_CHAIN], const char *network,
			     const char *container_id);

/* Remove what belongs to a container on a network, in a family (4, 6). */
int reference_portmap_remove(struct nl_sock *nf, uint8_t family, const char *network,
			     const char *container_id, struct err *e) must_check;

#endif
