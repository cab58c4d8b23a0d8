/*
 * Ask on a link who has an address, without leaving a trace: ARP probes as RFC 5227 has them, and
 * for IPv6 the question of duplicate address detection (RFC 4862).
 */
#ifndef NET_PROBE_H
#define NET_PROBE_H

#include "base/err.h"
#include "base/ip.h"
#include "net/link.h"

#define PROBE_MACS 4 /* that are noted for one address */

struct probe {
	struct ip ip;
	unsigned count; /* different MAC addresses that answered */
	uint8_t mac[PROBE_MACS][MAC_BYTES];
};

/*
 * Ask for all of them at once, twice, and gather answers for timeout_ms. The link is one of the
 * present network namespace.
 */
int probe_addresses(const struct link *link, struct probe *list, unsigned n, unsigned timeout_ms,
		    struct err *e) must_check;

#endif
