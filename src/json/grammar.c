#include "json/grammar.h"

#include <stdbool.h>
#include <string.h>

enum state {
	VALUE,	 /* a value must come */
	ELEMENT, /* after '[': a value, or ']' */
	MEMBER,	 /* after '{': a key, or '}' */
	KEY,	 /* after ',' in an object */
	COLON,
	AFTER, /* a value has ended */
	STRING,
	ESCAPE, /* after a backslash */
	HEX,
	UTF8,
	LITERAL,
	MINUS, /* this and what follows: in a number */
	ZERO,
	INTEGER,
	POINT,
	FRACTION,
	E,
	E_SIGN,
	EXPONENT,
	FAULT,
};

_Static_assert(JSON_DEPTH_MAX <= 64, "one bit of json_grammar.objects per level");

static int fault(struct json_grammar *g, const char *why)
{
	g->state = FAULT;
	g->why = why;
	return -1;
}

static int go(struct json_grammar *g, enum state to)
{
	g->state = (uint8_t)to;
	return 0;
}

static bool is_digit(unsigned char b)
{
	return b >= '0' && b <= '9';
}

/* Bytes that must follow the first one of a UTF-8 sequence, with the bounds of the next; -1: none. */
static int utf8_more(unsigned char b, uint8_t *low, uint8_t *high)
{
	*low = b == 0xe0 ? 0xa0 : b == 0xf0 ? 0x90 : 0x80;
	*high = b == 0xed ? 0x9f : b == 0xf4 ? 0x8f : 0xbf;
	if (b < 0x80)
		return 0;
	if (b < 0xc2 || b > 0xf4)
		return -1;
	return b >= 0xf0 ? 3 : b >= 0xe0 ? 2 : 1;
}

size_t json_utf8(const char *text, size_t len)
{
	const unsigned char *p = (const unsigned char *)text;
	uint8_t low, high;
	int more = utf8_more(p[0], &low, &high);

	if (more < 0 || len <= (size_t)more)
		return 0;
	for (int i = 1; i <= more; i++) {
		if (p[i] < low || p[i] > high)
			return 0;
		low = 0x80;
		high = 0xbf;
	}
	return (size_t)more + 1;
}

static int string_ends(struct json_grammar *g)
{
	go(g, g->key ? COLON : AFTER);
	return g->key ? JSON_KEY_ENDS : JSON_VALUE_ENDS;
}

static int in_string(struct json_grammar *g, unsigned char b)
{
	int more;

	if (b < ' ')
		return fault(g, "want no control character inside a string");
	if (b == '"')
		return string_ends(g);
	if (b == '\\')
		return go(g, ESCAPE);
	more = utf8_more(b, &g->low, &g->high);
	if (more < 0)
		return fault(g, "want valid UTF-8");
	g->left = (uint8_t)more;
	return go(g, more ? UTF8 : STRING);
}

static int in_utf8(struct json_grammar *g, unsigned char b)
{
	if (b < g->low || b > g->high)
		return fault(g, "want valid UTF-8");
	g->low = 0x80;
	g->high = 0xbf;
	return go(g, --g->left ? UTF8 : STRING);
}

static int in_escape(struct json_grammar *g, unsigned char b)
{
	if (!b || !strchr("\"\\/bfnrtu", b))
		return fault(g, "want an escape such as \\n or \\u0041");
	g->left = 4;
	return go(g, b == 'u' ? HEX : STRING);
}

static int in_hex(struct json_grammar *g, unsigned char b)
{
	if (!is_digit(b) && !((b | 0x20) >= 'a' && (b | 0x20) <= 'f'))
		return fault(g, "want four hexadecimal digits after \\u");
	return go(g, --g->left ? HEX : STRING);
}

static int in_literal(struct json_grammar *g, unsigned char b)
{
	if (b != (unsigned char)*g->letter)
		return fault(g, "want a value");
	if (*++g->letter)
		return 0;
	go(g, AFTER);
	return JSON_VALUE_ENDS;
}

/* Gives false where b is no part of the number, which may be over. */
static bool in_number(struct json_grammar *g, unsigned char b)
{
	bool digit = is_digit(b), e = b == 'e' || b == 'E';
	enum state state = (enum state)g->state, to = FAULT;

	if (state == MINUS)
		to = b == '0' ? ZERO : digit ? INTEGER : FAULT;
	else if (state == POINT || state == FRACTION)
		to = digit ? FRACTION : e && state == FRACTION ? E : FAULT;
	else if (state == E && (b == '+' || b == '-'))
		to = E_SIGN;
	else if (state >= E)
		to = digit ? EXPONENT : FAULT;
	else if (digit && state == INTEGER)
		to = INTEGER;
	else if (b == '.' || e)
		to = e ? E : POINT;
	if (to == FAULT)
		return false;
	go(g, to);
	return true;
}

