#include "http/http.h"

#include <string.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/version.h"
#include "http/connection.h"
#include "http/proxy.h"
#include "http/reply.h"
#include "http/request.h"
#include "http/url.h"

struct http_call {
	struct http *client;
	const struct http_request *rq;
	struct connection connection; /* kept behind the call, for one that comes later */
	bool busy;
	bool reused; /* the connection has served before: the server may have closed it meanwhile */
	struct deadline until;
};

struct http {
	struct http_options options;
	struct http_call calls[HTTP_CALLS];
	unsigned handshakes;
};

const char *http_user_agent(const struct http_options *options)
{
	return options->user_agent ? options->user_agent : "cnibox/" CNIBOX_VERSION;
}

struct http *http_open(const struct http_options *options, struct err *e)
{
	struct http *h = arena_take(sizeof(*h), e);

	if (!h)
		return NULL;
	h->options = *options;
	for (unsigned i = 0; i < HTTP_CALLS; i++) {
		h->calls[i].client = h;
		h->calls[i].connection.fd = -1;
	}
	return h;
}

void http_close(struct http *h)
{
	for (unsigned i = 0; h && i < HTTP_CALLS; i++)
		connection_close(&h->calls[i].connection);
}

unsigned http_handshakes(const struct http *h)
{
	return h->handshakes;
}

/*
 * A free call: with a live connection of this key, else with none, else one whose connection
 * serves another origin and is closed for this. NULL: all are busy.
 */
static struct http_call *choose(struct http *h, const char *key)
{
	struct http_call *best = NULL;

	for (unsigned i = 0; i < HTTP_CALLS; i++) {
		struct http_call *call = &h->calls[i];
		struct connection *c = &call->connection;

		if (call->busy)
			continue;
		if (c->fd >= 0 && !connection_alive(c))
			connection_close(c);
		if (c->fd >= 0 && strcmp(c->key, key) == 0)
			return call;
		if (!best || (best->connection.fd >= 0 && c->fd < 0))
			best = call;
	}
	if (best)
		connection_close(&best->connection);
	return best;
}

/* Where a request goes, for one attempt. */
struct route {
	struct url url, proxy_url;
	const struct url *proxy; /* or NULL */
};

static int find_route(struct route *r, const struct http_request *rq, struct err *e)
{
	int by_proxy = 0;

	r->proxy = NULL;
	if (url_parse(&r->url, rq->url, strlen(rq->url), e))
		return -1;
	if (!rq->direct)
		by_proxy = proxy_for(&r->proxy_url, &r->url, e);
	if (by_proxy > 0)
		r->proxy = &r->proxy_url;
	return by_proxy < 0 ? -1 : 0;
}

static int connect_call(struct http_call *call, const struct route *r, struct err *e)
{
	struct http *h = call->client;
	unsigned ms = call->rq->connect_ms ? call->rq->connect_ms : HTTP_CONNECT_MS;

	call->reused = call->connection.fd >= 0;
	if (call->reused)
		return 0;
	if (connection_open(&call->connection, &r->url, r->proxy, &h->options,
			    deadline_sooner(call->until, deadline_in(ms)), e))
		return -1;
	h->handshakes += call->connection.secure;
	return 0;
}

static int write_request(struct http_call *call, const struct route *r, struct err *e)
{
	static char head[REQUEST_HEAD_MAX];
	const struct http_request *rq = call->rq;
	size_t n = request_head(head, rq, &r->url, r->proxy && !r->url.https,
				http_user_agent(&call->client->options), e);
	int failed;

	if (n == 0)
		return -1;
	failed = connection_write(&call->connection, head, n, call->until, e) ||
		 (rq->body && rq->body_len &&
		  connection_write(&call->connection, rq->body, rq->body_len, call->until, e));
	explicit_bzero(head, sizeof(head));
	return failed ? -1 : 0;
}

static int attempt(struct http_call *call, const struct route *r, struct err *e)
{
	request_trace(call->rq, &r->url);
	return connect_call(call, r, e) || write_request(call, r, e) ? -1 : 0;
}

