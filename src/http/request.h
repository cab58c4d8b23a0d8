/*
 * A request as bytes, and as lines for the log.
 */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "http/http.h"
#include "http/url.h"

#define REQUEST_HEAD_MAX 16384 /* a URL of 4 KiB, a token of 4, and more */

/*
 * Everything before the body. absolute: the whole URL, as a proxy wants it for http.
 *
 * Gives its length, or 0 with e set (ERR_FIELD): no method, no header (RFC 9110, 5), or too long.
 * It may hold what authorizes: wipe it.
 */
size_t request_head(char out[static REQUEST_HEAD_MAX], const struct http_request *rq,
		    const struct url *u, bool absolute, const char *user_agent,
		    struct err *e) must_check;

/* Log it where DEBUG asks for that, without what authorizes. */
void request_trace(const struct http_request *rq, const struct url *u);

/* Whether it may be sent twice though the server may have acted on it (RFC 9110, 9.2.2). */
bool request_repeatable(const struct http_request *rq);

#endif
