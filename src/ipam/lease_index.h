/*
 * What the leases of a store are, by address and by owner, without reading its directory: a file
 * in /run/cnibox, which a reboot empties, one for each store, mapped into memory. A store of 10 or
 * of 60,000 leases costs the same to look into.
 *
 * It proves that it is true by the time of the store's directory: whoever makes, removes or renames
 * a file there gives the directory the time of doing so. When cnibox is done, it gives the directory
 * a time of its own making, to the nanosecond, and notes it in the index. Is the directory's time
 * that one, then nobody has changed it since. Else the directory is read, as it is where /run cannot
 * be written to: then the index is the memory of one process.
 *
 * All of it is done with the store locked. Nothing that is looked up here is believed where a lease
 * file can say more: that an owner has a lease, its file is asked for.
 */
#ifndef IPAM_LEASE_INDEX_H
#define IPAM_LEASE_INDEX_H

#include "base/err.h"
#include "ipam/lease_file.h"
#include "ipam/store.h"

struct lease {
	uint64_t owner; /* digest of the owner; 0: nobody's */
	struct ip ip;	/* family 0: this entry is not used */
	uint8_t state;	/* enum lease_state: owned, litter or alien */
	/* The next in the same bucket, or of those not used: its number + 1; 0: none. */
	uint32_t next_by_ip, next_by_owner;
};

/* Find or read the index of an open store into s->index, unless that was done already. */
int lease_index_load(struct lease_store *s, struct err *e) must_check;

/* The same, but only if it is there and true: s->index stays NULL where it is not. */
void lease_index_find(struct lease_store *s);

/* Let go of it: what was changed through it is true from now on. Harmless where there is none. */
void lease_index_close(struct lease_store *s);

/*
 * Remove the files of stores whose directory is not there any more. (One that is in use may go with
 * them; it is made again.) Gives 0, or -1 with e set (ERR_IO).
 */
int lease_index_sweep(struct err *e) must_check;

/* --- what is in it: with s->index loaded ------------------------------------------------------ */

/* The lease of ip; NULL if there is none. */
struct lease *lease_index_at(const struct lease_index *x, const struct ip *ip);

/* May ip be given to somebody? */
bool lease_index_is_free(const struct lease_index *x, const struct ip *ip);

/*
 * The first lease that may be the owner's, then the one after that; NULL if there is no other.
 * owner NULL: what is nobody's.
 */
struct lease *lease_index_of(const struct lease_index *x, const struct lease_owner *owner,
			     const struct lease *after);

/* Every entry, used or not, for i below the count. */
unsigned lease_index_count(const struct lease_index *x);
struct lease *lease_index_entry(const struct lease_index *x, unsigned i);

/* Note that a lease was made. There is room for LEASE_TAKE_MAX of them. */
void lease_index_enter(struct lease_index *x, const struct ip *ip, const struct lease_owner *owner);

/* Remove a lease's file, and the entry with it. */
int lease_index_remove(struct lease_store *s, struct lease *l, struct err *e) must_check;

/*
 * Where the search for the lowest free address of a pool begins: all up to and with *behind were
 * found taken. Family 0: nothing is known.
 *
 * first  lowest address of the pool
 */
struct ip lease_index_lowest(const struct lease_index *x, const struct ip *first);
void lease_index_set_lowest(struct lease_index *x, const struct ip *first, const struct ip *behind);

#endif
