#include "http/reply.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define DOING	      "read answer"
#define CHUNK_DIGITS  15 /* of a chunk's size, in hex */
#define LENGTH_DIGITS 18

static int bad(struct err *e, const char *what)
{
	return err_set(e, ERR_STATE, DOING, "the server does not keep to HTTP/1.1: %s", what);
}

static void begin_head(struct reply *r)
{
	r->state = REPLY_STATUS;
	r->keep = true;
	r->old = r->chunked = r->has_length = false;
	r->left = 0;
	r->lines = 0;
	r->head = 0;
	for (size_t i = 0; i < r->field_count; i++)
		r->fields[i].value[0] = '\0';
}

void reply_begin(struct reply *r, bool no_body, struct http_field *fields, size_t field_count)
{
	r->status = 0;
	r->no_body = no_body;
	r->provisional = 0;
	r->cr = false;
	r->len = 0;
	r->fields = fields;
	r->field_count = field_count;
	begin_head(r);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "HTTP/1.1 200 OK"; the reason, which says nothing to a program, may lack. */
static int take_status(struct reply *r, struct err *e)
{
	const char *s = r->line;

	if (strncmp(s, "HTTP/1.1 ", 9) != 0 && strncmp(s, "HTTP/1.0 ", 9) != 0)
		return bad(e, "its first line does not begin with HTTP/1.1");
	if (s[9] < '1' || s[9] > '9' || !is_digit(s[10]) || !is_digit(s[11]) ||
	    (s[12] && s[12] != ' '))
		return bad(e, "its status is no number of three digits");
	r->old = s[7] == '0';
	if (r->old)
		r->keep = false;
	r->status = (unsigned)(s[9] - '0') * 100 + (unsigned)(s[10] - '0') * 10 +
		    (unsigned)(s[11] - '0');
	r->state = REPLY_FIELDS;
	return 0;
}

static int take_length(struct reply *r, const char *value, struct err *e)
{
	uint64_t length = 0;
	size_t n = strspn(value, "0123456789");

	if (n == 0 || n > LENGTH_DIGITS || value[n])
		return bad(e, "Content-Length is no number");
	for (; *value; value++)
		length = length * 10 + (uint64_t)(*value - '0');
	if (r->has_length && length != r->left)
		return bad(e, "it has two Content-Lengths that differ");
	r->has_length = true;
	r->left = length;
	return 0;
}

/* Whether the list between commas has the word. */
static bool has_word(const char *list, const char *word)
{
	while (*list) {
		size_t n;

		list += strspn(list, ", \t");
		n = strcspn(list, ", \t");
		if (n == strlen(word) && strncasecmp(list, word, n) == 0)
			return true;
		list += n;
	}
	return false;
}

/* The fields that say how the answer is to be read. */
static int heed(struct reply *r, const char *name, const char *value, struct err *e)
{
	if (strcasecmp(name, "Content-Length") == 0)
		return take_length(r, value, e);
	if (strcasecmp(name, "Transfer-Encoding") == 0) {
		if (strcasecmp(value, "chunked") != 0 || r->chunked || r->old)
			return bad(e, "a Transfer-Encoding that was not asked for");
		r->chunked = true;
	} else if (strcasecmp(name, "Connection") == 0) {
		if (has_word(value, "close"))
			r->keep = false;
	} else if (strcasecmp(name, "Content-Encoding") == 0 &&
		   strcasecmp(value, "identity") != 0) {
		return bad(e, "a Content-Encoding that was not asked for");
	}
	return 0;
}

/* Hand it on to those who want to see it. */
static void keep_field(struct reply *r, const char *name, const char *value)
{
	for (size_t i = 0; i < r->field_count; i++) {
		struct http_field *f = &r->fields[i];

		if (!f->value[0] && strcasecmp(name, f->name) == 0 &&
		    strlen(value) < HTTP_VALUE_MAX)
			snprintf(f->value, HTTP_VALUE_MAX, "%s", value);
	}
}

/* RFC 9110, 5.6.2 */
static bool is_token(const char *s)
{
	return *s && !s[strspn(s, "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
				  "ABCDEFGHIJKLMNOPQRSTUVWXYZ")];
}

static int take_field(struct reply *r, struct err *e)
{
	char *value = strchr(r->line, ':');
	size_t n;

	if (r->line[0] == ' ' || r->line[0] == '\t')
		return bad(e, "a header field goes on in the next line");
	if (!value)
		return bad(e, "a header field without a colon");
	*value++ = '\0';
	if (!is_token(r->line))
		return bad(e, "a header field's name is no word");
	value += strspn(value, " \t");
	for (n = strlen(value); n && strchr(" \t", value[n - 1]); n--)
		value[n - 1] = '\0';
	if (r->state == REPLY_TRAILERS)
		return 0; /* too late to say anything that counts */
	keep_field(r, r->line, value);
	return heed(r, r->line, value, e);
}

/* The empty line behind the fields: what follows (RFC 9112, 6.3). */
static int end_head(struct reply *r, struct err *e)
{
	if (r->status == 101)
		return bad(e, "it changes to a protocol that was not asked for");
	if (r->status < 200) {
		if (++r->provisional > REPLY_1XX_MAX)
			return bad(e, "it does not come to an end with provisional answers");
		begin_head(r);
		return 0;
	}
	if (r->chunked && r->has_length)
		return bad(e, "it has both a Content-Length and a Transfer-Encoding");
	if (r->no_body || r->status == 204 || r->status == 304)
		r->state = REPLY_DONE;
	else if (r->chunked)
		r->state = REPLY_CHUNK_SIZE;
	else if (r->has_length)
		r->state = r->left ? REPLY_LENGTH : REPLY_DONE;
	else
		r->state = REPLY_UNTIL_END;
	if (r->state == REPLY_UNTIL_END)
		r->keep = false;
	r->head = 0;
	r->lines = 0;
	return 0;
}

static int hex_value(char c)
{
	if (is_digit(c))
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A chunk's size, and extensions, which nobody knows (RFC 9112, 7.1.1). */
static int take_chunk_size(struct reply *r, struct err *e)
{
	const char *s = r->line;
	unsigned digits = 0;

	for (r->left = 0; hex_value(*s) >= 0; s++)
		if (++digits <= CHUNK_DIGITS)
			r->left = r->left << 4 | (unsigned)hex_value(*s);
	s += strspn(s, " \t");
	if (digits == 0 || digits > CHUNK_DIGITS || (*s && *s != ';'))
		return bad(e, "a chunk's size is no number");
	r->state = r->left ? REPLY_CHUNK : REPLY_TRAILERS;
	r->head = 0;
	r->lines = 0;
	return 0;
}

/* A whole line, without its end. */
static int take_line(struct reply *r, struct err *e)
{
	r->line[r->len] = '\0';
	r->len = 0;
	switch (r->state) {
	case REPLY_STATUS:
		return take_status(r, e);
	case REPLY_FIELDS:
		return r->line[0] ? take_field(r, e) : end_head(r, e);
	case REPLY_CHUNK_SIZE:
		return take_chunk_size(r, e);
	case REPLY_CHUNK_END:
		if (r->line[0])
			return bad(e, "a chunk is longer than its size");
		r->state = REPLY_CHUNK_SIZE;
		return 0;
	case REPLY_TRAILERS:
		if (r->line[0])
			return take_field(r, e);
		r->state = REPLY_DONE;
		return 0;
	case REPLY_LENGTH:
	case REPLY_UNTIL_END:
	case REPLY_CHUNK:
	case REPLY_DONE:
		break;
	}
	return 0;
}

/* A byte of a line. CR LF ends it, and neither stands anywhere else. */
static int take_byte(struct reply *r, char c, struct err *e)
{
	if (++r->head > REPLY_HEAD_MAX)
		return bad(e, "its header is too long");
	if (r->cr) {
		if (c != '\n')
			return bad(e, "a CR within a line");
		r->cr = false;
		if (++r->lines > REPLY_LINES_MAX)
			return bad(e, "it has too many header fields");
		return take_line(r, e);
	}
	if (c == '\r') {
		r->cr = true;
		return 0;
	}
	if (c == '\n')
		return bad(e, "a line ends in LF alone");
	if (((unsigned char)c < ' ' && c != '\t') || c == 0x7f)
		return bad(e, "a control character in its header");
	if (r->len == sizeof(r->line) - 1)
		return bad(e, "a line is too long");
	r->line[r->len++] = c;
	return 0;
}

/* Bytes of the body that are at hand. */
static size_t take_body(struct reply *r, size_t n)
{
	if (r->state == REPLY_UNTIL_END)
		return n;
	if (n > r->left)
		n = (size_t)r->left;
	r->left -= n;
	if (r->left == 0)
		r->state = r->state == REPLY_LENGTH ? REPLY_DONE : REPLY_CHUNK_END;
	return n;
}

ptrdiff_t reply_feed(struct reply *r, const char *bytes, size_t n, const char **body,
		     size_t *body_len, struct err *e)
{
	size_t at = 0;

	*body = NULL;
	*body_len = 0;
	while (at < n && r->state != REPLY_DONE) {
		if (r->state == REPLY_LENGTH || r->state == REPLY_UNTIL_END ||
		    r->state == REPLY_CHUNK) {
			*body = bytes + at;
			*body_len = take_body(r, n - at);
			return (ptrdiff_t)(at + *body_len);
		}
		if (take_byte(r, bytes[at++], e))
			return -1;
	}
	return (ptrdiff_t)at;
}

int reply_end(struct reply *r, struct err *e)
{
	if (r->state == REPLY_UNTIL_END)
		r->state = REPLY_DONE;
	if (r->state == REPLY_DONE)
		return 0;
	return err_set(e, ERR_TRY_AGAIN, DOING,
		       r->status ? "the connection has ended in the middle of it"
				 : "the connection has ended before it");
}
