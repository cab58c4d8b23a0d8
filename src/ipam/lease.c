/*
 * Leases of an open store: release, find, go through, count.
 */
#include "ipam/lease_index.h"
#include "ipam/store.h"

/* The file says whose a lease is. */
static enum ownership ownership_of(const struct lease_store *s, const struct ip *ip,
				   const struct lease_owner *owner)
{
	struct lease_text text;
	char name[IP_TEXT];

	if (lease_file_read(s->dir, ip_format(name, ip), &text) != LEASE_OWNED)
		return NOT_OWNED;
	return lease_ownership(&text.owner, owner);
}

/* Are the hints all leases of the owner? Then remove them: 1. Gives 0 if not, -1 with e set. */
static int release_hinted(struct lease_store *s, const struct lease_owner *owner,
			  const struct ip *hint, unsigned hints, struct err *e)
{
	char name[IP_TEXT];
	int r = hints > 0;

	for (unsigned i = 0; i < hints; i++)
		if (ownership_of(s, &hint[i], owner) != OWNED_EXACTLY)
			return 0;
	lease_index_find(s);
	for (unsigned i = 0; i < hints; i++) {
		struct lease *l = s->index ? lease_index_at(s->index, &hint[i]) : NULL;

		if (l ? lease_index_remove(s, l, e)
		      : lease_file_remove(s, ip_format(name, &hint[i]), e))
			r = -1;
	}
	return r;
}

/*
 * Which of an owner's leases count: those that name its interface or, if there is none, the very
 * old ones of its container.
 */
static enum ownership best_ownership(const struct lease_store *s, const struct lease_owner *owner)
{
	enum ownership best = NOT_OWNED;

	for (struct lease *l = NULL; (l = lease_index_of(s->index, owner, l));) {
		enum ownership owned = ownership_of(s, &l->ip, owner);

		if (owned > best)
			best = owned;
	}
	return best;
}

int lease_release(struct lease_store *s, const struct lease_owner *owner, const struct ip *hint,
		  unsigned hints, struct err *e)
{
	int r = release_hinted(s, owner, hint, hints, e);
	enum ownership best;
	struct lease *l;

	if (r)
		return r < 0 ? -1 : 0;
	if (lease_index_load(s, e))
		return -1;
	best = best_ownership(s, owner);
	l = lease_index_of(s->index, owner, NULL);
	while (l && best != NOT_OWNED) {
		struct lease *next = lease_index_of(s->index, owner, l);

		if (ownership_of(s, &l->ip, owner) == best && lease_index_remove(s, l, e))
			r = -1;
		l = next;
	}
	return r;
}

/* Of n addresses in order and one more, keep the lowest, at most max. */
static void put_in_order(struct ip *found, unsigned n, unsigned max, const struct ip *ip)
{
	if (n >= max) {
		if (max == 0 || ip_compare(&found[max - 1], ip) < 0)
			return;
		n = max - 1;
	}
	for (; n > 0 && ip_compare(&found[n - 1], ip) > 0; n--)
		found[n] = found[n - 1];
	found[n] = *ip;
}

int lease_find(struct lease_store *s, const struct lease_owner *owner, struct ip *found,
	       unsigned max, unsigned *count, struct err *e)
{
	enum ownership best;

	*count = 0;
	if (lease_index_load(s, e))
		return -1;
	best = best_ownership(s, owner);
	for (struct lease *l = NULL; (l = lease_index_of(s->index, owner, l));) {
		if (best == NOT_OWNED || ownership_of(s, &l->ip, owner) != best)
			continue;
		put_in_order(found, (*count)++, max, &l->ip);
	}
	return 0;
}

int lease_each(struct lease_store *s,
	       bool (*each)(const struct lease_owner *owner, const struct ip *ip, void *arg),
	       void *arg, struct err *e)
{
	struct lease_text text;
	char name[IP_TEXT];
	int r = 0;

	if (lease_index_load(s, e))
		return -1;
	for (unsigned i = 0; i < lease_index_count(s->index); i++) {
		struct lease *l = lease_index_entry(s->index, i);
		enum lease_state state;

		if (!l->ip.family)
			continue;
		state = lease_file_read(s->dir, ip_format(name, &l->ip), &text);
		if ((state == LEASE_LITTER ||
		     (state == LEASE_OWNED && !each(&text.owner, &l->ip, arg))) &&
		    lease_index_remove(s, l, e))
			r = -1;
	}
	return r;
}

int lease_free(struct lease_store *s, const struct range_set *set, unsigned limit, unsigned *count,
	       struct err *e)
{
	struct ip first, ip = {0};

	*count = 0;
	if (lease_index_load(s, e))
		return -1;
	if (!range_set_next(set, &ip))
		return 0;
	first = ip;
	do
		*count += lease_index_is_free(s->index, &ip);
	while (*count < limit && range_set_next(set, &ip) && !ip_equal(&ip, &first));
	return 0;
}
