/*
 * last_reserved_ip.N: where the search of range set N goes on.
 */
#ifndef IPAM_LEASE_MARK_H
#define IPAM_LEASE_MARK_H

#include "base/err.h"
#include "ipam/store.h"

/* Read the mark of range set index; one that is not there or not readable has len -1. */
void lease_mark_read(const struct lease_store *s, unsigned index, struct lease_mark *mark);

/*
 * Write ip in place of mark, which is what the file holds now. In place, as the reference plugin
 * does: a temporary file and its fsync would double the time of an ADD, and a mark that a crash
 * has mixed costs no more than a search from the start. Gives 0, or -1 with e set (ERR_IO) and
 * the file as it was.
 */
int lease_mark_write(const struct lease_store *s, const struct lease_mark *mark,
		     const struct ip *ip, struct err *e) must_check;

/* Put the file back to what mark says. */
void lease_mark_restore(const struct lease_store *s, const struct lease_mark *mark);

#endif
