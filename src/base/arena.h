/*
 * Memory of one request: taken in order, given back all at once when the process ends.
 *
 * One static region, so that nothing is asked of the kernel and pages that are not touched cost
 * nothing. Its size is what the largest accepted input needs: 1 MiB of JSON (JSON_TEXT_MAX in
 * json/reader.h) in its densest form, half a million tokens of 20 bytes, beside its own text.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

#include "base/err.h"

#define ARENA_SIZE (16u << 20)

/* n bytes, zeroed, aligned for any type; NULL with e set (ERR_INTERNAL) when the region is full. */
void *arena_take(size_t n, struct err *e) must_check;

/*
 * Of what was taken last, keep only the first n bytes: for a buffer whose size had to be the most that
 * could come. The rest must not have been written to.
 */
void arena_keep(const void *last, size_t n);

/* A copy of n bytes of s, NUL-terminated; NULL with e set when the region is full. */
char *arena_text(const char *s, size_t n, struct err *e) must_check;

/* snprintf into the region; NULL with e set when it is full. */
char *arena_format(struct err *e, const char *fmt, ...) print_format(2, 3) must_check;

/*
 * Give back what was taken since a mark: for what is read one by one, such as the items of a list
 * of any length. Nothing taken in between may be used any more.
 */
size_t arena_mark(void);
void arena_back(size_t mark);

/* Give everything back and overwrite it: there were secrets in it. */
void arena_wipe(void);

/* Give everything back: for tests, fuzzers and commands that work in rounds. */
void arena_reset(void);

#endif
