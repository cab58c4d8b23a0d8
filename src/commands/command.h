/*
 * What the command line applets have in common: how they fail and how they print.
 */
#ifndef COMMANDS_COMMAND_H
#define COMMANDS_COMMAND_H

#include <stdbool.h>

#include "base/err.h"

/* Print "NAME: message" and the hint below it to standard error; gives the exit status, 1 or 2. */
int command_fail(const char *name, const struct err *e);

/* Complain about the command line and point to --help; gives 2. */
int command_usage(const char *name, const char *fmt, ...) print_format(2, 3);

/* Take the word of --format, "text" or "json". Gives 0, or -1 with e set (ERR_USAGE). */
int command_format(const char *word, bool *json, struct err *e) must_check;

/* Flush standard output; a full disk or closed pipe turns status 0 into 1 and is said. */
int command_end(const char *name, int status);

#endif
