/*
 * Regular expressions, as far as lists of allowed names use them: literals, . [a-z] [^a-z] * + ?
 * ( ) (?: ) | ^ $, \d \w \s and their opposites, and \ before any other sign for itself. Bytes, no
 * locale. (libc's cost 60 KiB.) Matching takes time in proportion to pattern and text.
 */
#ifndef BASE_PATTERN_H
#define BASE_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

#define PATTERN_STEPS 256 /* about one for each sign of the pattern */

struct pattern_step {
	uint8_t kind;
	int16_t to, or_to; /* where it goes on, relative to here */
	uint8_t set[32];   /* bytes that it takes, a bit each */
};

struct pattern {
	struct pattern_step step[PATTERN_STEPS];
	unsigned steps;
};

/* Gives NULL, or what is wrong with text. */
const char *pattern_compile(struct pattern *p, const char *text) must_check;

/* Is there a match anywhere in text? */
bool pattern_found(const struct pattern *p, const char *text);

#endif
