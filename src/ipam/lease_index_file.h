/*
 * How an index lies in memory and in its file. Only the index itself looks at this.
 *
 *	struct lease_index
 *	uint32_t by_ip[room], by_owner[room]	the first of each bucket: its number + 1; 0: none
 *	struct lease lease[room]
 */
#ifndef IPAM_LEASE_INDEX_FILE_H
#define IPAM_LEASE_INDEX_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "ipam/lease_index.h"

/* Another layout has another one. */
#define INDEX_MAGIC 0x32786469626e63 /* "cnbidx2" */
#define INDEX_PATH  256

struct lowest_free {
	struct ip first, behind;
};

struct lease_index {
	uint64_t magic;
	int64_t stamp[2]; /* the directory's time when this was true: seconds, nanoseconds */
	uint32_t room;	  /* entries and buckets; a power of two */
	uint32_t used;	  /* entries that have been used once, the first ones */
	uint32_t
		unused; /* of these, the first that is not used any more: its number + 1; 0: none */
	uint32_t filled;	      /* leases */
	struct lowest_free lowest[2]; /* IPv4, IPv6: of the pool that was searched last */
	/* No bool: a file can have any bytes. */
	uint8_t shared;		/* in a file: others will read it */
	uint8_t changed;	/* since the stamp */
	char store[INDEX_PATH]; /* where it is; "": not known, for that it is too long */
};

static inline uint32_t *index_by_ip(const struct lease_index *x)
{
	return (uint32_t *)(uintptr_t)(x + 1);
}

static inline uint32_t *index_by_owner(const struct lease_index *x)
{
	return index_by_ip(x) + x->room;
}

static inline struct lease *index_leases(const struct lease_index *x)
{
	return (struct lease *)(void *)(index_by_owner(x) + x->room);
}

/* Is it whole, of that many bytes, and of the directory as that is now? Chains are not followed. */
bool lease_index_is_true(const struct lease_index *x, size_t size, const struct stat *dir);

/* Enter what was found in the directory; owner NULL: nobody's. */
void lease_index_put_found(struct lease_index *x, const struct ip *ip, enum lease_state state,
			   const struct lease_owner *owner);

#endif
