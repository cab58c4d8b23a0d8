/*
 * Reads JSON with json/reader and writes what it has understood with json/writer, for
 * test/system/test_json.py to compare with what another program understands.
 *
 * Standard input: documents, each behind its length in bytes on a line. Standard output: a line for
 * each, "refused" or the document in one line. A string with a NUL, which the reader refuses, is
 * written as null.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "json_echo.h"
#include "json/reader.h"
#include "json/writer.h"

static char input[JSON_TEXT_MAX], output[8 * JSON_TEXT_MAX];

int main(void)
{
	size_t n;

	while (scanf("%zu", &n) == 1 && getchar() == '\n' && n <= sizeof(input) &&
	       fread(input, 1, n, stdin) == n) {
		struct err e = {0};
		struct json v;
		struct out w;

		arena_reset();
		v = json_open(input, n, "input", &e);
		if (e.code) {
			puts("refused");
			continue;
		}
		out_begin(&w, output, sizeof(output));
		w.compact = true;
		echo(&w, NULL, v, &e);
		if (e.code || out_end(&w, &e))
			return 1;
		fputs(output, stdout);
	}
	return ferror(stdin) || fflush(stdout) ? 1 : 0;
}
