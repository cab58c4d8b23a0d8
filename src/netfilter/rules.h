/*
 * What all rules of a network namespace do to a packet at a hook: nf_tables' and legacy iptables'.
 */
#ifndef NETFILTER_RULES_H
#define NETFILTER_RULES_H

#include "net/netns.h"
#include "netfilter/nft_dump.h"
#include "netfilter/nft_eval.h"

struct rules {
	struct nl_sock *nf;	   /* of the namespace */
	const struct netns *netns; /* NULL: the present one */
	struct nft_dump dump;
	bool read[2];	  /* the chains for IPv4, IPv6 */
	bool read_shared; /* those for both, and for bridges */
};

/*
 * Walk the chains for packets of the packet's family at a hook, the legacy tables' last. *v is the
 * first verdict that is certain, or the first that may be, or FATE_PASS.
 */
int rules_filter(struct rules *r, enum nft_hook hook, const struct packet *p, struct verdict *v,
		 struct err *e) must_check;

/*
 * Is the packet's source translated when it leaves (postrouting)? v->fate is FATE_NAT then; if it is
 * not and v->certain is false, there are rules that could not be read.
 */
int rules_translate(struct rules *r, const struct packet *p, struct verdict *v,
		    struct err *e) must_check;

#endif
