/*
 * Masquerading for single pods ("ipMasq"): what a pod sends to anywhere outside its own subnet gets
 * this node's address. Multicast does not.
 *
 *	table ip cnibox-masquerade {
 *		set pods { type ipv4_addr; elements = { 10.1.0.5 comment "net c1 eth0" } }
 *		chain postrouting { type nat hook postrouting priority 99; policy accept;
 *			ip saddr 10.1.0.0/24 ip saddr @pods ip daddr != 10.1.0.0/24
 *				ip daddr != 224.0.0.0/4 masquerade fully-random comment "net"
 *		}
 *	}
 *
 * A rule per network and subnet, an element per pod. Where the kernel's nf_tables has no nat, a rule
 * per address in legacy iptables does it (netfilter/legacy.h).
 */
#ifndef NETFILTER_MASQUERADE_H
#define NETFILTER_MASQUERADE_H

#include "base/ip.h"
#include "netfilter/nft_owned.h"
#include "netfilter/xtables.h"

/*
 * Masquerade what comes from a pod's address. Idempotent; an element of an earlier owner of that
 * address becomes this one's.
 *
 * address  with the length of its subnet
 * owner    names_owner of the network and the attachment
 */
int masquerade_add(struct nl_sock *nf, const char *network, const char *owner,
		   const struct prefix *address, struct err *e) must_check;

/* Is it masqueraded? */
int masquerade_look(struct nl_sock *nf, const char *network, const char *owner,
		    const struct prefix *address, bool *there, struct err *e) must_check;

/*
 * Remove, in both families, what is the network's and keep() does not want.
 *
 * legacy  xtables_families(XTABLES_NAT)
 */
int masquerade_sweep(struct nl_sock *nf, unsigned legacy, const char *network, nft_keep_fn *keep,
		     void *arg, struct err *e) must_check;

#endif
