/*
 * IP addresses and prefixes of both families as values. No sockets, no allocation.
 */
#ifndef BASE_IP_H
#define BASE_IP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IP_TEXT	    46 /* longest text with its NUL: INET6_ADDRSTRLEN */
#define PREFIX_TEXT 50 /* the same with "/128" */

struct ip {
	uint8_t family; /* 4, 6, or 0 for "none" */
	uint8_t b[16];	/* network byte order; IPv4 uses the first four */
};

struct prefix {
	struct ip ip; /* host bits may be set: "10.244.0.2/24" is a prefix too */
	uint8_t len;  /* bits, 0..32 or 0..128 */
};

/* Bytes of an address of that family: 4 or 16. */
size_t ip_size(const struct ip *ip);

/*
 * Parse text as Go's net.ParseIP does: dotted quad without leading zeros, RFC 4291 text without a
 * zone; an IPv4-mapped IPv6 address becomes IPv4. Gives false and leaves *ip alone if it is none.
 */
bool ip_parse(struct ip *ip, const char *text) __attribute__((warn_unused_result));

/* Parse "address/length". An IPv4-mapped address is refused, as its length would be ambiguous. */
bool prefix_parse(struct prefix *p, const char *text) __attribute__((warn_unused_result));

/* Text in canonical form (RFC 5952 for IPv6) into buf; gives buf. */
const char *ip_format(char buf[static IP_TEXT], const struct ip *ip);
const char *prefix_format(char buf[static PREFIX_TEXT], const struct prefix *p);

/* Order by family, then by value: <0, 0, >0. */
int ip_compare(const struct ip *a, const struct ip *b);
bool ip_equal(const struct ip *a, const struct ip *b);

/* ip + n, carrying; gives false on wrap past the highest address. */
bool ip_add(struct ip *ip, uint32_t n);
/* ip - 1; gives false on wrap below zero. */
bool ip_previous(struct ip *ip);
/* b - a when a <= b, same family; UINT64_MAX if it does not fit. */
uint64_t ip_distance(const struct ip *a, const struct ip *b);

/* Lowest and highest address: all host bits clear, all set. */
struct ip prefix_first(const struct prefix *p);
struct ip prefix_last(const struct prefix *p);
/* The prefix with its host bits cleared. */
struct prefix prefix_network(const struct prefix *p);
bool prefix_contains(const struct prefix *p, const struct ip *ip);
bool prefix_equal(const struct prefix *a, const struct prefix *b);

#endif
