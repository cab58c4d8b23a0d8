/*
 * The log: one line per event, appended to a file, each by one write so that plugins running side
 * by side do not mix. No log file (read-only or missing directory) is no error: a node without
 * /var/log must work too.
 *
 * DEBUG=1 (any number above 0) in the environment adds a line for each kernel operation and its
 * outcome.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

#include "base/compiler.h"

#define LOG_SIZE_MAX (8L << 20) /* then the file is renamed to FILE.1 and begun anew */

/*
 * Log to path from now on. who, e.g. "bash-cni", heads every line; borrowed.
 * Without this call, traces go to standard error where DEBUG asks for them, the rest nowhere.
 */
void log_open(const char *path, const char *who);

/* One line; a newline in it is written as a space, another control character as '?'. */
void log_line(const char *fmt, ...) print_format(1, 2);

/* The same, only where DEBUG asks for it. */
void log_trace(const char *fmt, ...) print_format(1, 2);
bool log_tracing(void);

#endif
