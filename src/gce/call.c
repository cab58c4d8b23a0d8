#include "gce/call.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/number.h"
#include "gce/metadata.h"
#include "gce/retry.h"
#include "gce/token.h"
#include "http/url.h"

#define ANSWER_MS 30000

/* An answer on its way in. */
struct reading {
	const struct gce_request *rq;
	struct http_response rs;
	struct json_stream stream;
	size_t len; /* of the document, or of what refuses it, in document[] */
};

static char document[GCE_DOCUMENT_MAX];

static int keep_document(void *context, unsigned want, const char *text, size_t len, struct err *e)
{
	struct reading *r = context;

	(void)want;
	(void)text;
	(void)e;
	r->len = len;
	return 0;
}

/* A refusal is kept as it is, as far as there is room: nobody knows what it is. */
static int take_bytes(void *context, const char *bytes, size_t n, struct err *e)
{
	struct reading *r = context;
	size_t room = sizeof(document) - r->len;

	if (r->rs.status < 300)
		return json_stream_feed(&r->stream, bytes, n, e);
	n = n < room ? n : room;
	memcpy(document + r->len, bytes, n);
	r->len += n;
	return 0;
}

static void begin_reading(struct reading *r, const struct gce_request *rq)
{
	static const struct json_want whole = {NULL, false};

	*r = (struct reading){.rq = rq};
	r->rs.sink = take_bytes;
	r->rs.context = r;
	r->stream = (struct json_stream){.what = "the API's answer",
					 .wants = rq->wants ? rq->wants : &whole,
					 .want_count = rq->wants ? rq->want_count : 1,
					 .buf = document,
					 .size = sizeof(document),
					 .take = rq->wants ? rq->take : keep_document,
					 .context = rq->wants ? rq->context : r};
}

static unsigned at_most(unsigned ms, struct deadline until)
{
	unsigned left = (unsigned)deadline_left(until);

	return left == 0 ? 1 : ms < left ? ms : left;
}

/* One try. Gives 0, or -1 with e set and what the answer asks for in *verdict. */
static int try_once(struct gce *g, const struct gce_request *rq, const char *url,
		    struct gce_answer *a, enum gce_verdict *verdict, unsigned *retry_after,
		    struct err *e)
{
	static char bearer[GCE_TOKEN_MAX + 8];
	const struct http_header headers[] = {
		{"Authorization", bearer},
		{"Accept", "application/json"},
		{rq->body ? "Content-Type" : NULL, "application/json"},
		{0}};
	struct http_request http = {
		.method = rq->method,
		.url = url,
		.headers = headers,
		.body = rq->body			  ? rq->body
			: strcmp(rq->method, "POST") == 0 ? ""
							  : NULL,
		.body_len = rq->body ? strlen(rq->body) : 0,
		.timeout_ms = at_most(rq->wait_ms ? rq->wait_ms : ANSWER_MS, g->until),
		.repeatable = true, /* every change has a requestId */
	};
	struct http_field later = {.name = "Retry-After"};
	struct reading r;
	int failed;

	*verdict = GCE_FINAL;
	*retry_after = 0;
	a->refusal.status = 0;
	if (gce_token(g, e))
		return -1;
	snprintf(bearer, sizeof(bearer), "Bearer %s", g->token);
	begin_reading(&r, rq);
	r.rs.fields = &later;
	r.rs.field_count = 1;
	failed = http_do(g->http, &http, &r.rs, e);
	explicit_bzero(bearer, sizeof(bearer));
	if (failed) {
		if (e->code == ERR_TRY_AGAIN)
			*verdict = GCE_AGAIN;
		return -1;
	}
	if (r.rs.status < 300) {
		if (json_stream_end(&r.stream, e))
			return -1;
		a->text = document;
		a->len = r.len;
		return 0;
	}
	if (!number_parse(retry_after, later.value, 3600))
		*retry_after = 0;
	gce_refusal_read(&a->refusal, r.rs.status, document, r.len);
	*verdict = gce_judge(r.rs.status, a->refusal.reason);
	return err_set(e, r.rs.status >= 500 ? ERR_TRY_AGAIN : ERR_STATE, NULL, "%s%s%s%s",
		       a->refusal.message, *a->refusal.reason ? " (" : "", a->refusal.reason,
		       *a->refusal.reason ? ")" : "");
}

/* Which scopes the instance's token has: that is what to change. */
static void say_scopes(struct gce *g, struct err *e)
{
	char scopes[1024];
	struct err none = {0};

	if (g->credentials.type != GCE_NO_FILE || g->token_file ||
	    gce_metadata(g, "instance/service-accounts/default/scopes", scopes, sizeof(scopes),
			 &none) <= 0)
		return;
	for (char *p = scopes; *p; p++)
		if (*p == '\n')
			*p = ' ';
	err_hint(e,
		 "this instance's scopes are %s; routes need "
		 "https://www.googleapis.com/auth/compute or .../cloud-platform",
		 scopes);
}

static int refuse(struct gce *g, const struct gce_request *rq, const struct gce_answer *a,
		  struct err *e)
{
	err_prefix(e, "%s", rq->doing);
	if (!a->refusal.status)
		return -1;
	if (strcmp(a->refusal.reason, "insufficientPermissions") == 0 ||
	    strcmp(a->refusal.reason, "ACCESS_TOKEN_SCOPE_INSUFFICIENT") == 0)
		say_scopes(g, e);
	if (*gce_refusal_hint(&a->refusal))
		err_hint(e, "%s", gce_refusal_hint(&a->refusal));
	return -1;
}

int gce_call(struct gce *g, const struct gce_request *rq, struct gce_answer *a, struct err *e)
{
	const char *endpoint = g->options->endpoint ? g->options->endpoint : GCE_ENDPOINT;
	char url[URL_MAX];
	enum gce_verdict verdict;
	unsigned retry_after;
	bool fresh = false;

	a->refusal.status = 0;
	if (snprintf(url, sizeof(url), "%s/compute/v1/projects/%s%s%s%s", endpoint,
		     rq->project ? rq->project : g->project, rq->path, rq->query ? "?" : "",
		     rq->query ? rq->query : "") >= (int)sizeof(url))
		return err_set(e, ERR_USAGE, rq->doing, "the names in it are too long");
	for (unsigned next = 2; try_once(g, rq, url, a, &verdict, &retry_after, e); next++) {
		if (verdict == GCE_NEW_TOKEN) {
			gce_token_drop(g);
			verdict = fresh ? GCE_FINAL : GCE_NEW_TOKEN;
			fresh = true;
		}
		if (gce_try_again(verdict, next, retry_after, g->until, e))
			return refuse(g, rq, a, e);
		if (rq->again)
			rq->again(rq->context);
	}
	return 0;
}

const char *gce_path(const char *url, const char *project, struct err *e)
{
	const char *at = strstr(url, "projects/");

	if (at)
		return at;
	return arena_format(e, "projects/%s/%s", project, url);
}

const char *gce_basename(const char *url)
{
	const char *slash = strrchr(url, '/');

	return slash ? slash + 1 : url;
}
