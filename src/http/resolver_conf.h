/*
 * The resolver's files: resolv.conf(5) and hosts(5), a line at a time.
 */
#ifndef HTTP_RESOLVER_CONF_H
#define HTTP_RESOLVER_CONF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ip.h"
#include "http/url.h"

/* As resolv.conf(5) bounds them. */
#define DNS_SERVERS	 3
#define DNS_SEARCH	 6
#define DNS_NDOTS_MAX	 15
#define DNS_TIMEOUT_MAX	 30
#define DNS_ATTEMPTS_MAX 5

struct dns_server {
	struct ip ip;
	uint32_t scope; /* interface of a link-local address, or 0 */
};

struct dns_conf {
	struct dns_server servers[DNS_SERVERS];
	unsigned server_count;
	char search[DNS_SEARCH][URL_HOST_MAX + 1]; /* without dots at the ends */
	unsigned search_count;
	unsigned ndots, timeout, attempts; /* timeout in seconds */
};

/* What holds before the first line. */
void dns_conf_begin(struct dns_conf *c);

/* Take a line, which is cut up. What is not known, or does not fit, is ignored, as libc does. */
void dns_conf_line(struct dns_conf *c, char *line);

/* What holds where nothing was said: a server on 127.0.0.1. */
void dns_conf_end(struct dns_conf *c);

/* Whether a line of /etc/hosts, which is cut up, gives name an address. */
bool hosts_line(struct ip *ip, char *line, const char *name);

#endif
