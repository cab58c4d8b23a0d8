/*
 * What the rules of one forward chain, read in order, do to packets of a network. Shared by the
 * files that implement forward.h and legacy.h.
 */
#ifndef NETFILTER_FORWARD_SCAN_H
#define NETFILTER_FORWARD_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ip.h"
#include "netfilter/forward.h"
#include "netfilter/nft_read.h"

struct forward_scan {
	const struct prefix *network;
	struct forward_chain
		chain; /* the answer so far; the caller fills there and drops (policy) */
	bool closed;   /* no packet of the family gets past the rules seen */
	uint64_t stop; /* handle of the unconditional drop or reject; 0: none */
	bool reject;   /* it is a reject */
};

/* The next rule of the chain. */
void forward_weigh(struct forward_scan *s, const struct nft_rule *rule);

/* Is it the very rule that is written to accept this network, with our mark? */
bool forward_is_own(const struct nft_rule *rule, const struct prefix *network);

/*
 * Does it masquerade the subnet? A rule that names the source counts in any chain of the table
 * (flannel's is reached by a jump); one that does not, only in the base chain and where interfaces
 * and destinations are all it asks: kube-proxy's "masquerade what is marked" is no such rule.
 */
bool forward_is_masquerade(const struct nft_rule *rule, const struct prefix *subnet, bool in_base);

#endif
