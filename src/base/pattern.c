#include "base/pattern.h"

#include <string.h>

/*
 * A pattern becomes a list of steps; matching follows all ways through it at once (Thompson 1968).
 * Where steps go on is relative, so that a step can be put before others that are there already.
 */
enum kind {
	TAKE, /* a byte of the set */
	FORK, /* go on at both places */
	FIRST,
	LAST,
	DONE,
};

struct compiler {
	struct pattern *p;
	const char *at;
	const char *fault; /* the first one */
	unsigned depth;
};

#define DEPTH_MAX 32 /* of parentheses */

static void fail(struct compiler *c, const char *why)
{
	if (!c->fault)
		c->fault = why;
}

static unsigned insert(struct compiler *c, unsigned at, enum kind kind, int to, int or_to)
{
	struct pattern *p = c->p;

	if (p->steps == PATTERN_STEPS) {
		fail(c, "it is too long");
		return 0;
	}
	memmove(&p->step[at + 1], &p->step[at], (p->steps++ - at) * sizeof(p->step[0]));
	p->step[at] = (struct pattern_step){
		.kind = (uint8_t)kind, .to = (int16_t)to, .or_to = (int16_t)or_to};
	return at;
}

static unsigned append(struct compiler *c, enum kind kind, int to, int or_to)
{
	return insert(c, c->p->steps, kind, to, or_to);
}

static void set_range(uint8_t set[static 32], unsigned from, unsigned to)
{
	for (unsigned i = from; i <= to; i++)
		set[i / 8] |= (uint8_t)(1u << i % 8);
}

static bool in_set(const uint8_t set[static 32], unsigned char byte)
{
	return set[byte / 8] & 1u << byte % 8;
}

/* The sign behind a backslash, into a set. */
static void read_escape(struct compiler *c, uint8_t set[static 32])
{
	char sign = *c->at;
	uint8_t found[32] = {0};

	c->at += sign != '\0';
	switch (sign | 0x20) {
	case 'w':
		set_range(found, '_', '_');
		set_range(found, 'a', 'z');
		set_range(found, 'A', 'Z');
		set_range(found, '0', '9');
		break;
	case 'd':
		set_range(found, '0', '9');
		break;
	case 's':
		set_range(found, '\t', '\r');
		set_range(found, ' ', ' ');
		break;
	default:
		if (!sign || (sign >= '0' && sign <= '9') ||
		    ((sign | 0x20) >= 'a' && (sign | 0x20) <= 'z'))
			fail(c, "what stands behind a \\ is not understood");
		set_range(set, (unsigned char)sign, (unsigned char)sign);
		return;
	}
	for (unsigned i = 0; i < 32; i++)
		set[i] |= sign & 0x20 ? found[i] : (uint8_t)~found[i];
}

/* "a-z0-9]", behind the bracket. */
static void read_brackets(struct compiler *c, uint8_t set[static 32])
{
	bool negated = *c->at == '^', first = true;

	c->at += negated;
	for (; *c->at && (*c->at != ']' || first); first = false) {
		unsigned from = (unsigned char)*c->at++, to = from;

		if (from == '\\') {
			read_escape(c, set);
			continue;
		}
		if (from == '[' && *c->at == ':')
			fail(c, "classes such as [:alpha:] are not understood");
		if (c->at[0] == '-' && c->at[1] && c->at[1] != ']') {
			to = (unsigned char)c->at[1];
			c->at += 2;
		}
		if (from > to)
			fail(c, "a range has its ends the wrong way round");
		else
			set_range(set, from, to);
	}
	if (*c->at++ != ']') {
		c->at--;
		fail(c, "a [ has no ]");
	}
	for (unsigned i = 0; negated && i < 32; i++)
		set[i] = (uint8_t)~set[i];
}

static void read_choices(struct compiler *c);

static void read_group(struct compiler *c)
{
	if (c->at[0] == '?' && c->at[1] == ':')
		c->at += 2;
	if (*c->at == '?')
		fail(c, "what stands behind (? is not understood");
	if (++c->depth > DEPTH_MAX)
		fail(c, "parentheses are nested too deeply");
	else
		read_choices(c);
	c->depth--;
	if (*c->at == ')')
		c->at++;
	else
		fail(c, "a ( has no )");
}

