/* json/stream: a text whole and in pieces gives the same, and the same as the reader finds in it. */
#include "fuzz.h"

#include "base/arena.h"
#include "json/reader.h"
#include "json/stream.h"

static const struct json_want wants[] = {
	{"items", true}, {"nextPageToken", false}, {"error", false}, {NULL, true}};

/* What was handed on, one after the other. */
struct seen {
	char text[1 << 17];
	size_t len, values;
};

static struct seen whole, pieces;

static int note(void *context, unsigned want, const char *text, size_t len, struct err *e)
{
	struct seen *s = context;
	const char *why;

	CHECK(want < sizeof(wants) / sizeof(*wants));
	CHECK(json_grammar_fault(text, len, &why) < 0);
	CHECK(s->len + len + 1 <= sizeof(s->text));
	s->text[s->len++] = (char)want;
	memcpy(s->text + s->len, text, len);
	s->len += len;
	s->values++;
	(void)e;
	return 0;
}

static int read_text(struct seen *s, const char *text, size_t n, size_t step)
{
	static char value[4096];
	struct err e = {0};
	struct json_stream stream = {.what = "input",
				     .wants = wants,
				     .want_count = sizeof(wants) / sizeof(*wants),
				     .buf = value,
				     .size = sizeof(value),
				     .take = note,
				     .context = s};

	s->len = s->values = 0;
	for (size_t at = 0; at < n; at += step)
		if (json_stream_feed(&stream, text + at, step < n - at ? step : n - at, &e))
			return -(int)e.code;
	return json_stream_end(&stream, &e) ? -(int)e.code : 0;
}

/* Elements of the last "items" of an object without others of that name, by the other reader. */
static void same_as_reader(const char *text, size_t n)
{
	struct err e = {0};
	struct json v = json_open(text, n, "input", &e);
	size_t count = 0;

	CHECK(e.code == 0 || e.code == ERR_INTERNAL);
	if (e.code || json_type(v) != JSON_ARRAY)
		return;
	json_each(one, v) {
		(void)one;
		count++;
	}
	CHECK(count == whole.values);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *text = (const char *)data;
	int result = read_text(&whole, text, n, n + 1);
	size_t step = n ? data[n - 1] % 7 + 1u : 1;

	arena_reset();
	CHECK(read_text(&pieces, text, n, step) == result);
	CHECK(pieces.len == whole.len && memcmp(pieces.text, whole.text, whole.len) == 0);
	if (result == 0)
		same_as_reader(text, n);
	return 0;
}
