/*
 * Rules of iptables' table filter, as iptables-nft has them in nf_tables: written so that
 * `iptables -S` prints them and `iptables -D` finds them, and recognised whoever wrote them.
 */
#ifndef NETFILTER_FILTER_RULE_H
#define NETFILTER_FILTER_RULE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ip.h"
#include "netfilter/nft.h"
#include "netfilter/nft_read.h"
#include "netfilter/xt_state.h"

/* Texts are borrowed; NULL: no such condition. */
struct filter_rule {
	const char *chain;		   /* that it stands in */
	struct prefix source, destination; /* family 0: any */
	enum xt_state state;		   /* -m conntrack --ctstate */
	const char *in, *out;		   /* -i, -o */
	bool not_out;			   /* ! -o */
	const char *comment;		   /* -m comment */
	enum nft_action action;		   /* accept, drop, return; jump: to target */
	const char *target;
	bool first; /* where it goes: before all others, or behind them */
};

struct nft_at filter_at(uint8_t ip_family, const char *chain);

/* Append the message that adds it. owner: NULL, or whose it is. */
void put_filter_rule(struct nl_batch *b, uint8_t ip_family, const struct filter_rule *rule,
		     const struct owner_tag *owner);

/* Has it a condition on that state, and no other that nft_rule does not tell? */
bool filter_rule_has_state(const struct nft_rule *found, enum xt_state state);

/* Is it that rule? Comment, place and counters are not looked at. */
bool filter_rule_is(const struct nft_rule *found, const struct filter_rule *rule);

/*
 * Make sure that table and chain are there, hooked if it is FORWARD: that one must not be there yet,
 * as its policy becomes accept.
 */
void put_filter_chain(struct nl_batch *b, uint8_t ip_family, const char *chain);

#endif
