/*
 * Connection tracking by netlink: forget flows, so that the next packet is looked at anew.
 */
#ifndef NETFILTER_CONNTRACK_H
#define NETFILTER_CONNTRACK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "netlink/socket.h"

/* A set of ports. */
struct conntrack_ports {
	bool any;
	uint8_t bits[65536 / 8];
};
void conntrack_add_port(struct conntrack_ports *ports, uint16_t port);
bool conntrack_has_port(const struct conntrack_ports *ports, uint16_t port);

/*
 * Forget the UDP flows of a family (4, 6) that were first sent to one of these ports: a flow that is
 * known keeps its way, whatever the rules have become. TCP finds out by itself.
 *
 * nf  NETLINK_NETFILTER socket
 *
 * *forgotten counts them. Where the kernel has no connection tracking, there are none.
 */
int conntrack_forget_udp(struct nl_sock *nf, uint8_t ip_family, const struct conntrack_ports *ports,
			 unsigned *forgotten, struct err *e) must_check;

/* The tuple of an IPCTNL_MSG_CT_NEW in the direction of its first packet. */
struct conntrack_tuple {
	uint8_t proto;
	uint16_t port; /* destination */
};
bool conntrack_read(struct conntrack_tuple *t, const struct nlmsghdr *h);

#endif
