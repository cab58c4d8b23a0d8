/*
 * Which proxy a request goes through, by the environment, as curl and Go have it.
 *
 * https: HTTPS_PROXY or https_proxy (the lower case first). http: http_proxy only in lower case, as
 * a CGI server sets HTTP_PROXY from a header of the request; HTTP_PROXY where REQUEST_METHOD is not
 * set. NO_PROXY, no_proxy: names that go direct, between commas: "*", a host, ".domain" or "domain"
 * (with all below it), an address, a CIDR range, each with ":port" or without. Loopback addresses
 * and localhost always go direct.
 */
#ifndef HTTP_PROXY_H
#define HTTP_PROXY_H

#include <stdbool.h>

#include "base/err.h"
#include "http/url.h"

/*
 * The proxy for u into *proxy. Gives 1, 0 if there is none, or -1 with e set (ERR_ENV): the variable
 * is not an http URL or "host:port".
 */
int proxy_for(struct url *proxy, const struct url *u, struct err *e) must_check;

/* Whether list, in NO_PROXY's form, exempts u. */
bool proxy_exempt(const char *list, const struct url *u);

#endif
