/*
 * "macspoofchk": a pod sends from its own MAC address only. Whatever else comes in by its port of
 * the bridge is dropped, in a table of our own:
 *
 *	table bridge cnibox-macspoofchk {
 *		set ports { type ifname; elements = { "veth..." comment "net c1 eth0" } }
 *		set macs { type ifname . ether_addr; elements = { "veth..." . 0a:58:... comment ... } }
 *		chain prerouting { type filter hook prerouting priority -300; policy accept;
 *			iifname @ports iifname . ether saddr != @macs drop
 *		}
 *	}
 */
#ifndef NETFILTER_SPOOFCHECK_H
#define NETFILTER_SPOOFCHECK_H

#include "net/names.h"
#include "netfilter/nft_owned.h"

/*
 * Let only that MAC address in by the port. What the owner had before is replaced.
 *
 * e  names the kernel option when nf_tables does not do bridges in this kernel
 */
int spoofcheck_add(struct nl_sock *nf, const char *network, const char *owner, const char *port,
		   const uint8_t mac[static MAC_BYTES], struct err *e) must_check;

/* Could it be done? Changes nothing; e as above. */
int spoofcheck_try(struct nl_sock *nf, struct err *e) must_check;

/* Is that so? */
int spoofcheck_look(struct nl_sock *nf, const char *owner, bool *there, struct err *e) must_check;

/* Remove what is the network's and keep() does not want. */
int spoofcheck_sweep(struct nl_sock *nf, const char *network, nft_keep_fn *keep, void *arg,
		     struct err *e) must_check;

#endif
