#include "http/dns.h"

#include <string.h>

/* Header (RFC 1035, 4.1.1). */
#define HEADER	     12
#define IS_ANSWER    0x80 /* in byte 2 */
#define OPCODE	     0x78
#define IS_TRUNCATED 0x02
#define WANT_RECURSE 0x01
#define RCODE	     0x0f /* in byte 3 */

#define CLASS_IN     1
#define LABEL_MAX    63
#define POINTER	     0xc0
#define RECORD_FIXED 10 /* type, class, TTL, length of data */

enum { RCODE_NONE = 0, RCODE_NAME = 3 };

static uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static void put16(uint8_t *at, unsigned v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

/* Labels of name on the wire, in lower case. Gives their length, 0 if it is no name. */
static size_t put_name(uint8_t out[static DNS_NAME_MAX], const char *name)
{
	size_t at = 0;

	while (*name) {
		size_t n = strcspn(name, ".");

		if (n == 0 || n > LABEL_MAX || at + 1 + n + 1 > DNS_NAME_MAX)
			return 0;
		out[at++] = (uint8_t)n;
		for (size_t i = 0; i < n; i++)
			out[at++] = (uint8_t)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] | 0x20
									       : name[i]);
		name += n;
		if (*name == '.')
			name++;
	}
	if (at)
		out[at++] = 0;
	return at;
}

bool dns_ask(struct dns_query *q, const char *name, uint16_t type, uint16_t id)
{
	size_t n = put_name(q->bytes + HEADER, name);

	memset(q->bytes, 0, HEADER);
	put16(q->bytes, id);
	q->bytes[2] = WANT_RECURSE;
	put16(q->bytes + 4, 1); /* questions */
	put16(q->bytes + HEADER + n, type);
	put16(q->bytes + HEADER + n + 2, CLASS_IN);
	q->type = type;
	q->len = HEADER + n + 4;
	return n > 0;
}

/*
 * A name that begins at *at, in lower case and without pointers, into out; *at moves behind it. A
 * pointer must go backwards, so that there is an end. Gives its length, or 0 if it is none.
 */
static size_t take_name(uint8_t out[static DNS_NAME_MAX], const uint8_t *msg, size_t n, size_t *at)
{
	size_t len = 0, i = *at, limit = *at;
	bool moved = false;

	while (i < n) {
		uint8_t label = msg[i];

		if ((label & POINTER) == POINTER) {
			size_t to;

			if (n - i < 2)
				return 0;
			to = (size_t)(label & ~POINTER) << 8 | msg[i + 1];
			if (!moved)
				*at = i + 2;
			moved = true;
			if (to >= limit)
				return 0;
			i = limit = to;
			continue;
		}
		if (label > LABEL_MAX || n - i < 1u + label || len + 1 + label > DNS_NAME_MAX)
			return 0;
		out[len++] = label;
		for (unsigned j = 1; j <= label; j++) {
			uint8_t c = msg[i + j];

			out[len++] = c >= 'A' && c <= 'Z' ? c | 0x20 : c;
		}
		i += 1u + label;
		if (label == 0) {
			if (!moved)
				*at = i;
			return len;
		}
	}
	return 0;
}

/* A name, and whom it is now called by: CNAMEs lead from one to the next. */
struct owner {
	uint8_t name[DNS_NAME_MAX];
	size_t len;
};

struct record {
	struct owner owner;
	uint16_t type, class;
	size_t data, data_len; /* where in the message */
};

static bool take_record(struct record *r, const uint8_t *msg, size_t n, size_t *at)
{
	r->owner.len = take_name(r->owner.name, msg, n, at);
	if (r->owner.len == 0 || n - *at < RECORD_FIXED)
		return false;
	r->type = get16(msg + *at);
	r->class = get16(msg + *at + 2);
	r->data_len = get16(msg + *at + 8);
	r->data = *at + RECORD_FIXED;
	if (n - r->data < r->data_len)
		return false;
	*at = r->data + r->data_len;
	return true;
}

static bool same_name(const struct owner *a, const struct owner *b)
{
	return a->len == b->len && memcmp(a->name, b->name, a->len) == 0;
}

static void add(struct dns_answer *a, const uint8_t *bytes, uint8_t family)
{
	struct ip *to = &a->ip[a->count];

	if (a->count == DNS_ANSWERS)
		return;
	*to = (struct ip){.family = family};
	memcpy(to->b, bytes, ip_size(to));
	a->count++;
}

/*
 * Read through the answers once for the owner's addresses. Where it is an alias instead, owner
 * becomes the name behind it. Gives false for garbled ones.
 */
static bool look(struct dns_answer *a, struct owner *owner, bool *alias, uint16_t type,
		 const uint8_t *msg, size_t n, size_t at)
{
	unsigned count = get16(msg + 6);
	struct owner target;
	struct record r;

	*alias = false;
	for (unsigned i = 0; i < count; i++) {
		if (!take_record(&r, msg, n, &at))
			return false;
		if (r.class != CLASS_IN || !same_name(&r.owner, owner))
			continue;
		if (r.type == type && r.data_len == (type == DNS_A ? 4 : 16)) {
			add(a, msg + r.data, type == DNS_A ? 4 : 6);
		} else if (r.type == DNS_CNAME && !*alias) {
			size_t data = r.data;

			target.len = take_name(target.name, msg, n, &data);
			if (target.len == 0)
				return false;
			*alias = true;
		}
	}
	if (*alias)
		*owner = target;
	return true;
}

/* Whether msg repeats q's question and nothing else; *at: behind it. */
static bool same_question(const struct dns_query *q, struct owner *asked, const uint8_t *msg,
			  size_t n, size_t *at)
{
	size_t len = q->len - HEADER - 4;

	if (n < HEADER || get16(msg) != get16(q->bytes) || !(msg[2] & IS_ANSWER) ||
	    (msg[2] & OPCODE) || get16(msg + 4) != 1)
		return false;
	*at = HEADER;
	asked->len = take_name(asked->name, msg, n, at);
	if (asked->len != len || memcmp(asked->name, q->bytes + HEADER, len) != 0 || n - *at < 4 ||
	    memcmp(msg + *at, q->bytes + HEADER + len, 4) != 0)
		return false;
	*at += 4;
	return true;
}

enum dns_verdict dns_read(struct dns_answer *a, const struct dns_query *q, const uint8_t *msg,
			  size_t n)
{
	struct owner owner;
	bool alias = true;
	unsigned rcode;
	size_t at;

	a->count = 0;
	if (!same_question(q, &owner, msg, n, &at))
		return DNS_NOT_MINE;
	rcode = msg[3] & RCODE;
	if (rcode == RCODE_NAME)
		return DNS_NO_NAME;
	if (rcode != RCODE_NONE)
		return DNS_TROUBLE;
	if (msg[2] & IS_TRUNCATED)
		return DNS_TRUNCATED;
	for (unsigned i = 0; i <= DNS_ALIASES && alias && a->count == 0; i++)
		if (!look(a, &owner, &alias, q->type, msg, n, at))
			return DNS_NOT_MINE;
	return a->count ? DNS_FOUND : DNS_EMPTY;
}
