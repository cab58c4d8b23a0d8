/*
 * A rule as nft(8) would print it, for the expressions that people's rules are made of.
 */
#ifndef NETFILTER_NFT_TEXT_H
#define NETFILTER_NFT_TEXT_H

#include "netfilter/nft_dump.h"

/*
 * The rule as text, cut to size. Of a rule with an expression that is not known here nothing is
 * shown but "a rule that cannot be shown, handle N". Extensions of iptables appear by their names:
 * xt match "recent".
 *
 * d  for the elements of sets without a name
 */
void nft_text_rule(char *out, size_t size, struct nft_dump *d, const struct nft_chain *chain,
		   const struct nft_kept_rule *rule);

#endif
