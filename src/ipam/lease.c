/*
 * Leases of an open store: release, find, go through, count.
 */
#include "ipam/lease_table.h"
#include "ipam/store.h"

/* Are the hints all leases of the owner? Then remove them: 1. Gives 0 if not, -1 with e set. */
static int release_hinted(struct lease_store *s, const struct lease_owner *owner,
			  const struct ip *hint, unsigned hints, struct err *e)
{
	struct lease_text text;
	char name[IP_TEXT];
	int r = hints > 0;

	for (unsigned i = 0; i < hints; i++)
		if (lease_file_read(s->dir, ip_format(name, &hint[i]), &text) != LEASE_OWNED ||
		    lease_ownership(&text.owner, owner) != OWNED_EXACTLY)
			return 0;
	for (unsigned i = 0; i < hints; i++) {
		struct lease *l = s->table ? lease_table_find(s->table, &hint[i]) : NULL;

		if (lease_file_remove(s, ip_format(name, &hint[i]), e))
			r = -1;
		else if (l)
			l->state = LEASE_GONE;
	}
	return r;
}

/*
 * Note with each lease whether it is the owner's. Gives which of them count: those that name its
 * interface or, if there is none, the very old ones of its container; -1 with e set.
 */
static int find_owned(struct lease_store *s, const struct lease_owner *owner, struct err *e)
{
	enum ownership best = NOT_OWNED;
	struct lease_text text;

	if (lease_table_load(s, e))
		return -1;
	for (unsigned i = 0; i < s->table->count; i++) {
		struct lease *l = &s->table->lease[i];

		l->owned = NOT_OWNED;
		if (lease_table_read(s, l, &text) == LEASE_OWNED)
			l->owned = lease_ownership(&text.owner, owner);
		if (l->owned > best)
			best = l->owned;
	}
	return (int)best;
}

static bool counts(const struct lease *l, int best)
{
	return l->owned != NOT_OWNED && (int)l->owned == best;
}

int lease_release(struct lease_store *s, const struct lease_owner *owner, const struct ip *hint,
		  unsigned hints, struct err *e)
{
	int r = release_hinted(s, owner, hint, hints, e);
	int best;

	if (r)
		return r < 0 ? -1 : 0;
	best = find_owned(s, owner, e);
	if (best < 0)
		return -1;
	for (unsigned i = 0; i < s->table->count; i++)
		if (counts(&s->table->lease[i], best) &&
		    lease_table_remove(s, &s->table->lease[i], e))
			r = -1;
	return r;
}

int lease_find(struct lease_store *s, const struct lease_owner *owner, struct ip *found,
	       unsigned max, unsigned *count, struct err *e)
{
	int best = find_owned(s, owner, e);

	*count = 0;
	if (best < 0)
		return -1;
	for (unsigned i = 0; i < s->table->count; i++) {
		if (!counts(&s->table->lease[i], best))
			continue;
		if (*count < max)
			found[*count] = s->table->lease[i].ip;
		++*count;
	}
	return 0;
}

int lease_each(struct lease_store *s,
	       bool (*each)(const struct lease_owner *owner, const struct ip *ip, void *arg),
	       void *arg, struct err *e)
{
	struct lease_text text;
	int r = 0;

	if (lease_table_load(s, e))
		return -1;
	for (unsigned i = 0; i < s->table->count; i++) {
		struct lease *l = &s->table->lease[i];

		if (lease_table_read(s, l, &text) == LEASE_OWNED &&
		    !each(&text.owner, &l->ip, arg) && lease_table_remove(s, l, e))
			r = -1;
	}
	return r;
}

int lease_free(struct lease_store *s, const struct range_set *set, unsigned limit, unsigned *count,
	       struct err *e)
{
	struct ip first, ip = {0};

	*count = 0;
	if (lease_table_load(s, e))
		return -1;
	if (!range_set_next(set, &ip))
		return 0;
	first = ip;
	do
		*count += lease_table_is_free(s, &ip);
	while (*count < limit && range_set_next(set, &ip) && !ip_equal(&ip, &first));
	return 0;
}