/* Whether a failure may be that of a kept connection alone, so that a new one is worth a try. */
static bool worth_another(const struct http_call *call, const struct err *e)
{
	return call->reused && e->code == ERR_TRY_AGAIN && request_repeatable(call->rq) &&
	       deadline_left(call->until);
}

static int attempt_anew(struct http_call *call, const struct route *r, struct err *e)
{
	log_trace("%s: %s: once more, by a new connection", call->connection.key, e->msg);
	err_clear(e);
	connection_close(&call->connection);
	return attempt(call, r, e);
}

/* Name the request in its error: without the query, which may be long. */
static void blame(const struct http_request *rq, struct err *e)
{
	int shown = (int)strcspn(rq->url, "?");

	err_prefix(e, "%s %.*s", rq->method, shown > 200 ? 200 : shown, rq->url);
}

/* The call is over: keep the connection, or not. */
static void release(struct http_call *call, bool keep)
{
	call->busy = false;
	if (!keep)
		connection_close(&call->connection);
}

struct http_call *http_send(struct http *h, const struct http_request *rq, struct err *e)
{
	char key[CONNECTION_KEY];
	struct http_call *call;
	struct route r;
	int failed;

	if (find_route(&r, rq, e))
		return NULL;
	connection_key(key, &r.url, r.proxy);
	call = choose(h, key);
	if (!call) {
		err_set(e, ERR_INTERNAL, NULL, "more than %d requests at once", HTTP_CALLS);
		return NULL;
	}
	call->rq = rq;
	call->busy = true;
	call->until = deadline_in(rq->timeout_ms ? rq->timeout_ms : HTTP_TIMEOUT_MS);
	failed = attempt(call, &r, e);
	if (failed && worth_another(call, e))
		failed = attempt_anew(call, &r, e);
	if (!failed)
		return call;
	release(call, false);
	blame(rq, e);
	return NULL;
}

/* Some bytes of the answer, from the connection to the sink. *begun: any have come. */
static int receive_some(struct http_call *call, struct reply *reply, struct http_response *rs,
			bool *begun, struct err *e)
{
	struct connection *c = &call->connection;
	int got = connection_fill(c, call->until, e);
	const char *body;
	size_t body_len;
	ptrdiff_t used;

	if (got < 0)
		return -1;
	if (got == 0)
		return reply_end(reply, e);
	*begun = true;
	used = reply_feed(reply, c->in + c->at, c->end - c->at, &body, &body_len, e);
	if (used < 0)
		return -1;
	c->at += (size_t)used;
	rs->status = reply->status;
	return body_len && rs->sink ? rs->sink(rs->context, body, body_len, e) : 0;
}

static int receive(struct http_call *call, struct reply *reply, struct http_response *rs,
		   bool *begun, struct err *e)
{
	reply_begin(reply, strcmp(call->rq->method, "HEAD") == 0, rs->fields, rs->field_count);
	while (reply->state != REPLY_DONE)
		if (receive_some(call, reply, rs, begun, e))
			return -1;
	return 0;
}

int http_receive(struct http_call *call, struct http_response *rs, struct err *e)
{
	static struct reply reply;
	struct connection *c = &call->connection;
	bool begun = false;
	int failed = receive(call, &reply, rs, &begun, e);

	if (failed && !begun && worth_another(call, e)) {
		struct route r;

		failed = find_route(&r, call->rq, e) || attempt_anew(call, &r, e) ||
			 receive(call, &reply, rs, &begun, e);
	}
	log_trace("%s: %s%u", c->key, failed ? "failed, status " : "status ", reply.status);
	release(call, !failed && reply.keep && connection_alive(c));
	if (failed)
		blame(call->rq, e);
	return failed ? -1 : 0;
}

int http_do(struct http *h, const struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct http_call *call = http_send(h, rq, e);

	return call ? http_receive(call, rs, e) : -1;
}
