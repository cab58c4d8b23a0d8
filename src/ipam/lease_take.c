/*
 * Taking leases from an open store, and taking that back.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/log.h"
#include "ipam/lease_index.h"
#include "ipam/lease_mark.h"
#include "ipam/store.h"

/* An owner gets one lease of a pool: a second ADD without DEL is the runtime's fault. */
static int refuse_second(struct lease_store *s, const struct lease_owner *owner,
			 const struct range_set *set, struct ip *out, struct err *e)
{
	struct lease_text text;
	char ip[IP_TEXT];

	for (struct lease *l = NULL; (l = lease_index_of(s->index, owner, l));) {
		if (!range_set_contains(set, &l->ip) ||
		    lease_file_read(s->dir, ip_format(ip, &l->ip), &text) != LEASE_OWNED ||
		    lease_ownership(&text.owner, owner) == NOT_OWNED)
			continue;
		*out = l->ip;
		return err_set(e, ERR_STATE, NULL,
			       "%s has been allocated to %s, duplicate allocation is not allowed",
			       ip_format(ip, &l->ip), owner->container_id);
	}
	return 0;
}

/* Make the lease of ip. Gives 0; 1 if it is taken; -1 with e set. */
static int claim(struct lease_store *s, const struct lease_owner *owner, const struct ip *ip,
		 struct err *e)
{
	struct lease *l = lease_index_at(s->index, ip);
	char name[IP_TEXT];
	int r;

	if (l && l->state != LEASE_LITTER)
		return 1;
	if (l && lease_index_remove(s, l, e))
		return -1;
	r = lease_file_create(s, ip_format(name, ip), owner, e);
	if (r == 0)
		lease_index_enter(s->index, ip, owner);
	return r;
}

/* Search the pool, once round, for the first free address behind *ip. */
static int claim_next(struct lease_store *s, const struct lease_owner *owner,
		      const struct range_set *set, struct ip *ip, struct err *e)
{
	char pool[512];
	struct ip first;
	int r;

	if (range_set_next(set, ip)) {
		first = *ip;
		do {
			r = claim(s, owner, ip, e);
			if (r <= 0)
				return r;
		} while (range_set_next(set, ip) && !ip_equal(ip, &first));
	}
	return err_set(e, ERR_TRY_AGAIN, NULL, "no IP addresses available in range set: %s",
		       range_set_format(set, pool, sizeof(pool)));
}

/* The same for the lowest: not all of those that are known to be taken are looked up again. */
static int claim_lowest(struct lease_store *s, const struct lease_owner *owner,
			const struct range_set *set, struct ip *ip, struct err *e)
{
	struct ip first = {0};

	if (range_set_next(set, &first))
		*ip = lease_index_lowest(s->index, &first);
	if (claim_next(s, owner, set, ip, e))
		return -1;
	lease_index_set_lowest(s->index, &first, ip);
	return 0;
}

static int claim_requested(struct lease_store *s, const struct lease_owner *owner,
			   const struct range_set *set, const struct ip *ip, struct err *e)
{
	char pool[512], text[IP_TEXT];
	int r;

	if (range_set_is_gateway(set, ip))
		return err_set(e, ERR_STATE, NULL, "requested ip %s is subnet's gateway",
			       ip_format(text, ip));
	r = range_set_contains(set, ip) ? claim(s, owner, ip, e) : 1;
	if (r <= 0)
		return r;
	return err_set(e, ERR_STATE, NULL,
		       "requested IP address %s is not available in range set %s",
		       ip_format(text, ip), range_set_format(set, pool, sizeof(pool)));
}

/* Take back what the entry says was taken. */
static void undo_one(struct lease_store *s, const struct lease_taken *taken)
{
	struct lease *l = lease_index_at(s->index, &taken->ip);
	struct err e = {0};

	if (l && lease_index_remove(s, l, &e))
		log_line("%s", e.msg);
	if (taken->marked)
		lease_mark_restore(s, &taken->mark);
}

int lease_take(struct lease_store *s, const struct lease_owner *owner, const struct range_set *set,
	       unsigned index, enum lease_order order, const struct ip *requested, struct ip *out,
	       struct err *e)
{
	struct lease_taken *taken = &s->taken[s->taken_count];
	struct ip ip = {0};

	if (s->taken_count == LEASE_TAKE_MAX)
		return err_set(e, ERR_FIELD, "take lease", "more than %d at once", LEASE_TAKE_MAX);
	if (lease_index_load(s, e) || refuse_second(s, owner, set, out, e))
		return -1;
	*taken = (struct lease_taken){.marked = false};
	if (order == LEASE_ROUND_ROBIN) {
		lease_mark_read(s, index, &taken->mark);
		if (!ip_parse(&ip, taken->mark.text))
			ip.family = 0;
	}
	if (requested) {
		ip = *requested;
		if (claim_requested(s, owner, set, &ip, e))
			return -1;
	} else if (order == LEASE_LOWEST ? claim_lowest(s, owner, set, &ip, e)
					 : claim_next(s, owner, set, &ip, e)) {
		return -1;
	}
	taken->ip = ip;
	if (order == LEASE_ROUND_ROBIN) {
		if (lease_mark_write(s, &taken->mark, &ip, e)) {
			undo_one(s, taken);
			return -1;
		}
		taken->marked = true;
	}
	s->taken_count++;
	*out = ip;
	/* Leases older than boot_id are cnibox's own: see store.h. */
	if (file_stamp(s->dir, "boot_id", NULL))
		log_trace("%s/boot_id: time not set", s->path);
	return 0;
}

void lease_undo(struct lease_store *s)
{
	while (s->taken_count > 0)
		undo_one(s, &s->taken[--s->taken_count]);
}
