#include "ipam/lease_index.h"

#include <string.h>

#include "ipam/lease_index_file.h"

/* FNV-1a: it spreads, and nothing depends on whether somebody can make two alike. */
#define DIGEST_START 0xcbf29ce484222325
#define DIGEST_PRIME 0x100000001b3

static uint64_t digest(uint64_t d, const void *bytes, size_t n)
{
	const uint8_t *b = bytes;

	for (size_t i = 0; i < n; i++)
		d = (d ^ b[i]) * DIGEST_PRIME;
	return d;
}

/* Of the container alone, so that the very old leases, which name no interface, are found too. */
static uint64_t owner_digest(const struct lease_owner *owner)
{
	uint64_t d = digest(DIGEST_START, owner->container_id, strlen(owner->container_id));

	return d ? d : 1;
}

static uint32_t *bucket_by_ip(const struct lease_index *x, const struct ip *ip)
{
	uint64_t d = digest(DIGEST_START, ip->b, ip_size(ip));

	return index_by_ip(x) + ((d ^ d >> 32) & (x->room - 1));
}

static uint32_t *bucket_by_owner(const struct lease_index *x, uint64_t owner)
{
	return index_by_owner(x) + ((owner ^ owner >> 32) & (x->room - 1));
}

static struct lease *numbered(const struct lease_index *x, uint32_t number)
{
	return number ? index_leases(x) + number - 1 : NULL;
}

static uint32_t number_of(const struct lease_index *x, const struct lease *l)
{
	return (uint32_t)(l - index_leases(x)) + 1;
}

struct lease *lease_index_at(const struct lease_index *x, const struct ip *ip)
{
	struct lease *l = numbered(x, *bucket_by_ip(x, ip));

	while (l && !ip_equal(&l->ip, ip))
		l = numbered(x, l->next_by_ip);
	return l;
}

bool lease_index_is_free(const struct lease_index *x, const struct ip *ip)
{
	const struct lease *l = lease_index_at(x, ip);

	return !l || l->state == LEASE_LITTER;
}

struct lease *lease_index_of(const struct lease_index *x, const struct lease_owner *owner,
			     const struct lease *after)
{
	uint64_t wanted = owner ? owner_digest(owner) : 0;
	struct lease *l = numbered(x, after ? after->next_by_owner : *bucket_by_owner(x, wanted));

	while (l && l->owner != wanted)
		l = numbered(x, l->next_by_owner);
	return l;
}

unsigned lease_index_count(const struct lease_index *x)
{
	return x->used;
}

struct lease *lease_index_entry(const struct lease_index *x, unsigned i)
{
	return index_leases(x) + i;
}

static void put(struct lease_index *x, const struct ip *ip, enum lease_state state, uint64_t owner)
{
	struct lease *l = numbered(x, x->unused);
	uint32_t *bucket;

	if (l)
		x->unused = l->next_by_ip;
	else
		l = index_leases(x) + x->used++;
	*l = (struct lease){.ip = *ip, .state = (uint8_t)state, .owner = owner};
	bucket = bucket_by_ip(x, ip);
	l->next_by_ip = *bucket;
	*bucket = number_of(x, l);
	bucket = bucket_by_owner(x, owner);
	l->next_by_owner = *bucket;
	*bucket = number_of(x, l);
	x->filled++;
	x->changed = true;
}

void lease_index_put_found(struct lease_index *x, const struct ip *ip, enum lease_state state,
			   const struct lease_owner *owner)
{
	put(x, ip, state, owner ? owner_digest(owner) : 0);
}

void lease_index_enter(struct lease_index *x, const struct ip *ip, const struct lease_owner *owner)
{
	put(x, ip, LEASE_OWNED, owner_digest(owner));
}

static void drop(struct lease_index *x, struct lease *l)
{
	uint32_t number = number_of(x, l);
	uint32_t *link = bucket_by_ip(x, &l->ip);
	struct ip *behind = &x->lowest[l->ip.family == 6].behind;

	while (*link != number)
		link = &numbered(x, *link)->next_by_ip;
	*link = l->next_by_ip;
	link = bucket_by_owner(x, l->owner);
	while (*link != number)
		link = &numbered(x, *link)->next_by_owner;
	*link = l->next_by_owner;
	if (behind->family && ip_compare(&l->ip, behind) <= 0) {
		*behind = l->ip;
		if (!ip_previous(behind))
			behind->family = 0;
	}
	*l = (struct lease){.next_by_ip = x->unused};
	x->unused = number;
	x->filled--;
	x->changed = true;
}

int lease_index_remove(struct lease_store *s, struct lease *l, struct err *e)
{
	char name[IP_TEXT];

	if (lease_file_remove(s, ip_format(name, &l->ip), e))
		return -1;
	drop(s->index, l);
	return 0;
}

struct ip lease_index_lowest(const struct lease_index *x, const struct ip *first)
{
	const struct lowest_free *known = &x->lowest[first->family == 6];

	return ip_equal(&known->first, first) ? known->behind : (struct ip){0};
}

void lease_index_set_lowest(struct lease_index *x, const struct ip *first, const struct ip *behind)
{
	x->lowest[first->family == 6] = (struct lowest_free){.first = *first, .behind = *behind};
}
