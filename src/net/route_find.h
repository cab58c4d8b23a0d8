/*
 * Why the kernel sends nothing to an address. s is a NETLINK_ROUTE socket.
 */
#ifndef NET_ROUTE_FIND_H
#define NET_ROUTE_FIND_H

#include "net/address.h"

/* A route that refuses. */
struct route_refusal {
	bool found;
	const char *type; /* "blackhole", "unreachable", "prohibit" */
	struct prefix to;
	uint32_t table;
};

/* The closest route that refuses the address, whatever its table. */
int route_find_refusal(struct nl_sock *s, const struct ip *to, struct route_refusal *found,
		       struct err *e) must_check;

/* The table that `ip route` means without a word. */
#define ROUTE_TABLE_MAIN 254

#endif
