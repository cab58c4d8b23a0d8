/*
 * The kernel's table of who has which address on a link. s is a NETLINK_ROUTE socket.
 */
#ifndef NET_NEIGHBOUR_H
#define NET_NEIGHBOUR_H

#include <stdbool.h>

#include "base/err.h"
#include "base/ip.h"
#include "net/names.h"
#include "netlink/socket.h"

struct neighbour {
	struct ip ip;
	uint8_t mac[MAC_BYTES];
	bool permanent; /* typed by somebody: never asked for again */
};

/*
 * The entries of a link that have a MAC address which is used (those that failed are not), both
 * families; at most max of them, *count says how many.
 */
int neighbour_list(struct nl_sock *s, int link, struct neighbour *list, unsigned max,
		   unsigned *count, struct err *e) must_check;

/* Where a bridge sends frames to a MAC address. */
struct bridge_way {
	int port;  /* index of the port behind which it has seen the address; 0: nowhere */
	bool node; /* to its node: the address is its own, or that of one of its ports itself */
};

int bridge_way_look(struct nl_sock *s, int bridge, const uint8_t mac[static MAC_BYTES],
		    struct bridge_way *way, struct err *e) must_check;

#endif
