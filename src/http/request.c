#include "http/request.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"

#define DOING "send request"

struct text {
	char *buf;
	size_t len, size; /* len > size: it did not fit */
};

static void put(struct text *t, const char *fmt, ...) print_format(2, 3);

static void put(struct text *t, const char *fmt, ...)
{
	va_list ap;

	if (t->len >= t->size)
		return;
	va_start(ap, fmt);
	t->len += (size_t)vsnprintf(t->buf + t->len, t->size - t->len, fmt, ap);
	va_end(ap);
}

/* No character of a value may end its line, or be taken for a NUL by somebody. */
static bool is_value(const char *s)
{
	for (; *s; s++)
		if (((unsigned char)*s < ' ' && *s != '\t') || *s == 0x7f)
			return false;
	return true;
}

static bool is_token(const char *s)
{
	return *s &&
	       !s[strspn(s, "-_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")];
}

/* Those that this writes itself, and one that would change what the body is. */
static bool is_made_here(const char *name)
{
	static const char *const names[] = {"Host", "User-Agent", "Content-Length",
					    "Transfer-Encoding"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcasecmp(name, names[i]) == 0)
			return true;
	return false;
}

static int check(const struct http_request *rq, struct err *e)
{
	if (!is_token(rq->method))
		return err_set(e, ERR_FIELD, DOING, "its method is no word");
	for (const struct http_header *h = rq->headers; h && h->name; h++) {
		if (!is_token(h->name))
			return err_set(e, ERR_FIELD, DOING, "the name of a header is no word");
		if (is_made_here(h->name))
			return err_set(e, ERR_FIELD, DOING, "header %s: it is made here", h->name);
		if (!is_value(h->value))
			return err_set(e, ERR_FIELD, DOING,
				       "header %s: there are control characters in it", h->name);
	}
	return 0;
}

/* Methods that mean something to send have a length, be it 0 (RFC 9110, 8.6). */
static bool has_length(const struct http_request *rq)
{
	return rq->body || (strcmp(rq->method, "GET") != 0 && strcmp(rq->method, "HEAD") != 0 &&
			    strcmp(rq->method, "DELETE") != 0);
}

size_t request_head(char out[static REQUEST_HEAD_MAX], const struct http_request *rq,
		    const struct url *u, bool absolute, const char *user_agent, struct err *e)
{
	struct text t = {.buf = out, .size = REQUEST_HEAD_MAX};
	char host[URL_AUTHORITY_MAX];

	if (check(rq, e))
		return 0;
	url_authority(host, u, false);
	put(&t, "%s %s%s%s HTTP/1.1\r\nHost: %s\r\nUser-Agent: %s\r\n", rq->method,
	    absolute ? "http://" : "", absolute ? host : "", u->target, host, user_agent);
	for (const struct http_header *h = rq->headers; h && h->name; h++)
		put(&t, "%s: %s\r\n", h->name, h->value);
	if (has_length(rq))
		put(&t, "Content-Length: %zu\r\n", rq->body ? rq->body_len : 0);
	put(&t, "\r\n");
	if (t.len < t.size)
		return t.len;
	err_set(e, ERR_FIELD, DOING, "its URL and headers are longer than %d bytes",
		REQUEST_HEAD_MAX);
	return 0;
}

static bool has_text(const char *name, const char *word)
{
	size_t n = strlen(word);

	for (; *name; name++)
		if (strncasecmp(name, word, n) == 0)
			return true;
	return false;
}

static bool is_secret(const char *name)
{
	static const char *const words[] = {"auth", "token", "cookie", "key", "secret"};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (has_text(name, words[i]))
			return true;
	return false;
}

void request_trace(const struct http_request *rq, const struct url *u)
{
	char host[URL_AUTHORITY_MAX];

	if (!log_tracing())
		return;
	log_trace("%s %s://%s%s", rq->method, u->https ? "https" : "http",
		  url_authority(host, u, false), u->target);
	for (const struct http_header *h = rq->headers; h && h->name; h++)
		log_trace("  %s: %s", h->name, is_secret(h->name) ? "(masked)" : h->value);
	if (rq->body)
		log_trace("  (%zu bytes)", rq->body_len);
}

bool request_repeatable(const struct http_request *rq)
{
	static const char *const safe[] = {"GET", "HEAD", "PUT", "DELETE", "OPTIONS"};

	for (size_t i = 0; i < ARRAY_SIZE(safe); i++)
		if (strcmp(rq->method, safe[i]) == 0)
			return true;
	return rq->repeatable;
}
