/*
 * URLs, as far as requests need them: http and https with a host, RFC 3986.
 *
 * Refused are user names and passwords (they would end in logs), fragments (they are never sent),
 * control characters, blanks and bytes above 0x7e (RFC 3986, 2: they must come percent-encoded).
 */
#ifndef HTTP_URL_H
#define HTTP_URL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/ip.h"

#define URL_MAX	     4096 /* bytes of a whole URL: a query with a filter and a page token is long */
#define URL_HOST_MAX 253  /* of a DNS name in text (RFC 1035, 2.3.4) */

struct url {
	bool https;
	uint16_t port; /* the scheme's own where none is written */
	/* Lower case, without the brackets of an IPv6 address and a name's final dot. */
	char host[URL_HOST_MAX + 1];
	struct ip ip;		  /* the host where it is an address, else family 0 */
	char target[URL_MAX + 2]; /* path and query as sent, "/" at least */
};

/* Parse n bytes of text. Gives 0, or -1 with e set (ERR_FIELD), naming the URL. */
int url_parse(struct url *u, const char *text, size_t n, struct err *e) must_check;

/*
 * The host and port as in a Host header, an address of IPv6 in brackets; the port only where it is
 * not the scheme's own, or where always asks for it (CONNECT). Gives buf.
 */
#define URL_AUTHORITY_MAX (URL_HOST_MAX + 2 + 6 + 1)
const char *url_authority(char buf[static URL_AUTHORITY_MAX], const struct url *u, bool always);

/* Same scheme, host and port: what may share a connection. */
bool url_same_origin(const struct url *a, const struct url *b);

/*
 * Percent-encode everything but RFC 3986's unreserved characters, for a path segment, a query's
 * value or a form. As snprintf: writes what fits size (never a part of an escape) and a NUL, gives
 * the whole length.
 */
size_t url_escape(char *buf, size_t size, const char *text);

#endif
