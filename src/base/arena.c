#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define ALIGNMENT 16u

/* In one piece, so that a small request touches one page of it. */
static struct {
	size_t used;
	size_t dirty; /* bytes below this were handed out before a reset */
	_Alignas(ALIGNMENT) unsigned char region[ARENA_SIZE];
} arena;

void *arena_take(size_t n, struct err *e)
{
	size_t want = (n + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
	unsigned char *p = arena.region + arena.used;

	if (want < n || want > ARENA_SIZE - arena.used) {
		err_set(e, ERR_INTERNAL, "take memory", "the input needs more than %u MiB",
			ARENA_SIZE >> 20);
		return NULL;
	}
	if (arena.used < arena.dirty)
		memset(p, 0, want < arena.dirty - arena.used ? want : arena.dirty - arena.used);
	arena.used += want;
	return p;
}

void arena_keep(const void *last, size_t n)
{
	size_t start = (size_t)((const unsigned char *)last - arena.region);

	arena.used = start + ((n + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1));
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
	return arena.used;
}

void arena_back(size_t mark)
{
	if (arena.used > arena.dirty)
		arena.dirty = arena.used;
	arena.used = mark;
}

void arena_wipe(void)
{
	arena_reset();
	explicit_bzero(arena.region, arena.dirty);
	arena.dirty = 0;
}

void arena_reset(void)
{
	arena_back(0);
}
