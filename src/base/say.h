/*
 * What a command says: to standard output, gathered and written at the end or when there is much
 * of it, and to standard error, at once. In place of stdio, whose streams, locks and seeking are
 * 3 KiB of which nothing here is needed.
 */
#ifndef BASE_SAY_H
#define BASE_SAY_H

#include <stddef.h>

#include "base/compiler.h"

/* To standard output. */
void say(const char *fmt, ...) print_format(1, 2);
/* The same for a text of any length; what say() can take in one go ends at 4 KiB. */
void say_text(const char *text);
/* The same for n bytes. */
void say_bytes(const char *bytes, size_t n);

/*
 * Write what is left. Gives 0, or -1 with the errno of the first write that failed: a full disk, a
 * closed pipe.
 */
int say_end(void) must_check;

/* To standard error; a line of up to 4 KiB. */
void complain(const char *fmt, ...) print_format(1, 2);

#endif
