/*
 * An answer of HTTP/1.1 (RFC 9112) as a state machine over bytes, fed as they come.
 *
 * What may be read in two ways is refused, as somebody between may read it in the other: both
 * Content-Length and Transfer-Encoding, two lengths that differ, lines that end in LF alone, folded
 * lines, blanks before a colon, control characters.
 */
#ifndef HTTP_REPLY_H
#define HTTP_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "http/http.h"

#define REPLY_LINE_MAX	8192  /* of a status line, a field, a chunk's size with its extensions */
#define REPLY_HEAD_MAX	65536 /* of all of them before a body, and again behind it */
#define REPLY_LINES_MAX 200   /* of a head, and again of trailers */
#define REPLY_1XX_MAX	10    /* provisional answers before the real one */

enum reply_state {
	REPLY_STATUS,
	REPLY_FIELDS,
	REPLY_LENGTH,	 /* a body of known length */
	REPLY_UNTIL_END, /* one that ends with the connection */
	REPLY_CHUNK_SIZE,
	REPLY_CHUNK,
	REPLY_CHUNK_END,
	REPLY_TRAILERS,
	REPLY_DONE,
};

struct reply {
	unsigned status;
	bool keep; /* the connection may serve another request */

	enum reply_state state;
	bool no_body; /* it answers HEAD, or CONNECT with success: none follows */
	bool old;     /* HTTP/1.0 */
	bool chunked, has_length;
	uint64_t left; /* of the body, or of this chunk */
	unsigned provisional, lines;
	size_t head; /* bytes of this head so far */
	bool cr;     /* the last byte of a line was CR */
	char line[REPLY_LINE_MAX];
	size_t len;
	struct http_field *fields;
	size_t field_count;
};

/* Begin; no_body as above. fields are filled in as they come; borrowed. */
void reply_begin(struct reply *r, bool no_body, struct http_field *fields, size_t field_count);

/*
 * Take bytes, up to and with the next piece of the body, or to the end of the answer (state
 * REPLY_DONE), or all n. *body, *body_len: the piece, within bytes; none: 0.
 *
 * Gives how many were taken, or -1 with e set (ERR_STATE).
 */
ptrdiff_t reply_feed(struct reply *r, const char *bytes, size_t n, const char **body,
		     size_t *body_len, struct err *e) must_check;

/* The connection has ended. Gives 0 if that ends the answer, or -1 with e set (ERR_TRY_AGAIN). */
int reply_end(struct reply *r, struct err *e) must_check;

#endif
