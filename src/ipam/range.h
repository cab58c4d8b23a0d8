/*
 * Which addresses a pool holds and in what order they are tried. Pure: no files.
 *
 * Words and limits are host-local's (reference plugin release 1.9.1): a range is a piece of a
 * subnet from start to end inclusive, without its gateway; a range set is one pool of ranges.
 *
 * Unlike the reference, a range holds only what a pod can use. An explicit start at the network
 * address or an explicit end at the IPv4 broadcast address is moved inwards by one: the reference
 * hands these two out, and the pod that gets one cannot be reached. (In IPv6 the lowest address
 * is every router's anycast address, RFC 4291 section 2.6.1; the highest is an ordinary one.)
 */
#ifndef IPAM_RANGE_H
#define IPAM_RANGE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/ip.h"

struct ip_range {
	struct prefix subnet; /* host bits clear */
	struct ip start, end; /* family 0 before ip_range_complete: the default */
	struct ip gateway;    /* family 0 before ip_range_complete: subnet + 1 */
};

struct range_set {
	const struct ip_range *range;
	unsigned count;
};

/*
 * Fill in the defaults (start and gateway: network + 1; end: broadcast - 1, IPv6: the last
 * address) and check the range: a subnet of at least 4 addresses without host bits, start and end
 * inside it, in order, and with a usable address between them. The gateway may be any address.
 *
 * Gives 0, or -1 with e set (ERR_CONFIG) in host-local's words.
 */
int ip_range_complete(struct ip_range *r, struct err *e) must_check;

/*
 * Check what complete ranges must be to one another to form a pool: at least one, of one family,
 * none overlapping another. Gives 0, or -1 with e set (ERR_CONFIG) in host-local's words.
 */
int range_set_check(const struct range_set *s, struct err *e) must_check;

/* Is there an address in both pools? */
bool range_sets_overlap(const struct range_set *a, const struct range_set *b);

/* The range from whose start to whose end ip lies, gateway or not; NULL if there is none. */
const struct ip_range *range_set_find(const struct range_set *s, const struct ip *ip);

/* Is ip the gateway of a range of the pool? */
bool range_set_is_gateway(const struct range_set *s, const struct ip *ip);

/* Can the pool hand out ip? (A gateway it cannot.) */
bool range_set_contains(const struct range_set *s, const struct ip *ip);

/*
 * Walk the pool once round: *ip becomes the address after *ip, past the end of a range the start
 * of the next one, past the last range the start of the first. Gateways are skipped. An *ip that
 * is in no range (family 0 too) becomes the very first address.
 *
 * Gives false if the pool has nothing to hand out, all of it being gateways.
 */
bool range_set_next(const struct range_set *s, struct ip *ip) must_check;

/* "10.1.2.1-10.1.2.254,10.1.3.1-10.1.3.254" for messages; clipped to size. Gives buf. */
const char *range_set_format(const struct range_set *s, char *buf, size_t size);

#endif
