/*
 * Routes of a pod's link: adding them, and finding them again. (Where the kernel would send a
 * packet is asked in net/address.h.) s is a NETLINK_ROUTE socket.
 */
#ifndef NET_ROUTE_H
#define NET_ROUTE_H

#include <stdbool.h>

#include "base/err.h"
#include "base/ip.h"
#include "netlink/socket.h"

/* RT_SCOPE_*: from link on, destinations have no gateway. */
enum { ROUTE_SCOPE_LINK = 253, ROUTE_SCOPE_HOST = 254 };

struct route_spec {
	struct prefix dst;
	struct ip gateway; /* family 0: on link */
	struct ip source;  /* family 0: none said */
	uint32_t mtu;	   /* 0: none said; so for the next two */
	uint32_t advmss;
	uint32_t priority;
	uint32_t table; /* 0: main */
	uint8_t scope;	/* 0: global */
};

/*
 * Append: add that route by a link. A pod may have another default route, by another network's link:
 * that one stays the first choice, as its link is older.
 */
void put_route(struct nl_batch *b, int link, const struct route_spec *r);

/* Append: remove the route to the subnet of an address that came with it; there must be one. */
void put_subnet_route_removal(struct nl_batch *b, int link, const struct prefix *address);

/*
 * Is there a route to exactly that destination, by that gateway if r names one and in that table if
 * it names one? Its link and all else may be any: plugins later in a chain change them.
 */
int route_exists(struct nl_sock *s, const struct route_spec *r, bool *found,
		 struct err *e) must_check;

#endif
