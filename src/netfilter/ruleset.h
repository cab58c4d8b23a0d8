/*
 * cnibox's own nf_tables rules: tables "ip cnibox" and "ip6 cnibox", rules per network, none per
 * pod. Every change is one atomic batch; nobody else's table is touched here.
 *
 *	table ip cnibox {
 *		chain postrouting { type nat hook postrouting priority 99; policy accept;
 *			ip saddr 10.244.0.0/24 ip daddr != 10.244.0.0/16 ip daddr != 224.0.0.0/4
 *				masquerade fully-random comment "mynet"
 *		}
 *		chain forward { type filter hook forward priority 0; policy accept;
 *			ip saddr 10.244.0.0/16 accept comment "mynet"
 *			ip daddr 10.244.0.0/16 accept comment "mynet"
 *		}
 *	}
 *
 * Priority 99, one before kube-proxy's and iptables' 100: the first nat chain that binds a flow
 * wins. The ip and ip6 families rather than inet, whose nat chains need Linux 5.2.
 * A rule belongs to the network that its comment names (a name too long for a comment is cut, and
 * ends in a number made of the whole). Its user data also hold a digest of what was sent: a rule
 * without it, restored by `nft -f` for one, is replaced.
 *
 * Changes are refused by the kernel if the ruleset is no longer the one that was looked at; then it
 * is looked at again, a bounded number of times (ERR_TRY_AGAIN).
 */
#ifndef NETFILTER_RULESET_H
#define NETFILTER_RULESET_H

#include <stdbool.h>

#include "base/err.h"
#include "base/ip.h"
#include "netlink/socket.h"

enum masquerade {
	MASQUERADE_OUTSIDE, /* what leaves the cluster's network: Kubernetes' model */
	MASQUERADE_ALL, /* whatever leaves by another interface than the bridge: the walkthrough's rule */
	MASQUERADE_NONE,
};

/* What one network wants in one family. Texts are borrowed. */
struct ruleset {
	const char *name; /* of the network, not empty */
	const char *bridge;
	struct prefix subnet;  /* of this node's pods; its family chooses the table */
	struct prefix network; /* of all pods */
	enum masquerade masquerade;
	bool accept; /* have the accept rules of chain forward, too */
};

enum ruleset_state {
	RULESET_ABSENT,	   /* nothing of this network, though something is wanted */
	RULESET_DIFFERENT, /* something, but not what is wanted */
	RULESET_PRESENT,   /* just what is wanted; also when nothing is and nothing is there */
};

/*
 * Compare. nf is a NETLINK_NETFILTER socket. Where the kernel has no nf_tables, there is nothing.
 * Three system calls: it is part of every ADD.
 */
int ruleset_look(struct nl_sock *nf, const struct ruleset *want, enum ruleset_state *state,
		 struct err *e) must_check;

/* Make this network's rules just what is wanted; those of other networks stay. Idempotent. */
int ruleset_set(struct nl_sock *nf, const struct ruleset *want, struct err *e) must_check;

/* Was ruleset_set's e only that this kernel's nf_tables cannot do that? Then forget it. */
bool ruleset_unsupported(struct err *e);

/*
 * Remove this network's rules in that family (4 or 6), and the table when no rule of anybody is
 * left in it. *removed says whether there was anything.
 */
int ruleset_remove(struct nl_sock *nf, uint8_t family, const char *name, bool *removed,
		   struct err *e) must_check;

#endif
