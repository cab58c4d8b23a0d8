#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define ALIGNMENT 16u

static _Alignas(ALIGNMENT) unsigned char region[ARENA_SIZE];
static size_t used;
static size_t dirty; /* bytes below this were handed out before a reset */

void *arena_take(size_t n, struct err *e)
{
	size_t want = (n + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
	unsigned char *p = region + used;

	if (want < n || want > ARENA_SIZE - used) {
		err_set(e, ERR_INTERNAL, "take memory", "the input needs more than %u MiB",
			ARENA_SIZE >> 20);
		return NULL;
	}
	if (used < dirty)
		memset(p, 0, want < dirty - used ? want : dirty - used);
	used += want;
	return p;
}

char *arena_text(const char *s, size_t n, struct err *e)
{
	char *p = arena_take(n + 1, e);

	if (p)
		memcpy(p, s, n);
	return p;
}

char *arena_format(struct err *e, const char *fmt, ...)
{
	va_list ap;
	char *p;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	p = arena_take((size_t)n + 1, e);
	if (!p)
		return NULL;
	va_start(ap, fmt);
	vsnprintf(p, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return p;
}

size_t arena_mark(void)
{
	return used;
}

void arena_back(size_t mark)
{
	if (used > dirty)
		dirty = used;
	used = mark;
}

void arena_wipe(void)
{
	arena_reset();
	explicit_bzero(region, dirty);
	dirty = 0;
}

void arena_reset(void)
{
	arena_back(0);
}
