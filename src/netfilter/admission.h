/*
 * What the reference's firewall plugin does in iptables' table filter, under its names, so that
 * administrators and other programs find it there:
 *
 *	-A FORWARD -m comment --comment "CNI firewall plugin rules" -j CNI-FORWARD
 *	-A CNI-FORWARD -m comment --comment "CNI firewall plugin admin overrides" -j CNI-ADMIN
 *	-A CNI-FORWARD -d 10.244.0.2/32 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
 *	-A CNI-FORWARD -s 10.244.0.2/32 -j ACCEPT
 *
 * In nf_tables, in the form of iptables-nft; in legacy iptables where that is in use as well, or all
 * that there is.
 *
 * Where a port of the host leads to a pod, what comes by it is let through as well, if the chain drops:
 *
 *	-A CNI-FORWARD -d 10.244.0.2/32 -m conntrack --ctstate DNAT -j ACCEPT
 *
 * A pod's rules carry its owner's tag. Without one, they are the reference's, or an administrator's.
 */
#ifndef NETFILTER_ADMISSION_H
#define NETFILTER_ADMISSION_H

#include "base/err.h"
#include "base/ip.h"
#include "netfilter/owner.h"
#include "netlink/socket.h"

/* Addresses of one family that a pod has: as many as a result holds. */
#define ADMISSION_ADDRESSES_MAX 16

/* Where administrators put what comes before, unless they have another name for it. */
#define ADMISSION_ADMIN_CHAIN "CNI-ADMIN"

struct admission {
	uint8_t family; /* 4, 6 */
	const char *admin_chain;
	const struct ip *addresses;
	unsigned count;
	bool published; /* the rules for ports of the host, and not the others */
};

/*
 * Make what is missing of it. A rule for one of the addresses that is somebody else's becomes this
 * owner's: the address is.
 */
int admission_add(struct nl_sock *nf, const struct admission *a, const struct owner_tag *owner,
		  struct err *e) must_check;

/* The same for what is published, if chain FORWARD drops and nothing else lets it through. */
int admission_publish(struct nl_sock *nf, const struct admission *a, const struct owner_tag *owner,
		      struct err *e) must_check;

/* Is all of it there, of what is published only where it has to be? Gives 0, or -1 with e set (ERR_STATE). Makes nothing. */
int admission_check(struct nl_sock *nf, const struct admission *a, struct err *e) must_check;

/*
 * Remove the rules of what is chosen and, of those that have no owner, the rules for the addresses.
 * The chains stay.
 */
int admission_remove(struct nl_sock *nf, const struct admission *a,
		     const struct owner_choice *which, struct err *e) must_check;

#endif
