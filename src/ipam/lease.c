/*
 * Leases of an open store: release, find, go through, count.
 */
#include <errno.h>

#include "ipam/lease_index.h"
#include "ipam/store.h"

/* What the file of a lease says. */
struct lease_look {
	enum lease_state state;
	enum ownership owned; /* by the one that is asked about */
};

/* Gives 0, or -1 with e set (ERR_IO): there is a file, and whose it is nobody can say. */
static int look(struct lease_look *at, const struct lease_store *s, const struct ip *ip,
		const struct lease_owner *owner, struct err *e)
{
	struct lease_text text;
	char name[IP_TEXT];

	at->owned = NOT_OWNED;
	at->state = lease_file_read(s->dir, ip_format(name, ip), &text);
	if (at->state == LEASE_ALIEN && errno != EISDIR)
		return err_sys(e, ERR_IO, "read lease", errno, "%s/%s", s->path, name);
	if (at->state == LEASE_OWNED)
		at->owned = lease_ownership(&text.owner, owner);
	return 0;
}

/* Are the hints all leases of the owner? Then remove them: 1. Gives 0 if not, -1 with e set. */
static int release_hinted(struct lease_store *s, const struct lease_owner *owner,
			  const struct ip *hint, unsigned hints, struct err *e)
{
	struct lease_look at;
	char name[IP_TEXT];
	int r = hints > 0;

	for (unsigned i = 0; i < hints; i++)
		if (look(&at, s, &hint[i], owner, &(struct err){0}) || at.owned != OWNED_EXACTLY)
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

/* What may be the owner's: what the index says is, then what is nobody's, which may be unread. */
static struct lease *candidate(const struct lease_store *s, const struct lease_owner *owner,
			       const struct lease *after)
{
	bool nobodys = after && !after->owner;
	struct lease *l = nobodys ? NULL : lease_index_of(s->index, owner, after);

	return l ? l : lease_index_of(s->index, NULL, nobodys ? after : NULL);
}

/*
 * Which of an owner's leases count: those that name its interface or, if there is none, the very
 * old ones of its container.
 */
static int best_ownership(const struct lease_store *s, const struct lease_owner *owner,
			  enum ownership *best, struct err *e)
{
	struct lease_look at;

	*best = NOT_OWNED;
	for (struct lease *l = NULL; (l = candidate(s, owner, l));) {
		if (look(&at, s, &l->ip, owner, e))
			return -1;
		if (at.owned > *best)
			*best = at.owned;
	}
	return 0;
}

/*
 * With the owner's go the files that are nobody's: the ADD may have been killed between making and
 * writing its lease. They are free for us, but taken for the reference plugin.
 */
int lease_release(struct lease_store *s, const struct lease_owner *owner, const struct ip *hint,
		  unsigned hints, struct err *e)
{
	int r = release_hinted(s, owner, hint, hints, e);
	enum ownership best;
	struct lease *l;

	if (r)
		return r < 0 ? -1 : 0;
	if (lease_index_load(s, e) || best_ownership(s, owner, &best, e))
		return -1;
	l = candidate(s, owner, NULL);
	while (l) {
		struct lease *next = candidate(s, owner, l);
		struct lease_look at;

		if (look(&at, s, &l->ip, owner, e) ||
		    ((at.state == LEASE_LITTER || (at.owned && at.owned == best)) &&
		     lease_index_remove(s, l, e)))
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
	struct lease_look at;

	*count = 0;
	if (lease_index_load(s, e) || best_ownership(s, owner, &best, e))
		return -1;
	for (struct lease *l = NULL; (l = lease_index_of(s->index, owner, l));) {
		if (look(&at, s, &l->ip, owner, e))
			return -1;
		if (at.owned == NOT_OWNED || at.owned != best)
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
		if (state == LEASE_ALIEN && errno != EISDIR)
			r = err_sys(e, ERR_IO, "read lease", errno, "%s/%s", s->path, name);
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
