/*
 * Counters of the present network namespace that only /proc tells: /proc/net/netstat.
 */
#ifndef NET_NETSTAT_H
#define NET_NETSTAT_H

#include <stdint.h>

/* The number behind a name of a group: "TcpExt", "IPReversePathFilter". 0 if there is none. */
uint32_t netstat_read(const char *group, const char *name);

/* The same, in the text of such a file, which is NUL-terminated and is taken apart. */
uint32_t netstat_find(char *text, const char *group, const char *name);

#endif
