/*
 * What forward.h and ruleset.h do in nf_tables, in the tables of legacy iptables: an ADD looks here
 * only where they are in use (xtables_in_use), and masquerades here where nf_tables cannot.
 *
 *	iptables-legacy -A FORWARD -s 10.244.0.0/16 -j ACCEPT
 *	iptables-legacy -A FORWARD -d 10.244.0.0/16 -j ACCEPT
 *	iptables-legacy -t nat -A POSTROUTING -s 10.244.0.0/24 ! -o cni0 -j MASQUERADE
 *	iptables-legacy -t nat -A POSTROUTING -s 10.244.0.0/24 ! -d 10.244.0.0/16 -j MASQUERADE
 *
 * are the rules, byte for byte; the last two for MASQUERADE_ALL and MASQUERADE_OUTSIDE. They carry
 * a mark of ours (xt_table.h): an equal rule that somebody typed serves as well, and stays.
 */
#ifndef NETFILTER_LEGACY_H
#define NETFILTER_LEGACY_H

#include "netfilter/forward.h"
#include "netfilter/nft_owned.h"
#include "netfilter/ruleset.h"

/* As forward_look, forward_accept and forward_retract, in FORWARD of legacy filter. */
int legacy_forward_look(const struct prefix *network, struct forward_chain *found,
			struct err *e) must_check;
int legacy_forward_accept(const struct prefix *network, unsigned *added, struct err *e) must_check;
int legacy_forward_retract(const struct prefix *network, unsigned *removed,
			   struct err *e) must_check;

/*
 * As ruleset_look and ruleset_set, as far as want->masquerade goes, in POSTROUTING of legacy nat.
 * Marked rules are told apart by the network's name, whatever they say.
 */
int legacy_masquerade_look(const struct ruleset *want, enum ruleset_state *state,
			   struct err *e) must_check;
int legacy_masquerade_set(const struct ruleset *want, struct err *e) must_check;

/* Remove the masquerade rules of the network of that name in a family (4, 6). */
int legacy_masquerade_remove(uint8_t family, const char *name, bool *removed,
			     struct err *e) must_check;

/*
 * As masquerade_add and masquerade_sweep, in one family: a rule of its own for each address, which
 * has its owner as a comment.
 */
int legacy_masquerade_pod(const char *owner, const struct prefix *address,
			  struct err *e) must_check;
int legacy_masquerade_sweep(uint8_t family, const char *network, nft_keep_fn *keep, void *arg,
			    struct err *e) must_check;

/* As forward_obstacle and forward_masquerades, which ask here, too. */
int legacy_obstacle(const struct prefix *network, struct forward_obstacle *found, bool *blocked,
		    struct err *e) must_check;
int legacy_masquerades(const struct prefix *subnet, bool *found, struct err *e) must_check;

#endif