static bool may_end(enum state state)
{
	return state == ZERO || state == INTEGER || state == FRACTION || state == EXPONENT;
}

static int open_container(struct json_grammar *g, bool object)
{
	if (g->depth == JSON_DEPTH_MAX)
		return fault(g, "nested too deeply");
	g->objects = (g->objects & ~((uint64_t)1 << g->depth)) | (uint64_t)object << g->depth;
	g->depth++;
	go(g, object ? MEMBER : ELEMENT);
	return JSON_VALUE_BEGINS;
}

static int close_container(struct json_grammar *g)
{
	g->depth--;
	go(g, AFTER);
	return JSON_VALUE_ENDS;
}

static int begin_literal(struct json_grammar *g, const char *rest)
{
	g->letter = rest;
	go(g, LITERAL);
	return JSON_VALUE_BEGINS;
}

static int begin_string(struct json_grammar *g, bool key)
{
	g->key = key;
	go(g, STRING);
	return key ? JSON_KEY_BEGINS : JSON_VALUE_BEGINS;
}

static int begin_value(struct json_grammar *g, unsigned char b)
{
	if (b == '{' || b == '[')
		return open_container(g, b == '{');
	if (b == '"')
		return begin_string(g, false);
	if (b == 't')
		return begin_literal(g, "rue");
	if (b == 'f')
		return begin_literal(g, "alse");
	if (b == 'n')
		return begin_literal(g, "ull");
	if (b != '-' && !is_digit(b))
		return fault(g, "want a value");
	go(g, b == '-' ? MINUS : b == '0' ? ZERO : INTEGER);
	return JSON_VALUE_BEGINS;
}

static int after_value(struct json_grammar *g, unsigned char b)
{
	bool object;

	if (g->depth == 0)
		return fault(g, "want nothing after the document");
	object = g->objects >> (g->depth - 1) & 1;
	if (b == ',')
		return go(g, object ? KEY : VALUE);
	if (b == (object ? '}' : ']'))
		return close_container(g);
	return fault(g, object ? "want ',' or '}'" : "want ',' or ']'");
}

/* Between the words of the grammar. */
static int in_between(struct json_grammar *g, unsigned char b)
{
	if (b == ' ' || b == '\t' || b == '\n' || b == '\r')
		return 0;
	switch (g->state) {
	case ELEMENT:
		return b == ']' ? close_container(g) : begin_value(g, b);
	case MEMBER:
		if (b == '}')
			return close_container(g);
		/* fallthrough */
	case KEY:
		return b == '"' ? begin_string(g, true)
				: fault(g, "want a string in double quotes");
	case COLON:
		return b == ':' ? go(g, VALUE) : fault(g, "want ':' after the key");
	case AFTER:
		return after_value(g, b);
	default:
		return begin_value(g, b);
	}
}

int json_grammar_next(struct json_grammar *g, unsigned char b)
{
	int rest;

	switch (g->state) {
	case STRING:
		return in_string(g, b);
	case ESCAPE:
		return in_escape(g, b);
	case HEX:
		return in_hex(g, b);
	case UTF8:
		return in_utf8(g, b);
	case LITERAL:
		return in_literal(g, b);
	case FAULT:
		return -1;
	default:
		break;
	}
	if (g->state < MINUS)
		return in_between(g, b);
	if (in_number(g, b))
		return 0;
	if (!may_end((enum state)g->state))
		return fault(g, "want a digit");
	go(g, AFTER);
	rest = in_between(g, b);
	return rest < 0 ? -1 : JSON_NUMBER_ENDED | rest;
}

int json_grammar_end(struct json_grammar *g)
{
	if (g->state == FAULT)
		return -1;
	if (g->state >= STRING && g->state <= UTF8)
		return fault(g, "the text ends inside a string");
	if (g->depth == 0 && (g->state == AFTER || may_end((enum state)g->state)))
		return 0;
	return fault(g, "the text ends too early");
}

long json_grammar_fault(const char *text, size_t len, const char **why)
{
	struct json_grammar g = {0};
	size_t i;

	for (i = 0; i < len; i++)
		if (json_grammar_next(&g, (unsigned char)text[i]) < 0)
			break;
	if (i == len && json_grammar_end(&g) == 0)
		return -1;
	*why = g.why;
	return (long)i;
}
