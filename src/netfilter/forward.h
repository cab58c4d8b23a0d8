/*
 * What iptables-nft and others do to forwarded packets, and room for pods in it.
 *
 * A packet must survive every base chain of the forward hook: an accept in our own table cannot
 * override another chain's drop. So where the FORWARD chain of iptables-nft's filter table drops
 * (Docker, ufw), the accept rules go into that very chain, in the very form that
 *
 *	iptables -t filter -A FORWARD -s 10.244.0.0/16 -j ACCEPT
 *	iptables -t filter -A FORWARD -d 10.244.0.0/16 -j ACCEPT
 *
 * gives, so that `iptables -S FORWARD` shows them so. Rules, counters and policies of others are
 * not touched. Ours are told apart by a mark in the rule's user data that iptables ignores.
 */
#ifndef NETFILTER_FORWARD_H
#define NETFILTER_FORWARD_H

#include <stdbool.h>

#include "base/err.h"
#include "base/ip.h"
#include "netlink/socket.h"

/*
 * FORWARD of table filter in the family of a prefix, as far as that prefix is concerned. A rule
 * that accepts more than the prefix serves as well; one behind an unconditional drop does not.
 */
struct forward_chain {
	bool there;    /* the chain exists and is hooked */
	bool drops;    /* policy drop, or an unconditional drop or reject among its rules */
	bool from, to; /* it has the accept rule for that source / destination */
	bool from_ours, to_ours; /* and a rule that does so carries our mark */
};

/* Four system calls: it is part of every ADD. Without nf_tables, there is no chain. */
int forward_look(struct nl_sock *nf, const struct prefix *network, struct forward_chain *found,
		 struct err *e) must_check;

/*
 * Add whichever of the two accept rules is missing: at the end, or before the first unconditional
 * drop or reject. Guarded by the ruleset's generation: if anybody changes it between looking and
 * adding, it is looked at again. Rules of ours that somebody's drop came to stand before move before
 * it. *added counts the rules added; without the chain there are none.
 */
int forward_accept(struct nl_sock *nf, const struct prefix *network, unsigned *added,
		   struct err *e) must_check;

/* Remove the accept rules for that prefix that carry our mark. *removed counts them. */
int forward_retract(struct nl_sock *nf, const struct prefix *network, unsigned *removed,
		    struct err *e) must_check;

/* A chain that stops forwarded packets of a network. */
struct forward_obstacle {
	char table[64]; /* "ip filter", "inet firewalld", "iptables-legacy filter" ... */
	char chain[64];
	bool by_policy; /* policy drop; else an unconditional rule */
	bool reject;
};

/*
 * Find the first base chain of the forward hook, in any table of the ip (ip6) and inet families or
 * at last in legacy iptables, that drops what no rule of it accepted, and that has no rule accepting
 * this prefix as source and as destination. *blocked says whether there is one.
 *
 * An explanation for people, not a simulation: conditions on other things are not evaluated, jumps
 * not followed, names too long for the struct cut, base chains beyond the sixteenth not seen.
 */
int forward_obstacle(struct nl_sock *nf, const struct prefix *network,
		     struct forward_obstacle *found, bool *blocked, struct err *e) must_check;

/*
 * Is there a nat rule, in a table with a postrouting hook or in legacy iptables, that masquerades or
 * SNATs this source, whatever else it asks of interface and destination?
 */
int forward_masquerades(struct nl_sock *nf, const struct prefix *subnet, bool *found,
			struct err *e) must_check;

#endif
