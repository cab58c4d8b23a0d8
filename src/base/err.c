#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The functions behind the macros of these names. */
#undef err_set
#undef err_sys

static void compose(struct err *e, const char *doing, int sys, const char *fmt, va_list ap)
	print_format(4, 0);

static void compose(struct err *e, const char *doing, int sys, const char *fmt, va_list ap)
{
	size_t room = sizeof(e->msg);
	size_t used = 0;

	/* snprintf gives what it would have written: clip before going on. */
#define APPEND(call)                                                                               \
	do {                                                                                       \
		int n = (call);                                                                    \
		used += n < 0 ? 0 : (size_t)n;                                                     \
		if (used >= room)                                                                  \
			used = room - 1;                                                           \
	} while (0)

	e->msg[0] = '\0';
	if (doing)
		APPEND(snprintf(e->msg, room, "%s: ", doing));
	APPEND(vsnprintf(e->msg + used, room - used, fmt, ap));
	if (sys)
		APPEND(snprintf(e->msg + used, room - used, ": %s", strerror(sys)));
#undef APPEND
}

int err_set(struct err *e, enum err_code code, const char *doing, const char *fmt, ...)
{
	va_list ap;

	if (e->code)
		return -1;
	e->code = code;
	e->sys = 0;
	va_start(ap, fmt);
	compose(e, doing, 0, fmt, ap);
	va_end(ap);
	return -1;
}

int err_sys(struct err *e, enum err_code code, const char *doing, int sys, const char *fmt, ...)
{
	va_list ap;

	if (e->code)
		return -1;
	e->code = code;
	e->sys = sys;
	va_start(ap, fmt);
	compose(e, doing, sys, fmt, ap);
	va_end(ap);
	if (sys == EPERM && geteuid() != 0)
		err_hint(e, "run it as root");
	return -1;
}

void err_prefix(struct err *e, const char *fmt, ...)
{
	char msg[sizeof(e->msg)];
	size_t room = sizeof(msg) - 1;
	va_list ap;
	int n;

	if (!e->code)
		return;
	va_start(ap, fmt);
	n = vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= room)
		return; /* the reason matters more than the attempt */
	room -= (size_t)n;
	snprintf(msg + n, room + 1, ": %.*s", (int)room, e->msg);
	memcpy(e->msg, msg, sizeof(msg));
}

void err_hint(struct err *e, const char *fmt, ...)
{
	va_list ap;

	if (e->details[0])
		return;
	va_start(ap, fmt);
	vsnprintf(e->details, sizeof(e->details), fmt, ap);
	va_end(ap);
}

void err_clear(struct err *e)
{
	e->code = 0;
	e->sys = 0;
	e->msg[0] = e->details[0] = '\0';
}
