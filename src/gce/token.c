#include "gce/token.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/file.h"
#include "gce/jwt.h"
#include "gce/metadata.h"
#include "gce/retry.h"
#include "http/url.h"
#include "json/reader.h"

#define SCOPE "https://www.googleapis.com/auth/compute"

/*
 * The metadata server gives the same token until some minutes before its end: asking earlier than
 * that, as Google's own library has it, would only bring the old one.
 */
#define EARLIER_SECONDS	   225
#define LIFETIME_MAX	   86400
#define TOKEN_FILE_SECONDS 60 /* how long a file's content is taken to be true */
#define ANSWER_MS	   30000

#define GRANT_ASSERTION "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer"

struct text {
	char bytes[GCE_TOKEN_MAX * 2];
	size_t len;
};

static int collect(void *context, const char *bytes, size_t n, struct err *e)
{
	struct text *t = context;

	if (n > sizeof(t->bytes) - t->len)
		return err_set(e, ERR_STATE, NULL, "the answer is longer than %zu bytes",
			       sizeof(t->bytes));
	memcpy(t->bytes + t->len, bytes, n);
	t->len += n;
	return 0;
}

static int64_t now_ms(void)
{
	struct timespec now = clock_now(CLOCK_MONOTONIC);

	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/*
 * The functions that have returned had secrets in their frames: a key's numbers, BearSSL's products
 * of them, forms that were sent. Their places are below this one's.
 */
__attribute__((noinline)) static void wipe_stack(void)
{
	char below[65536];

	explicit_bzero(below, sizeof(below));
}

/* Characters of RFC 6750's b64token: what a header may carry. */
static bool is_token(const char *text)
{
	for (const char *p = text; *p; p++)
		if (*p <= ' ' || *p > '~')
			return false;
	return *text;
}

static int keep(struct gce *g, const char *token, uint32_t seconds, struct err *e)
{
	uint32_t spare = seconds > EARLIER_SECONDS ? seconds - EARLIER_SECONDS : 0;

	if (!is_token(token) || strlen(token) >= sizeof(g->token))
		return err_set(e, ERR_STATE, "read the access token", "it is empty, or is none");
	memcpy(g->token, token, strlen(token) + 1);
	g->token_until = now_ms() + (int64_t)spare * 1000;
	return 0;
}

/* {"access_token": ..., "expires_in": ..., "token_type": "Bearer"} */
static int keep_answer(struct gce *g, const char *text, size_t n, const char *what, struct err *e)
{
	struct json v = json_open(text, n, what, e);
	const char *token = e->code ? "" : json_str(json_get(v, "access_token"), "");
	uint32_t seconds = e->code ? 0 : json_u32(json_get(v, "expires_in"), 0, LIFETIME_MAX);

	/* Not as the reader says it: it would show the value. */
	if (e->code || seconds == 0) {
		err_clear(e);
		return err_set(e, ERR_STATE, "get an access token", "%s holds none", what);
	}
	return keep(g, token, seconds, e);
}

static int from_metadata(struct gce *g, struct err *e)
{
	char text[GCE_TOKEN_MAX * 2];
	int found =
		gce_metadata(g, "instance/service-accounts/default/token", text, sizeof(text), e);

	if (found < 0)
		return -1;
	if (!found) {
		err_set(e, ERR_STATE, "get an access token",
			"this instance has no service account");
		err_hint(e, "gcloud compute instances set-service-account gives it one");
		return -1;
	}
	found = keep_answer(g, text, strlen(text), "the metadata server's answer", e);
	explicit_bzero(text, sizeof(text));
	return found;
}

static int from_file(struct gce *g, struct err *e)
{
	cleanup_fd int fd = openat(AT_FDCWD, g->token_file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char text[GCE_TOKEN_MAX];
	ssize_t n = fd < 0 ? -1 : file_read_all(fd, text, sizeof(text) - 1);

	if (n < 0)
		return err_sys(e, ERR_CONFIG, "read the access token", errno, "%s", g->token_file);
	while (n > 0 && strchr(" \r\n", text[n - 1]))
		n--;
	text[n] = '\0';
	if (keep(g, text, EARLIER_SECONDS + TOKEN_FILE_SECONDS, e))
		err_prefix(e, "%s", g->token_file);
	explicit_bzero(text, sizeof(text));
	return e->code ? -1 : 0;
}

/* The form that is posted, in the arena; NULL with e set. */
static const char *grant(const struct gce_credentials *c, struct err *e)
{
	struct timespec now = clock_now(CLOCK_REALTIME);
	char jwt[GCE_JWT_MAX], id[512], key[512], refresh[GCE_JWT_MAX];

	if (c->type == GCE_SERVICE_ACCOUNT) {
		if (gce_jwt_make(jwt, c, SCOPE, (uint64_t)now.tv_sec, e))
			return NULL;
		return arena_format(e, "grant_type=%s&assertion=%s", GRANT_ASSERTION, jwt);
	}
	if (url_escape(id, sizeof(id), c->client_id) >= sizeof(id) ||
	    url_escape(key, sizeof(key), c->client_secret) >= sizeof(key) ||
	    url_escape(refresh, sizeof(refresh), c->refresh_token) >= sizeof(refresh)) {
		err_set(e, ERR_CONFIG, "get an access token", "the credentials are too long");
		return NULL;
	}
	return arena_format(
		e, "grant_type=refresh_token&client_id=%s&client_secret=%s&refresh_token=%s", id,
		key, refresh);
}

/* The endpoint has refused: {"error": "invalid_grant", "error_description": "..."}. */
static int refused(const struct gce_credentials *c, unsigned status, const struct text *t,
		   struct err *e)
{
	struct err none = {0};
	struct json v = json_open(t->bytes, t->len, "the answer", &none);
	const char *error = none.code ? "" : json_str(json_get(v, "error"), "");
	const char *words = none.code ? "" : json_str(json_get(v, "error_description"), "");

	err_set(e, ERR_STATE, "get an access token", "%s: HTTP status %u%s%s%s%s", c->token_uri,
		status, *error ? ", " : "", error, *words ? ": " : "", words);
	if (strcmp(error, "invalid_grant") == 0)
		err_hint(e, c->type == GCE_SERVICE_ACCOUNT
				    ? "is this machine's clock right, and does the key still exist?"
				    : "log in again: gcloud auth application-default login");
	return -1;
}

static int post_grant(struct gce *g, struct text *t, enum gce_verdict *verdict, struct err *e)
{
	static const struct http_header headers[] = {
		{"Content-Type", "application/x-www-form-urlencoded"}, {0}};
	const struct gce_credentials *c = &g->credentials;
	const char *body = grant(c, e);
	struct http_request rq = {.method = "POST",
				  .url = c->token_uri,
				  .headers = headers,
				  .body = body,
				  .timeout_ms = ANSWER_MS,
				  .repeatable = true};
	struct http_response rs = {.sink = collect, .context = t};

	*verdict = GCE_FINAL;
	if (!body)
		return -1;
	rq.body_len = strlen(body);
	t->len = 0;
	if (http_do(g->http, &rq, &rs, e)) {
		if (e->code == ERR_TRY_AGAIN)
			*verdict = GCE_AGAIN;
		err_prefix(e, "get an access token");
		return -1;
	}
	if (rs.status < 300)
		return 0;
	*verdict = gce_judge(rs.status, "");
	if (*verdict == GCE_NEW_TOKEN)
		*verdict = GCE_FINAL;
	return refused(c, rs.status, t, e);
}

/* A new assertion for each try: one that was refused would be again. */
static int from_credentials(struct gce *g, struct err *e)
{
	static struct text t;
	enum gce_verdict verdict;
	int result;

	for (unsigned next = 2; (result = post_grant(g, &t, &verdict, e)); next++) {
		if (gce_try_again(verdict, next, 0, g->until, e))
			break;
	}
	if (result == 0)
		result = keep_answer(g, t.bytes, t.len, "the token endpoint's answer", e);
	explicit_bzero(&t, sizeof(t));
	wipe_stack();
	return result;
}

int gce_token(struct gce *g, struct err *e)
{
	if (g->token_until > now_ms())
		return 0;
	if (g->credentials.type != GCE_NO_FILE)
		return from_credentials(g, e);
	return g->token_file ? from_file(g, e) : from_metadata(g, e);
}

void gce_token_drop(struct gce *g)
{
	g->token_until = 0;
}
