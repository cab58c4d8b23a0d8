/*
 * Reads JSON with json/stream, in pieces of changing size, for test/system/test_json.py to compare
 * with what another program understands.
 *
 * Standard input: documents, each behind its length in bytes on a line. Standard output: for each,
 * a line per value that was handed on, "WANT LENGTH TEXT", and a line "refused" or "end".
 */
#include <stdio.h>

#include "base/compiler.h"
#include "json/stream.h"

static char input[1 << 20], value[1 << 20];

static int print(void *context, unsigned want, const char *text, size_t len, struct err *e)
{
	(void)context;
	(void)e;
	printf("%u %zu ", want, len);
	fwrite(text, 1, len, stdout);
	putchar('\n');
	return 0;
}

static int read_document(size_t n, size_t piece, struct err *e)
{
	static const struct json_want wants[] = {{"a", true}, {"name", false}, {NULL, true}};
	struct json_stream s = {.what = "input",
				.wants = wants,
				.want_count = ARRAY_SIZE(wants),
				.buf = value,
				.size = sizeof(value),
				.take = print};

	for (size_t at = 0; at < n; at += piece)
		if (json_stream_feed(&s, input + at, piece < n - at ? piece : n - at, e))
			return -1;
	return json_stream_end(&s, e);
}

int main(void)
{
	size_t n, piece = 0;

	while (scanf("%zu", &n) == 1 && getchar() == '\n' && n <= sizeof(input) &&
	       fread(input, 1, n, stdin) == n) {
		struct err e = {0};

		piece = piece % 17 + 1;
		puts(read_document(n, piece, &e) ? "refused" : "end");
	}
	return ferror(stdin) || fflush(stdout) ? 1 : 0;
}
