/*
 * What the reference plugins have left in nf_tables, iptables-nft's tables among them, and in legacy
 * iptables for a pod that they connected, before an upgrade: found by the names that they are known
 * to give, and removed.
 */
#ifndef NETFILTER_REFERENCE_H
#define NETFILTER_REFERENCE_H

#include <stddef.h>

#include "base/err.h"
#include "netfilter/nft.h"
#include "netfilter/xtables.h"

/*
 * The first digits of SHA-512 over both texts, one after the other, in hexadecimal: what the names
 * of the reference's chains end in.
 *
 * digits  how many, at most 128; out has room for one more
 */
void reference_hash(char *out, size_t digits, const char *a, const char *b);

/*
 * Remove a chain, and the rules of a base chain that jump to it. No such chain is success.
 *
 * base  "POSTROUTING" in iptables-nft's table nat
 */
int reference_chain_remove(struct nl_sock *nf, const struct nft_at *base, const char *chain,
			   struct err *e) must_check;

/* No longer check MAC addresses ("macspoofchk"), which it does in chains of table bridge nat. */
int reference_spoofcheck_remove(struct nl_sock *nf, const char *container_id, const char *ifname,
				struct err *e) must_check;

/*
 * Stop masquerading as "ipMasq" does it, by either of its backends: chains "CNI-" and a hash in
 * iptables' nat tables; rules of table inet cni_plugins_masquerade, whose comments begin with one.
 *
 * legacy  xtables_families(XTABLES_NAT)
 */
int reference_masquerade_remove(struct nl_sock *nf, unsigned legacy, const char *network,
				const char *container_id, const char *ifname,
				struct err *e) must_check;

#endif
