#include "json/writer.h"

#include <stdio.h>
#include <string.h>

void out_begin(struct out *w, char *buf, size_t size)
{
	*w = (struct out){.buf = buf, .size = size, .first = true};
}

static void put(struct out *w, const char *s, size_t n)
{
	if (n >= w->size - w->len) { /* room for the NUL stays */
		w->full = true;
		return;
	}
	memcpy(w->buf + w->len, s, n);
	w->len += n;
}

static void put_string(struct out *w, const char *s)
{
	char escaped[8];

	put(w, "\"", 1);
	for (; *s; s++) {
		if (*s == '"' || *s == '\\') {
			escaped[0] = '\\';
			escaped[1] = *s;
			put(w, escaped, 2);
		} else if ((unsigned char)*s < ' ') {
			snprintf(escaped, sizeof(escaped), "\\u%04x", (unsigned)*s);
			put(w, escaped, 6);
		} else {
			put(w, s, 1);
		}
	}
	put(w, "\"", 1);
}

static void put_newline(struct out *w)
{
	if (w->compact)
		return;
	put(w, "\n", 1);
	for (unsigned i = 0; i < w->depth; i++)
		put(w, "    ", 4);
}

/* What comes before a value: comma, line, key. */
static void put_lead(struct out *w, const char *key)
{
	if (!w->first)
		put(w, ",", 1);
	if (w->depth > 0)
		put_newline(w);
	w->first = false;
	if (!key)
		return;
	put_string(w, key);
	put(w, ": ", w->compact ? 1 : 2);
}

void out_str(struct out *w, const char *key, const char *value)
{
	put_lead(w, key);
	put_string(w, value);
}

void out_u64(struct out *w, const char *key, uint64_t value)
{
	char digits[24];
	int n = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)value);

	put_lead(w, key);
	put(w, digits, (size_t)n);
}

void out_bool(struct out *w, const char *key, bool value)
{
	put_lead(w, key);
	put(w, value ? "true" : "false", value ? 4 : 5);
}

void out_raw(struct out *w, const char *key, const char *json, size_t len)
{
	put_lead(w, key);
	put(w, json, len);
}

bool out_open(struct out *w, const char *key, char bracket)
{
	put_lead(w, key);
	put(w, &bracket, 1);
	w->depth++;
	w->first = true;
	return true;
}

bool out_close(struct out *w, char bracket)
{
	w->depth--;
	if (!w->first)
		put_newline(w);
	put(w, &bracket, 1);
	w->first = false;
	return false;
}

int out_end(struct out *w, struct err *e)
{
	put(w, "\n", 1);
	w->buf[w->len] = '\0';
	if (w->full)
		return err_set(e, ERR_INTERNAL, "write JSON", "the result is longer than %zu bytes",
			       w->size);
	return 0;
}
