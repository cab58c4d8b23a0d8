/*
 * The lease store: <data dir>/<network>/, shared with the reference plugin host-local, which may
 * work on the same directory before, after and between (an upgrade, or a mixed node).
 *
 *	<ip>                one file per lease, 0600: "<container ID>\r\n<interface name>"
 *	last_reserved_ip.N  where the search goes on, for range set N
 *	lock                flock()ed while the store is used
 *	boot_id             cnibox's own: the boot in which the leases were made
 *
 * A lease file that is empty or holds no owner (a disk that filled, a power cut) counts as free,
 * and so does what is no file but a link, a FIFO or a socket. A directory, or a file that cannot
 * be read, counts as taken. Files are opened without following links and without blocking.
 *
 * No pod survives a reboot: when boot_id differs from the kernel's, the leases are released. The
 * exception is what the reference plugin has handed out since this boot, before cnibox was called
 * for the first time in it. It does not know boot_id, so such a lease shows by its time: later
 * than boot_id's, which cnibox sets anew with each lease of its own, and later than the boot.
 */
#ifndef IPAM_STORE_H
#define IPAM_STORE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/ip.h"
#include "ipam/range.h"

#define LEASE_DATA_DIR "/var/lib/cni/networks"

/* Leases that one open store hands out: a result holds no more addresses (CNI_IPS_MAX). */
#define LEASE_TAKE_MAX 16

struct lease_owner {
	const char *container_id;
	const char *ifname;
};

/* last_reserved_ip.N as it was found. */
struct lease_mark {
	char name[32];
	char text[64];
	ssize_t len; /* -1: not there, or not readable */
};

/* What lease_take did, for lease_undo. */
struct lease_taken {
	struct ip ip;
	struct lease_mark mark;
	bool marked;
};

struct lease_index;

struct lease_store {
	int dir;		   /* the network's directory */
	int lock;		   /* held until lease_store_close */
	const char *path;	   /* of the directory, for messages; in the arena */
	struct lease_index *index; /* the leases, once they were needed */
	struct lease_taken taken[LEASE_TAKE_MAX];
	unsigned taken_count;
};

/* What a store must be before it is opened, if it is to be closed in any case. */
#define LEASE_STORE_CLOSED                                                                         \
	{                                                                                          \
		.dir = -1, .lock = -1                                                              \
	}

/*
 * Open the store of a network, making its directories (0755), wait for the lock and, after a
 * reboot, release what was left.
 *
 * network  a valid network name (cni_name_valid)
 *
 * Gives 0, or -1 with e set (ERR_IO) and *s closed.
 */
int lease_store_open(struct lease_store *s, const char *data_dir, const char *network,
		     struct err *e) must_check;

/*
 * The same for a verb that must not make anything: gives 1 when there is a store, 0 when there is
 * none (then *s is closed), -1 with e set.
 */
int lease_store_open_existing(struct lease_store *s, const char *data_dir, const char *network,
			      struct err *e) must_check;

/*
 * Take the lock of a store, if there is one, and hold it until lease_store_let_go: nobody takes or
 * releases a lease there meanwhile but this process, which may open the store as usual. One at a
 * time. Gives 0, or -1 with e set (ERR_IO).
 */
int lease_store_hold(const char *data_dir, const char *network, struct err *e) must_check;
void lease_store_let_go(void);
bool lease_store_holds(void); /* another process would wait for ever */

/* Close it and let go of the lock. Harmless on a closed one. */
void lease_store_close(struct lease_store *s);
#define cleanup_store on_scope_exit(lease_store_close)

enum lease_order {
	LEASE_LOWEST,	   /* the first free address of the pool */
	LEASE_ROUND_ROBIN, /* the first free one behind the last given, which is recorded */
};

/*
 * Take a lease from a pool.
 *
 * index      of the range set: N of last_reserved_ip.N
 * requested  exactly this address, or NULL
 * out        the address
 *
 * Gives 0, or -1 with e set and nothing changed: ERR_TRY_AGAIN when the pool is exhausted (the
 * message names it), ERR_STATE when the owner has a lease of this pool already (then *out is that
 * address, even if another is requested), ERR_STATE when the requested one is taken, the gateway
 * or not of this pool, ERR_IO when the store cannot be written.
 */
int lease_take(struct lease_store *s, const struct lease_owner *owner, const struct range_set *set,
	       unsigned index, enum lease_order order, const struct ip *requested, struct ip *out,
	       struct err *e) must_check;

/* Give back what was taken since the store was opened: for an ADD of which a later step fails. */
void lease_undo(struct lease_store *s);

/*
 * Release every lease of an owner. None is success. Files written by very old host-locals, which
 * hold the bare container ID, count when there is no other.
 *
 * hint  addresses that the owner is known to have, e.g. from prevResult; when each of them is
 *       indeed its lease the directory is not read. May be NULL with hints 0.
 *
 * A file that cannot be removed does not keep the others from being removed; it gives -1 with e
 * set (ERR_IO).
 */
int lease_release(struct lease_store *s, const struct lease_owner *owner, const struct ip *hint,
		  unsigned hints, struct err *e) must_check;

/* The owner's leases, at most max, into found; *count is how many there are in all. */
int lease_find(struct lease_store *s, const struct lease_owner *owner, struct ip *found,
	       unsigned max, unsigned *count, struct err *e) must_check;

/*
 * Call each() for every lease; where it gives false the lease is released. owner is borrowed for
 * the call; its ifname is "" for a very old lease. Files that hold no owner are removed. Goes on
 * when a file cannot be removed, and gives -1 with the first error set in the end.
 */
int lease_each(struct lease_store *s,
	       bool (*each)(const struct lease_owner *owner, const struct ip *ip, void *arg),
	       void *arg, struct err *e) must_check;

/* How many addresses of the pool are free, counting no further than limit. */
int lease_free(struct lease_store *s, const struct range_set *set, unsigned limit, unsigned *count,
	       struct err *e) must_check;

#endif
