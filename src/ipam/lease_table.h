/*
 * The leases of a store as one pass over its directory finds them, in the order of their
 * addresses. True for as long as the lock is held: who else would change them waits for it.
 */
#ifndef IPAM_LEASE_TABLE_H
#define IPAM_LEASE_TABLE_H

#include "base/err.h"
#include "ipam/lease_file.h"
#include "ipam/store.h"

struct lease {
	const char *name; /* of the file; in the arena */
	struct ip ip;
	enum lease_state state;
	enum ownership owned; /* scratch of one search */
};

struct lease_table {
	struct lease *lease;
	unsigned count, room;
};

/* Read the store's directory into s->table, unless that was done already. */
int lease_table_load(struct lease_store *s, struct err *e) must_check;

/* The lease of ip; NULL if there is none. */
struct lease *lease_table_find(const struct lease_table *t, const struct ip *ip);

/* Enter a lease that was made. */
int lease_table_add(struct lease_table *t, const struct ip *ip, struct err *e) must_check;

/* Read the lease's file, and remember its state. */
enum lease_state lease_table_read(const struct lease_store *s, struct lease *l,
				  struct lease_text *text);

/* May ip be given to somebody? Reads its file only if that was not done before. */
bool lease_table_is_free(const struct lease_store *s, const struct ip *ip);

/* Remove the lease's file. */
int lease_table_remove(const struct lease_store *s, struct lease *l, struct err *e) must_check;

#endif
