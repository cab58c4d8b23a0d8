/*
 * One rule of nf_tables against a packet: do its conditions hold, and what does it then do? The
 * machine is the kernel's: registers that expressions load, change and compare. Each bit of them is
 * known or is not.
 */
#ifndef NETFILTER_NFT_MATCH_H
#define NETFILTER_NFT_MATCH_H

#include "net/packet.h"
#include "netfilter/nft_dump.h"

enum rule_action {
	RULE_GOES_ON, /* no verdict: the next rule is met */
	RULE_ACCEPTS,
	RULE_DROPS,
	RULE_REJECTS,
	RULE_TRANSLATES, /* the source */
	RULE_JUMPS,
	RULE_GOES_TO,
	RULE_RETURNS,
	RULE_UNKNOWN, /* perhaps a verdict: queue, an extension that is not known here */
};

struct rule_result {
	enum answer holds;
	enum rule_action action;
	const char *target; /* of a jump; borrowed */
	bool unconditional; /* nothing but the family was asked for */
};

/*
 * family  NFPROTO_* of the rule's table
 *
 * A mark that the rule sets is noted in *p.
 */
struct rule_result nft_match_rule(struct nft_dump *d, const struct nft_chain *chain,
				  const struct nlattr *expressions, struct packet *p);

#endif
