/* json/reader: what it takes, it writes again, and takes that for the same. */
#include "fuzz.h"

#include "base/arena.h"
#include "json/reader.h"
#include "json/writer.h"

#include "../unit/json_echo.h"

static char once[1 << 20], twice[1 << 20];

/* Gives the length of what was understood, written again; -1: refused. */
static long read_and_write(char *to, size_t size, const char *text, size_t n)
{
	struct err e = {0};
	struct json v;
	struct out w;

	arena_reset();
	v = json_open(text, n, "input", &e);
	if (e.code) {
		CHECK(*e.msg);
		return -1;
	}
	json_u32(json_get(v, "a"), 0, 7);
	json_u64(json_get(json_get(v, "a"), "b"), 0, 7);
	err_clear(&e);
	out_begin(&w, to, size);
	w.compact = true;
	echo(&w, NULL, v, &e);
	return out_end(&w, &e) ? -2 : (long)w.len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	long a = read_and_write(once, sizeof(once), (const char *)data, n), b;

	if (a < 0)
		return 0;
	b = read_and_write(twice, sizeof(twice), once, (size_t)a);
	CHECK(a == b && memcmp(once, twice, (size_t)a) == 0);
	return 0;
}