static void read_atom(struct compiler *c)
{
	unsigned char sign = (unsigned char)*c->at++;
	uint8_t set[32] = {0};

	switch (sign) {
	case '(':
		read_group(c);
		return;
	case '^':
		append(c, FIRST, 1, 0);
		return;
	case '$':
		append(c, LAST, 1, 0);
		return;
	case '*':
	case '+':
	case '?':
		fail(c, "there is nothing to repeat");
		return;
	case '[':
		read_brackets(c, set);
		break;
	case '\\':
		read_escape(c, set);
		break;
	case '.':
		set_range(set, 0, 255);
		break;
	case '{':
		fail(c, "{ is not understood");
		return;
	default:
		set_range(set, sign, sign);
	}
	memcpy(c->p->step[append(c, TAKE, 1, 0)].set, set, sizeof(set));
}

/* An atom, and how often. */
static void read_piece(struct compiler *c)
{
	unsigned start = c->p->steps;
	int len;
	char sign;

	read_atom(c);
	sign = *c->at;
	if (!sign || !strchr("*+?", sign))
		return;
	c->at++;
	if (*c->at == '?') /* as few as possible: the same, where only whether counts */
		c->at++;
	len = (int)(c->p->steps - start);
	if (sign == '+') {
		append(c, FORK, -len, 1);
		return;
	}
	insert(c, start, FORK, 1, sign == '*' ? len + 2 : len + 1);
	if (sign == '*')
		append(c, FORK, -(len + 1), -(len + 1));
}

static void read_choices(struct compiler *c)
{
	unsigned start = c->p->steps, end;

	while (*c->at && *c->at != '|' && *c->at != ')' && !c->fault)
		read_piece(c);
	if (*c->at != '|' || c->fault)
		return;
	c->at++;
	insert(c, start, FORK, 1, (int)(c->p->steps - start) + 2);
	end = append(c, FORK, 0, 0);
	read_choices(c);
	c->p->step[end].to = c->p->step[end].or_to = (int16_t)(c->p->steps - end);
}

const char *pattern_compile(struct pattern *p, const char *text)
{
	struct compiler c = {.p = p, .at = text};

	p->steps = 0;
	read_choices(&c);
	if (*c.at == ')')
		fail(&c, "a ) has no (");
	append(&c, DONE, 0, 0);
	return c.fault;
}

/* --- matching ---------------------------------------------------------------------------------- */

struct places {
	uint8_t bit[PATTERN_STEPS / 8];
};

/* Come to a step, and on to wherever that leads without taking a byte. */
static bool arrive(const struct pattern *p, struct places *set, unsigned at, bool first, bool last)
{
	const struct pattern_step *s = &p->step[at];

	if (set->bit[at / 8] & 1u << at % 8)
		return false;
	set->bit[at / 8] |= (uint8_t)(1u << at % 8);
	switch ((enum kind)s->kind) {
	case FORK:
		return arrive(p, set, at + (unsigned)s->to, first, last) ||
		       arrive(p, set, at + (unsigned)s->or_to, first, last);
	case FIRST:
		return first && arrive(p, set, at + 1, first, last);
	case LAST:
		return last && arrive(p, set, at + 1, first, last);
	case TAKE:
		return false;
	case DONE:
		return true;
	}
	return false;
}

bool pattern_found(const struct pattern *p, const char *text)
{
	struct places now = {{0}}, next;

	for (const char *at = text;; at++) {
		bool last = at[0] && !at[1];

		if (arrive(p, &now, 0, at == text, !*at)) /* a match may begin anywhere */
			return true;
		if (!*at)
			return false;
		memset(&next, 0, sizeof(next));
		for (unsigned i = 0; i < p->steps; i++)
			if (now.bit[i / 8] & 1u << i % 8 && p->step[i].kind == TAKE &&
			    in_set(p->step[i].set, (unsigned char)*at) &&
			    arrive(p, &next, i + 1, false, last))
				return true;
		now = next;
	}
}
