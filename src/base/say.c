#include "base/say.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

#define LINE_MAX_BYTES 4096

static char gathered[LINE_MAX_BYTES];
static size_t used;
static int failed; /* errno of the first write that failed */

static void write_out(const char *text, size_t n)
{
	if (!failed && file_write_all(STDOUT_FILENO, text, n))
		failed = errno;
}

void say_bytes(const char *text, size_t n)
{
	if (n > sizeof(gathered) - used) {
		write_out(gathered, used);
		used = 0;
	}
	if (n > sizeof(gathered)) {
		write_out(text, n);
		return;
	}
	memcpy(gathered + used, text, n);
	used += n;
}

void say_text(const char *text)
{
	say_bytes(text, strlen(text));
}

void say(const char *fmt, ...)
{
	char line[LINE_MAX_BYTES];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	say_text(line);
}

int say_end(void)
{
	write_out(gathered, used);
	used = 0;
	errno = failed;
	return failed ? -1 : 0;
}

void complain(const char *fmt, ...)
{
	char line[LINE_MAX_BYTES];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (file_write_all(STDERR_FILENO, line, strlen(line)))
		return; /* there is nowhere left to say so */
}
