/*
 * What the chains of nf_tables do to a packet: each base chain of a hook is walked as the kernel
 * would, jumps included, until a verdict. Where a condition is not understood both ways are
 * followed, and what is found is only what may be.
 */
#ifndef NETFILTER_NFT_EVAL_H
#define NETFILTER_NFT_EVAL_H

#include "net/packet.h"
#include "netfilter/nft_dump.h"

/* Hooks by netfilter's numbers (NF_INET_*, and NF_BR_*, which are the same). */
enum nft_hook { HOOK_PREROUTING, HOOK_INPUT, HOOK_FORWARD, HOOK_OUTPUT, HOOK_POSTROUTING };

/* Walk one base chain. */
void nft_eval_chain(struct nft_dump *d, struct nft_kept_chain *base, const struct packet *p,
		    struct verdict *v);

/*
 * Walk the base chains of that type ("filter", "nat") at a hook which packets of the packet's family
 * meet, in their order, and stop at the first that does not let it pass: for sure, or else that may
 * not. (Those of type "route" count as "filter".)
 *
 * d  holds the chains of the families meant: nft_dump_chains
 */
void nft_eval_hook(struct nft_dump *d, const char *type, enum nft_hook hook, const struct packet *p,
		   struct verdict *v);

/* "ip", "inet" ... */
const char *nft_family_word(uint8_t family);

#endif
