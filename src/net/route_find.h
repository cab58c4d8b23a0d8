/*
 * Why the kernel sends nothing to an address, and where it would send what it forwards. s is a
 * NETLINK_ROUTE socket.
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

/*
 * Where a packet goes that came in by a link with that source: rules of policy routing that ask for
 * them count, too. r->found is false where the kernel would not forward it.
 */
int route_look_forwarded(struct nl_sock *s, const struct ip *to, const struct ip *from, int link,
			 struct route *r, struct err *e) must_check;

#endif
