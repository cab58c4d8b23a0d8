/*
 * Read a JSON text of any length as it comes, in any pieces, in bounded memory: the values that are
 * wanted are handed on one by one, whole, each as a text that json_open can read; all else is
 * checked (RFC 8259) and dropped.
 */
#ifndef JSON_STREAM_H
#define JSON_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "json/grammar.h"

#define JSON_STREAM_KEY_MAX 64 /* bytes of a key as written; a longer one is none that is wanted */

/* A value to be handed on. */
struct json_want {
	const char *key; /* of a member of the outermost object; NULL: the document itself */
	bool elements;	 /* each element of the array there, in place of the array */
};

struct json_stream {
	/* Filled in by the caller; the rest is zeroed. */
	const char *what; /* the text's name in messages */
	const struct json_want *wants;
	unsigned want_count; /* at most 8 */
	char *buf;	     /* for one value at a time */
	size_t size;
	/* A value. Gives 0, or -1 with e set, which ends the reading. */
	int (*take)(void *context, unsigned want, const char *text, size_t len, struct err *e);
	void *context;

	struct json_grammar grammar;
	uint64_t offset; /* bytes that were read */
	size_t len;	 /* of the value in buf, so far */
	bool taking;	 /* a value that is wanted has begun ... */
	unsigned want;	 /* ... this one ... */
	unsigned depth;	 /* ... in so many containers */
	unsigned member; /* the wants that are in this member of the outermost object, as bits */
	char key[JSON_STREAM_KEY_MAX];
	size_t key_len;
};

/*
 * The next n bytes. Gives 0, or -1 with e set: ERR_DECODE where the text is no JSON (its byte is
 * counted), ERR_STATE where a wanted value is longer than size, or what take has set.
 */
int json_stream_feed(struct json_stream *s, const char *bytes, size_t n, struct err *e) must_check;

/* The text has ended. Gives 0, or -1 with e set as above. */
int json_stream_end(struct json_stream *s, struct err *e) must_check;

#endif
