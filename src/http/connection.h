/*
 * A connection to an origin, through a proxy or not, in TLS or not.
 */
#ifndef HTTP_CONNECTION_H
#define HTTP_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"
#include "http/deadline.h"
#include "http/http.h"
#include "http/tls.h"
#include "http/url.h"

/* "https://host:port by proxy:port" */
#define CONNECTION_KEY (8 + URL_AUTHORITY_MAX + 4 + URL_AUTHORITY_MAX)

struct connection {
	int fd;		 /* -1: closed */
	bool secure;	 /* by tls */
	struct tls *tls; /* taken from the arena once and used again; NULL: not yet */
	char key[CONNECTION_KEY];
	char name[URL_HOST_MAX + 1]; /* whom its certificate must name */

	char in[4096]; /* received and not yet taken */
	size_t at, end;
};

/* What a connection for u, by proxy (NULL: none), is known by: only such ones are used again. */
void connection_key(char key[static CONNECTION_KEY], const struct url *u, const struct url *proxy);

/* Open one, up to and with the TLS handshake. Gives 0, or -1 with e set and nothing left open. */
int connection_open(struct connection *c, const struct url *u, const struct url *proxy,
		    const struct http_options *options, struct deadline until,
		    struct err *e) must_check;

/* Whether a kept one looks alive: not ended, and nothing has come that was not asked for. */
bool connection_alive(const struct connection *c);

int connection_write(struct connection *c, const void *bytes, size_t n, struct deadline until,
		     struct err *e) must_check;

/*
 * See that in[at..end] is not empty. Gives 1; 0 at the end (for TLS: one that was announced); or -1
 * with e set.
 */
int connection_fill(struct connection *c, struct deadline until, struct err *e) must_check;

/* Close it and wipe what it held. */
void connection_close(struct connection *c);

#endif
