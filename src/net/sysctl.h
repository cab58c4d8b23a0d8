/*
 * Kernel settings of the present network namespace, by path below /proc/sys
 * ("net/ipv4/ip_forward"; slashes, as interface names may hold dots).
 */
#ifndef NET_SYSCTL_H
#define NET_SYSCTL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/*
 * A setting that is a number, 0 or more; -1 where there is none to be read, errno saying why: ENOENT
 * where the kernel has no such one.
 */
long sysctl_number(const char *path);

/*
 * Write a number. Gives 0, or -1 with e set: ERR_IO, the full path, and in e->sys why: EROFS for a
 * read-only /proc/sys, ENOENT where the kernel has no such setting.
 */
int sysctl_set(const char *path, unsigned value, struct err *e) must_check;

/* The same for any text. */
int sysctl_write(const char *path, const char *value, struct err *e) must_check;

/* Read one as it is, last newline and all; gives false where it cannot be. */
bool sysctl_read(const char *path, char *value, size_t size) must_check;

/*
 * Write a setting of an interface ("ipv4" or "ipv6", "accept_ra") that makes things better, but is
 * not worth failing for where it is missing or must not be written to.
 */
void sysctl_try(const char *family, const char *ifname, const char *key, unsigned value);

/*
 * Switch IPv6 on for an interface, if it is off: one that comes to be under
 * net.ipv6.conf.all.disable_ipv6=1 takes no address.
 */
int sysctl_enable_ipv6(const char *ifname, struct err *e) must_check;

/*
 * Let an interface that is not up yet use its link-local address at once. While that one is looked
 * for in use, for a second, the kernel asks for no neighbour there on behalf of a packet that it
 * forwards (ndisc_send_ns in net/ipv6/ndisc.c). It works without, only later: a failure is logged.
 */
void sysctl_spare_dad(const char *ifname);

#endif
