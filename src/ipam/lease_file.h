/*
 * One lease file: its text, and reading, making and removing it.
 */
#ifndef IPAM_LEASE_FILE_H
#define IPAM_LEASE_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "ipam/store.h"

/*
 * Longest text with its NUL. Container IDs have no limit of their own, but runtimes use them in
 * file names, which end at 255 bytes.
 */
#define LEASE_TEXT_MAX 1024

enum lease_state {
	LEASE_OWNED,  /* somebody's lease */
	LEASE_LITTER, /* no owner in it: free, to be replaced */
	LEASE_ALIEN,  /* a directory (errno EISDIR), or unreadable: neither free nor anybody's */
	LEASE_GONE,   /* no such file */
};

/* Whose is a lease? In rising order of how well it says so. */
enum ownership {
	NOT_OWNED,
	OWNED_BY_ID,   /* a very old lease: the container's, whatever its interface */
	OWNED_EXACTLY, /* by container ID and interface */
};

struct lease_text {
	char buf[LEASE_TEXT_MAX];
	struct lease_owner owner; /* points into buf; set for LEASE_OWNED */
};

/*
 * Find the owner in the text of a lease file, as the reference plugin reads it: white space around
 * the whole is dropped, "ID CR LF interface" and the bare ID of very old versions (ifname: "") are
 * known.
 *
 * text  n bytes, and one more that can be written to; owner points into it
 *
 * Gives false if there is no owner in it.
 */
bool lease_text_parse(struct lease_owner *owner, char *text, size_t n);

enum ownership lease_ownership(const struct lease_owner *lease, const struct lease_owner *owner);

/* Read the lease file name in dir. */
enum lease_state lease_file_read(int dir, const char *name, struct lease_text *text);

/*
 * Make a lease file. Gives 0; 1 if something of that name is there; -1 with e set (ERR_ENV: the
 * owner is too long; ERR_IO) and nothing left behind.
 */
int lease_file_create(const struct lease_store *s, const char *name,
		      const struct lease_owner *owner, struct err *e) must_check;

/* Remove one. It being gone already is success. Gives 0, or -1 with e set (ERR_IO). */
int lease_file_remove(const struct lease_store *s, const char *name, struct err *e) must_check;

#endif
