#include "json/stream.h"

#include <string.h>

#include "json/unescape.h"

static int not_json(const struct json_stream *s, struct err *e)
{
	return err_set(e, ERR_DECODE, "read JSON", "%s, byte %llu: %s", s->what,
		       (unsigned long long)s->offset + 1, s->grammar.why);
}

/* A key of the outermost object has been read, quotes and all: who wants its value? */
static void match_key(struct json_stream *s)
{
	char name[JSON_STREAM_KEY_MAX];

	s->member = 0;
	if (s->key_len > sizeof(s->key))
		return;
	json_unescape(name, s->key + 1, s->key + s->key_len - 1);
	for (unsigned i = 0; i < s->want_count; i++)
		if (s->wants[i].key && strcmp(s->wants[i].key, name) == 0)
			s->member |= 1u << i;
}

/* Does want i ask for a value that begins inside depth containers? */
static bool wanted_here(const struct json_stream *s, unsigned i, unsigned depth)
{
	const struct json_want *w = &s->wants[i];
	bool first_is_object = s->grammar.objects & 1, second_is_object = s->grammar.objects & 2;

	if (!w->key)
		return w->elements ? depth == 1 && !first_is_object : depth == 0;
	if (!(s->member & 1u << i) || !first_is_object)
		return false;
	return w->elements ? depth == 2 && !second_is_object : depth == 1;
}

static void begin(struct json_stream *s, unsigned depth)
{
	for (unsigned i = 0; i < s->want_count; i++) {
		if (!wanted_here(s, i, depth))
			continue;
		s->taking = true;
		s->want = i;
		s->depth = depth;
		s->len = 0;
		return;
	}
}

static int deliver(struct json_stream *s, struct err *e)
{
	s->taking = false;
	return s->take(s->context, s->want, s->buf, s->len, e);
}

static int too_long(const struct json_stream *s, struct err *e)
{
	const char *key = s->wants[s->want].key;

	return err_set(e, ERR_STATE, "read JSON", "%s, byte %llu: %s is longer than %zu bytes",
		       s->what, (unsigned long long)s->offset + 1, key ? key : "it", s->size);
}

static int take_byte(struct json_stream *s, char b, struct err *e)
{
	unsigned depth = s->grammar.depth;
	int mark = json_grammar_next(&s->grammar, (unsigned char)b);

	if (mark < 0)
		return not_json(s, e);
	if (mark & JSON_NUMBER_ENDED && s->taking && depth == s->depth && deliver(s, e))
		return -1;
	if (mark & JSON_KEY_BEGINS && depth == 1)
		s->key_len = 0;
	if (depth == 1 && s->grammar.key) {
		if (s->key_len < sizeof(s->key))
			s->key[s->key_len] = b;
		s->key_len++;
	}
	if (mark & JSON_KEY_ENDS && depth == 1)
		match_key(s);
	if (mark & JSON_VALUE_BEGINS && !s->taking)
		begin(s, depth);
	if (s->taking) {
		if (s->len == s->size)
			return too_long(s, e);
		s->buf[s->len++] = b;
	}
	if (mark & JSON_VALUE_ENDS && s->taking && s->grammar.depth == s->depth)
		return deliver(s, e);
	return 0;
}

int json_stream_feed(struct json_stream *s, const char *bytes, size_t n, struct err *e)
{
	for (size_t i = 0; i < n; i++, s->offset++)
		if (take_byte(s, bytes[i], e))
			return -1;
	return 0;
}

int json_stream_end(struct json_stream *s, struct err *e)
{
	if (json_grammar_end(&s->grammar))
		return not_json(s, e);
	return s->taking ? deliver(s, e) : 0;
}
