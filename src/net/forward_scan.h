/*
 * What the rules of one forward chain, read in order, do to packets of a network. Shared by the
 * files that implement forward.h.
 */
#ifndef NET_FORWARD_SCAN_H
#define NET_FORWARD_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ip.h"
#include "net/forward.h"
#include "net/nft_read.h"

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

#endif
