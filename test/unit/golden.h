/*
 * Messages recorded from other programs: test/unit/golden/record.sh makes them.
 */
#ifndef GOLDEN_H
#define GOLDEN_H

#include <stdio.h>

#include "unit.h"

/* Fill buf with the bytes of test/unit/golden/NAME.hex; gives their count. */
static inline size_t golden_read(const char *name, unsigned char *buf, size_t size)
{
	char path[128], line[256];
	size_t n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "test/unit/golden/%s.hex", name);
	f = fopen(path, "re");
	if (!f)
		fail_msg("cannot open %s: run from the top of the tree", path);
	while (fgets(line, sizeof(line), f)) {
		unsigned byte;
		int used;

		for (const char *p = line; *p != '#' && sscanf(p, "%2x%n", &byte, &used) == 1;
		     p += used) {
			assert_true(n < size);
			buf[n++] = (unsigned char)byte;
		}
	}
	fclose(f);
	assert_true(n > 0);
	return n;
}

#endif
