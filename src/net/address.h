/*
 * Addresses of links and the routes that go with them. s is a NETLINK_ROUTE socket.
 */
#ifndef NET_ADDRESS_H
#define NET_ADDRESS_H

#include <stdbool.h>

#include "base/err.h"
#include "base/ip.h"
#include "netlink/socket.h"

/*
 * Append: add an address to a link, usable at once; or, if it is of IPv6 and to be tested, when the
 * kernel has looked for duplicates.
 */
void put_address(struct nl_batch *b, int link, const struct prefix *address, bool tested);

/*
 * Append: have a link announce its IPv4 addresses when it is raised ("arp_notify"). The file below
 * /proc/sys for it would take the kernel 20 us to make, and might be read-only.
 */
void put_announcing(struct nl_batch *b, int link);

/*
 * Append: a default route through a gateway on that link. A pod may have one by another network's
 * link: that one stays the first choice, as its link is older. (For all other routes: net/route.h.)
 */
void put_default_route(struct nl_batch *b, int link, const struct ip *gateway);

/* Add an address. Gives 0; 1 if it is there already; -1 with e set. */
int address_add(struct nl_sock *s, int link, const struct prefix *address,
		struct err *e) must_check;
/* Remove one; that it is gone already is success. */
int address_remove(struct nl_sock *s, int link, const struct prefix *address,
		   struct err *e) must_check;

/* Does the link have exactly that address with that prefix length? */
int address_look(struct nl_sock *s, int link, const struct prefix *address, bool *found,
		 struct err *e) must_check;

/*
 * The first address of a family (4, 6) on a link (0: on any), any_scope or only global ones;
 * address->ip.family is 0 if there is none.
 */
int address_first(struct nl_sock *s, int link, uint8_t family, bool any_scope,
		  struct prefix *address, struct err *e) must_check;

/* An address that a link has. */
struct address {
	struct prefix prefix;
	bool is_global; /* not link-local, not for this host only */
	bool tentative; /* IPv6: being tested for duplicates ... */
	bool duplicate; /* ... and found to be one */
};

/* The addresses of a family (4, 6) on a link, at most max. */
int address_list(struct nl_sock *s, int link, uint8_t family, struct address *address, unsigned max,
		 unsigned *count, struct err *e) must_check;

/* Index of the link that has an address; 0: none has. */
int address_link(struct nl_sock *s, const struct ip *address, int *link, struct err *e) must_check;

/* Where the kernel would send a packet. */
struct route {
	bool found;	    /* there is a route, and it is no "unreachable" or "blackhole" */
	bool is_local;	    /* it is an address of this namespace's own */
	int link;	    /* index of the interface; of several, the first; 0: none said */
	uint8_t prefix_len; /* of the matching route: 0 for the default route */
	uint8_t protocol;   /* RTPROT_*: who made it */
	struct ip gateway;  /* family 0: on link */
	struct ip source;   /* that the kernel prefers; family 0: none said */
};
int route_look(struct nl_sock *s, const struct ip *destination, struct route *r,
	       struct err *e) must_check;

/* Append the question that route_look asks, and read its answer. */
void put_route_question(struct nl_batch *b, const struct ip *destination);
void route_read(struct route *r, const struct nlmsghdr *h);

/* An address outside for that family, for asking which link leads there: TEST-NET-1, 2001:db8::. */
struct ip route_outside(uint8_t family);

#endif
