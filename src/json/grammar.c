#include "json/grammar.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct cursor {
	const unsigned char *p, *end;
	const char *why;
	uint64_t objects; /* bit d: the container at depth d is an object */
	unsigned depth;
};

_Static_assert(JSON_DEPTH_MAX <= 64, "one bit of cursor.objects per level");

static bool fault(struct cursor *c, const char *why)
{
	c->why = why;
	return false;
}

static int peek(const struct cursor *c)
{
	return c->p < c->end ? *c->p : -1;
}

static void skip_space(struct cursor *c)
{
	while (c->p < c->end && (*c->p == ' ' || *c->p == '\t' || *c->p == '\n' || *c->p == '\r'))
		c->p++;
}

static bool is_digit(int b)
{
	return b >= '0' && b <= '9';
}

static bool digits(struct cursor *c)
{
	if (!is_digit(peek(c)))
		return fault(c, "want a digit");
	while (is_digit(peek(c)))
		c->p++;
	return true;
}

static bool number(struct cursor *c)
{
	if (peek(c) == '-')
		c->p++;
	if (peek(c) == '0')
		c->p++;
	else if (!digits(c))
		return false;
	if (peek(c) == '.') {
		c->p++;
		if (!digits(c))
			return false;
	}
	if (peek(c) == 'e' || peek(c) == 'E') {
		c->p++;
		if (peek(c) == '+' || peek(c) == '-')
			c->p++;
		if (!digits(c))
			return false;
	}
	return true;
}

static bool literal(struct cursor *c, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(c->end - c->p) < n || memcmp(c->p, word, n) != 0)
		return fault(c, "want a value");
	c->p += n;
	return true;
}

size_t json_utf8(const char *text, size_t len)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t more = p[0] >= 0xf0 ? 3 : p[0] >= 0xe0 ? 2 : 1;
	unsigned low = 0x80, high = 0xbf;

	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4 || len <= more)
		return 0;
	if (p[0] == 0xe0)
		low = 0xa0;
	else if (p[0] == 0xed)
		high = 0x9f;
	else if (p[0] == 0xf0)
		low = 0x90;
	else if (p[0] == 0xf4)
		high = 0x8f;
	for (size_t i = 1; i <= more; i++) {
		if (p[i] < low || p[i] > high)
			return 0;
		low = 0x80;
		high = 0xbf;
	}
	return more + 1;
}

static bool escape(struct cursor *c)
{
	int b;

	c->p++;
	b = peek(c);
	if (b <= 0 || !strchr("\"\\/bfnrtu", b))
		return fault(c, "want an escape such as \\n or \\u0041");
	c->p++;
	if (b != 'u')
		return true;
	for (int i = 0; i < 4; i++, c->p++) {
		b = peek(c);
		if (!is_digit(b) && !(b >= 'a' && b <= 'f') && !(b >= 'A' && b <= 'F'))
			return fault(c, "want four hexadecimal digits after \\u");
	}
	return true;
}

static bool string(struct cursor *c)
{
	if (peek(c) != '"')
		return fault(c, "want a string in double quotes");
	c->p++;
	for (;;) {
		int b = peek(c);
		size_t n;

		if (b < 0)
			return fault(c, "the text ends inside a string");
		if (b < ' ')
			return fault(c, "want no control character inside a string");
		if (b == '"') {
			c->p++;
			return true;
		}
		if (b == '\\') {
			if (!escape(c))
				return false;
			continue;
		}
		n = json_utf8((const char *)c->p, (size_t)(c->end - c->p));
		if (n == 0)
			return fault(c, "want valid UTF-8");
		c->p += n;
	}
}

/* A key and its colon. */
static bool key(struct cursor *c)
{
	skip_space(c);
	if (!string(c))
		return false;
	skip_space(c);
	if (peek(c) != ':')
		return fault(c, "want ':' after the key");
	c->p++;
	return true;
}

static bool open_container(struct cursor *c, bool object)
{
	if (c->depth == JSON_DEPTH_MAX)
		return fault(c, "nested too deeply");
	c->p++;
	c->objects = (c->objects & ~((uint64_t)1 << c->depth)) | (uint64_t)object << c->depth;
	c->depth++;
	return true;
}

/* After a value: close what ends here. *more says whether a further value must follow. */
static bool close_containers(struct cursor *c, bool *more)
{
	for (;;) {
		bool object;

		if (c->depth == 0) {
			*more = false;
			return true;
		}
		object = c->objects >> (c->depth - 1) & 1;
		skip_space(c);
		if (peek(c) == ',') {
			c->p++;
			*more = true;
			return !object || key(c);
		}
		if (peek(c) != (object ? '}' : ']'))
			return fault(c, c->p == c->end ? "the text ends too early"
					: object       ? "want ',' or '}'"
						       : "want ',' or ']'");
		c->p++;
		c->depth--;
	}
}

static bool scalar(struct cursor *c)
{
	switch (peek(c)) {
	case '"':
		return string(c);
	case 't':
		return literal(c, "true");
	case 'f':
		return literal(c, "false");
	case 'n':
		return literal(c, "null");
	case -1:
		return fault(c, "the text ends too early");
	default:
		if (peek(c) != '-' && !is_digit(peek(c)))
			return fault(c, "want a value");
		return number(c);
	}
}

static bool document(struct cursor *c)
{
	bool more = true;

	while (more) {
		int b;

		skip_space(c);
		b = peek(c);
		if (b == '{' || b == '[') {
			if (!open_container(c, b == '{'))
				return false;
			skip_space(c);
			if (peek(c) != (b == '{' ? '}' : ']')) {
				if (b == '{' && !key(c))
					return false;
				continue;
			}
			c->p++;
			c->depth--;
		} else if (!scalar(c)) {
			return false;
		}
		if (!close_containers(c, &more))
			return false;
	}
	skip_space(c);
	return c->p == c->end || fault(c, "want nothing after the document");
}

long json_grammar_fault(const char *text, size_t len, const char **why)
{
	const unsigned char *start = (const unsigned char *)text;
	struct cursor c = {.p = start, .end = start + len};

	if (document(&c))
		return -1;
	*why = c.why;
	return (long)(c.p - start);
}
