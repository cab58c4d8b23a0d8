/* http/reply: an answer fed whole, byte by byte and in two pieces must be read the same way. */
#include "fuzz.h"

#include "http/reply.h"

#define BODY_MAX 20000

struct outcome {
	enum { ENDED, OPEN, REFUSED } how;
	unsigned status;
	bool keep;
	size_t used, body_len;
	char body[BODY_MAX];
	char type[HTTP_VALUE_MAX];
};

/* Feed pieces of n bytes, the first of them of first bytes. */
static void read_it(struct outcome *o, const char *data, size_t n, size_t first, size_t step)
{
	struct http_field field = {.name = "Content-Type"};
	static struct reply r;
	struct err e = {0};

	o->used = o->body_len = 0;
	reply_begin(&r, n && data[n - 1] == 'H', &field, 1);
	for (size_t piece = first; o->used < n && r.state != REPLY_DONE; piece = step) {
		size_t left = n - o->used;
		size_t end = o->used + (piece < left ? piece : left);

		while (o->used < end && r.state != REPLY_DONE) {
			const char *body;
			size_t len;
			ptrdiff_t used =
				reply_feed(&r, data + o->used, end - o->used, &body, &len, &e);

			if (used < 0) {
				CHECK(e.code == ERR_STATE);
				o->how = REFUSED;
				return;
			}
			CHECK(used > 0 && (size_t)used <= end - o->used);
			CHECK(len == 0 ||
			      (body >= data + o->used && body + len <= data + o->used + used));
			if (o->body_len + len <= BODY_MAX && len)
				memcpy(o->body + o->body_len, body, len);
			o->body_len += len;
			o->used += (size_t)used;
		}
	}
	o->how = r.state == REPLY_DONE || reply_end(&r, &e) == 0 ? ENDED : OPEN;
	o->status = r.status;
	o->keep = r.keep;
	memcpy(o->type, field.value, sizeof(o->type));
	CHECK(o->how != ENDED || (r.status >= 200 && r.status <= 999));
}

static void same(const struct outcome *a, const struct outcome *b)
{
	CHECK(a->how == b->how);
	if (a->how == REFUSED)
		return;
	CHECK(a->status == b->status && a->keep == b->keep && a->used == b->used);
	CHECK(a->body_len == b->body_len);
	CHECK(memcmp(a->body, b->body, a->body_len < BODY_MAX ? a->body_len : BODY_MAX) == 0);
	CHECK(strcmp(a->type, b->type) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct outcome whole, other;
	const char *text = (const char *)data;

	read_it(&whole, text, n, n, n);
	read_it(&other, text, n, 1, 1);
	same(&whole, &other);
	read_it(&other, text, n, n / 2 + 1, n);
	same(&whole, &other);
	return 0;
}
