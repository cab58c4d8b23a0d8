/*
 * Rules that the reference plugins made in iptables' nat tables for containers that are gone: an
 * entry in a chain that all share, whose comment says whose it is, jumps to a chain with a hash for
 * a name.
 */
#ifndef NETFILTER_REFERENCE_COLLECT_H
#define NETFILTER_REFERENCE_COLLECT_H

#include <stdbool.h>

#include "base/err.h"
#include "netfilter/xt_table.h"
#include "netlink/socket.h"

struct reference_rules {
	const char *shared;  /* the chain with the entries */
	const char *prefix;  /* of the names of the others */
	const char *comment; /* what is before the names of network and container */
};
extern const struct reference_rules reference_ports;	  /* portmap */
extern const struct reference_rules reference_masquerade; /* "ipMasq" */

/*
 * Remove what belongs to containers of a network that are not kept, in a family (4, 6): from
 * iptables-nft's table and that of legacy iptables.
 *
 * keep  asked for each container ID
 */
typedef bool reference_keep_fn(const char *container_id, void *arg);
int reference_collect(struct nl_sock *nf, uint8_t family, const struct reference_rules *rules,
		      const char *network, reference_keep_fn *keep, void *arg,
		      struct err *e) must_check;

/*
 * In the table of legacy iptables: take out the entries that jump to the chain and are not marked as
 * ours, and the chain, if nothing jumps to it then. Gives how many changes.
 */
unsigned reference_drop(struct xt_table *t, const struct reference_rules *rules, const char *chain);

#endif
