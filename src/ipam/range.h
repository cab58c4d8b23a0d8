/*
 * Which addresses a pool holds and in what order they are tried. Pure: no files.
 *
 * Words and limits are host-local's (reference plugin release 1.9.1): a range is a piece of a
 * subnet from start to end inclusive, without its gateway; a range set is one pool of ranges.
 */
#ifndef IPAM_RANGE_H
#define IPAM_RANGE_H

#include <stdbool.h>

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
 * inside it and in order.
 *
 * Gives 0, or -1 with e set (ERR_CONFIG) in host-local's words.
 */
int ip_range_complete(struct ip_range *r, struct err *e) must_check;

/* Can the pool hand out ip? (Its gateway it cannot.) */
bool range_set_contains(const struct range_set *s, const struct ip *ip);

/*
 * Walk the pool once round: *ip becomes the address after *ip, past the end of a range the start
 * of the next one, past the last range the start of the first. Gateways are skipped. An *ip that
 * is not in the pool (family 0 too) becomes the very first address.
 */
void range_set_next(const struct range_set *s, struct ip *ip);

/* "10.1.2.1-10.1.2.254,10.1.3.1-10.1.3.254" for messages; clipped to size. Gives buf. */
const char *range_set_format(const struct range_set *s, char *buf, size_t size);

#endif
