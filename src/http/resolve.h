/*
 * Names to addresses: /etc/hosts, then the name servers of /etc/resolv.conf (A and AAAA at once, by
 * UDP and, for what is too long for it, TCP), RFC 1035, 6724 in spirit, 8305.
 *
 * Neither file must exist. Without resolv.conf the name server is on 127.0.0.1, as libc has it.
 */
#ifndef HTTP_RESOLVE_H
#define HTTP_RESOLVE_H

#include <stddef.h>

#include "base/err.h"
#include "base/ip.h"
#include "http/deadline.h"

#define RESOLVE_MAX 16 /* addresses of a name that are tried at most */

/*
 * The addresses of name, IPv6 and IPv4 in turn, in the order of the answers. An address in text is
 * itself; "localhost" and names below it are the loopback's (RFC 6761, 6.3).
 *
 * Gives their number, 1 to RESOLVE_MAX, or -1 with e set: ERR_TRY_AGAIN where no server answered or
 * one was in trouble, ERR_STATE where the name does not exist or has no address.
 */
int resolve(struct ip out[static RESOLVE_MAX], const char *name, struct deadline until,
	    struct err *e) must_check;

#endif
