/*
 * What the files of cni-gc have in common.
 */
#ifndef COMMANDS_CNI_GC_H
#define COMMANDS_CNI_GC_H

#include "cni/cache.h"
#include "json/reader.h"

/* Whose things stay. */
struct gc_keep {
	struct cache cache;
	unsigned grace; /* seconds for which a lease is taken to be of an ADD under way */
};

/*
 * The attachments of a network that are alive, as the JSON array that GC wants, into buf: those of
 * the cache whose namespace is there, and those with a young lease in the network's store.
 *
 * store  directory of the network's leases; NULL: it has none
 *
 * Gives its length, or -1 with e set.
 */
long gc_attachments(const struct gc_keep *keep, const char *network, const char *store, char *buf,
		    size_t size, struct err *e) must_check;

#endif
