/*
 * Rules that the reference's portmap made, found by the names and comments that it is known to give,
 * so that a node can change over to cnibox with containers running.
 *
 *	iptables -t nat (also that of legacy iptables): entries in CNI-HOSTPORT-DNAT that jump to CNI-DN-..., and those chains
 *	nft: rules in table cni_hostport whose comment is the container's ID
 */
#ifndef NET_REFERENCE_PORTMAP_H
#define NET_REFERENCE_PORTMAP_H

#include <stdbool.h>

#include "base/err.h"
#include "net/xt_table.h"
#include "netlink/socket.h"

/* Where its entries stand, and its chains' names, which come of the network's name and the ID. */
#define REFERENCE_ENTRIES "CNI-HOSTPORT-DNAT"
#define REFERENCE_CHAIN	  29
void reference_portmap_chain(char chain[static REFERENCE_CHAIN], const char *network,
			     const char *container_id);

/*
 * In the nat table of legacy iptables: take out the entries that jump to the chain and are not
 * marked as ours, and the chain, if nothing jumps to it then. Gives how many changes.
 */
unsigned reference_portmap_drop(struct xt_table *t, const char *chain);

/* Remove what belongs to a container on a network, in a family (4, 6). */
int reference_portmap_remove(struct nl_sock *nf, uint8_t family, const char *network,
			     const char *container_id, struct err *e) must_check;

/*
 * Remove what belongs to containers of a network that are not kept. An entry's comment says whose it
 * is; in table cni_hostport nothing says of which network a rule is: those stay.
 *
 * keep  asked for each container ID
 */
int reference_portmap_collect(struct nl_sock *nf, uint8_t family, const char *network,
			      bool (*keep)(const char *container_id, void *arg), void *arg,
			      struct err *e) must_check;

#endif
