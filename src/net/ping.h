/*
 * ICMP echo to several addresses at once, over sockets that may belong to a pod.
 */
#ifndef NET_PING_H
#define NET_PING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/ip.h"

#define PING_MAX 64 /* addresses in one round */

/* Sockets of one network namespace; where one could not be had, its errno, negative. */
struct ping_sockets {
	int v4, v6;
	uint16_t id; /* of the echo requests sent by them */
};

/* Open them in the present namespace. With neither family that is an error. */
int ping_open(struct ping_sockets *s, struct err *e) must_check;
void ping_close(struct ping_sockets *s);
#define cleanup_ping on_scope_exit(ping_close)

struct ping {
	struct ip to;
	uint32_t size; /* of the whole packet, sent with DF; 0: a small one */

	bool answered;
	uint32_t rtt_us;
	/* What a router said instead; family 0: nothing. */
	struct ip complaint_from;
	const char *complaint; /* "host unreachable" ...; static */
	int send_error;	       /* errno of the kernel's own refusal to send; 0: none */
};

/*
 * Send to all, again to those silent after a third and two thirds of the time, and gather answers
 * until all have come or timeout_ms is over.
 */
int ping_all(struct ping_sockets *s, struct ping *ping, unsigned count, unsigned timeout_ms,
	     struct err *e) must_check;

#endif
