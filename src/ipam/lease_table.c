#include "ipam/lease_table.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/arena.h"

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
static int enter(struct lease_table *t, const char *name, struct err *e)
{
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

/*
 * The system call itself: opendir would take memory from malloc. struct dirent is laid out as the
 * kernel's linux_dirent64 on 64-bit machines, in musl and in glibc.
 */
static int read_directory(struct lease_table *t, int dir, const char *path, struct err *e)
{
	union {
		char bytes[32768];
		struct dirent align;
	} buf;
	long n;

	while ((n = syscall(SYS_getdents64, dir, &buf, sizeof(buf))) > 0) {
		for (long at = 0; at < n;) {
			const struct dirent *d = (const void *)(buf.bytes + at);

			if (enter(t, d->d_name, e))
				return -1;
			at += d->d_reclen;
		}
	}
	if (n < 0)
		return err_sys(e, ERR_IO, "read leases", errno, "%s", path);
	return 0;
}

int lease_table_load(struct lease_store *s, struct err *e)
{
	struct lease_table *t;

	if (s->table)
		return 0;
	t = arena_take(sizeof(*t), e);
	if (!t || read_directory(t, s->dir, s->path, e))
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
	if (enter(t, ip_format(name, ip), e))
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
