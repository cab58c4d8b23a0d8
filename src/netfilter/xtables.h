/*
 * Legacy iptables' tables in the kernel, of the present network namespace: which are in use, read
 * one, change one. Through socket options, as iptables-legacy does it, and under its lock.
 */
#ifndef NETFILTER_XTABLES_H
#define NETFILTER_XTABLES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "netfilter/xt_table.h"

/*
 * The largest table that is read or written: kube-proxy's nat on a node with five thousand services. Memory of
 * the program's own, which costs nothing until it is touched.
 */
#define XTABLES_BYTES (32u << 20)

enum { XTABLES_FILTER = 1, XTABLES_NAT = 2, XTABLES_MANGLE = 4, XTABLES_RAW = 8 };

/*
 * Which tables anybody has used in this namespace: bits of the above. Costs one small file in /proc,
 * and loads nothing: looking at a table that is not in use would bring it to life.
 */
unsigned xtables_in_use(uint8_t ip_family);

/* In which families that table is in use: bits 1 << 4 and 1 << 6. */
unsigned xtables_families(unsigned table);

/*
 * Read a table (XTABLES_FILTER ...) into *t. Its bytes are valid until the next call to here.
 *
 * e  ERR_KERNEL; where the kernel has no such table, e->sys is as xtables_unsupported wants it
 */
int xtables_read(uint8_t ip_family, unsigned table, struct xt_table *t, struct err *e) must_check;

/*
 * Change a table: lock, read, change(t, arg), replace, add the counters that the old entries had
 * in the meantime. Others' rules and counters stay as they are; what changes beside the lock is
 * noticed as far as the kernel notices it, and then all of it is done again.
 *
 * change  gives how many rules it put in or took out: with 0 nothing is replaced. It is called again
 *         with a table that is as it was found when that has changed meanwhile
 *
 * e  also ERR_TRY_AGAIN: others held the lock all the time
 */
typedef unsigned xtables_change_fn(struct xt_table *t, void *arg);
int xtables_change(uint8_t ip_family, unsigned table, xtables_change_fn *change, void *arg,
		   unsigned *changes, struct err *e) must_check;

/* Was e only that this kernel has no such table? Then forget it. */
bool xtables_unsupported(struct err *e);

#endif
