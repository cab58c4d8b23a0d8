#include "ipam/lease_table.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/file.h"

#define FIRST_ROOM 256 /* what a /24 holds: the usual share of a node */

static int grow(struct lease_table *t, struct err *e)
{
	unsigned room = t->room ? 2 * t->room : FIRST_ROOM;
	struct lease *more = arena_take(room * sizeof(*more), e);

	if (!more)
		return -1;
	if (t->count)
		memcpy(more, t->lease, t->count * sizeof(*more));
	t->lease = more;
	t->room = room;
	return 0;
}

/* Enter a file of the directory, if its name is an address: nothing else is ever a lease. */
static int enter(const char *name, void *arg, struct err *e)
{
	struct lease_table *t = arg;
	struct lease l = {.state = LEASE_UNREAD};

	if (!ip_parse(&l.ip, name))
		return 0;
	if (t->count == t->room && grow(t, e))
		return -1;
	l.name = arena_text(name, strlen(name), e);
	if (!l.name)
		return -1;
	t->lease[t->count++] = l;
	return 0;
}

/* Move the lease at l[at] down, in steps of gap, to behind the first one that is not above it. */
static void settle(struct lease *l, unsigned at, unsigned gap)
{
	struct lease moving = l[at];

	for (; at >= gap && ip_compare(&l[at - gap].ip, &moving.ip) > 0; at -= gap)
		l[at] = l[at - gap];
	l[at] = moving;
}

/* Shell's sort: a tenth of the size of musl's qsort, and as fast for the leases of one node. */
static void sort(struct lease *l, unsigned count)
{
	for (unsigned gap = count; gap > 1;) {
		gap = gap < 5 ? 1 : gap * 5 / 11;
		for (unsigned at = gap; at < count; at++)
			settle(l, at, gap);
	}
}

static int by_address(const void *a, const void *b)
{
	return ip_compare(&((const struct lease *)a)->ip, &((const struct lease *)b)->ip);
}

int lease_table_load(struct lease_store *s, struct err *e)
{
	struct lease_table *t;

	if (s->table)
		return 0;
	t = arena_take(sizeof(*t), e);
	if (!t || file_each(s->dir, s->path, enter, t, e))
		return -1;
	sort(t->lease, t->count);
	s->table = t;
	return 0;
}

struct lease *lease_table_find(const struct lease_table *t, const struct ip *ip)
{
	struct lease key = {.ip = *ip};

	if (!t->count)
		return NULL;
	return bsearch(&key, t->lease, t->count, sizeof(*t->lease), by_address);
}

int lease_table_add(struct lease_table *t, const struct ip *ip, struct err *e)
{
	struct lease *l = lease_table_find(t, ip);
	char name[IP_TEXT];

	if (l) {
		l->state = LEASE_OWNED;
		return 0;
	}
	if (enter(ip_format(name, ip), t, e))
		return -1;
	t->lease[t->count - 1].state = LEASE_OWNED;
	settle(t->lease, t->count - 1, 1);
	return 0;
}

enum lease_state lease_table_read(const struct lease_store *s, struct lease *l,
				  struct lease_text *text)
{
	l->state = lease_file_read(s->dir, l->name, text);
	return l->state;
}

bool lease_table_is_free(const struct lease_store *s, const struct ip *ip)
{
	struct lease *l = lease_table_find(s->table, ip);
	struct lease_text text;

	if (!l)
		return true;
	if (l->state == LEASE_UNREAD)
		lease_table_read(s, l, &text);
	return l->state == LEASE_GONE || l->state == LEASE_LITTER;
}

int lease_table_remove(const struct lease_store *s, struct lease *l, struct err *e)
{
	if (lease_file_remove(s, l->name, e))
		return -1;
	l->state = LEASE_GONE;
	return 0;
}
