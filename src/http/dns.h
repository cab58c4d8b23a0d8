/*
 * Messages of DNS (RFC 1035): one question, and what of an answer to it is of use.
 */
#ifndef HTTP_DNS_H
#define HTTP_DNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ip.h"

#define DNS_PORT      53
#define DNS_NAME_MAX  255 /* bytes on the wire, with lengths and the root (RFC 1035, 2.3.4) */
#define DNS_QUERY_MAX (12 + DNS_NAME_MAX + 4)
#define DNS_UDP_MAX   512 /* of an answer by UDP; longer ones are truncated, and asked for by TCP */
#define DNS_TCP_MAX   4096
#define DNS_ANSWERS   8 /* addresses that are kept */
#define DNS_ALIASES   8 /* CNAMEs one behind the other */

enum { DNS_A = 1, DNS_CNAME = 5, DNS_AAAA = 28 };

struct dns_query {
	uint16_t type; /* DNS_A, DNS_AAAA */
	uint8_t bytes[DNS_QUERY_MAX];
	size_t len;
};

/* A question for name. Gives false if name is none of DNS: an empty or long label, too long. */
bool dns_ask(struct dns_query *q, const char *name, uint16_t type, uint16_t id)
	__attribute__((warn_unused_result));

enum dns_verdict {
	DNS_NOT_MINE,  /* no answer to this question: another's, forged, garbled */
	DNS_FOUND,     /* at least one address */
	DNS_EMPTY,     /* the name exists, but has no such address */
	DNS_NO_NAME,   /* it does not (NXDOMAIN) */
	DNS_TRUNCATED, /* ask again by TCP */
	DNS_TROUBLE,   /* the server cannot or will not say (SERVFAIL, REFUSED, ...) */
};

struct dns_answer {
	struct ip ip[DNS_ANSWERS];
	unsigned count;
};

/*
 * Read n bytes as the answer to q: same ID, same question (names in any case), and addresses of the
 * name asked for or of what it is an alias for, and of nothing else that the message may tell.
 */
enum dns_verdict dns_read(struct dns_answer *a, const struct dns_query *q, const uint8_t *msg,
			  size_t n);

#endif
