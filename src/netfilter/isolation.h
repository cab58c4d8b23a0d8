/*
 * What keeps networks apart in iptables' table filter, as the reference's firewall plugin has it
 * ("ingressPolicy"), before all else that FORWARD does:
 *
 *	-A FORWARD -m comment ... -j CNI-ISOLATION-STAGE-1
 *	-A CNI-ISOLATION-STAGE-1 -i cni0 -o cni0 -m comment ... -j DROP	(isolated)
 *	-A CNI-ISOLATION-STAGE-1 -i cni0 ! -o cni0 -m comment ... -j CNI-ISOLATION-STAGE-2
 *	-A CNI-ISOLATION-STAGE-1 -m comment ... -j RETURN
 *	-A CNI-ISOLATION-STAGE-2 -o cni0 -m comment ... -j DROP
 *	-A CNI-ISOLATION-STAGE-2 -m comment ... -j RETURN
 */
#ifndef NETFILTER_ISOLATION_H
#define NETFILTER_ISOLATION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "netlink/socket.h"

/*
 * In a family (4, 6): keep the networks of other bridges from this one; isolated: also its own pods
 * from each other. Where the kernel has no nf_tables, in legacy iptables.
 */
int isolation_add(struct nl_sock *nf, uint8_t family, const char *bridge, bool isolated,
		  struct err *e) must_check;
int isolation_check(struct nl_sock *nf, uint8_t family, const char *bridge, bool isolated,
		    struct err *e) must_check;

#endif
