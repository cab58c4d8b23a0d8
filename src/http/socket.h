/*
 * Sockets to addresses: never blocking, closed when another program is executed.
 */
#ifndef HTTP_SOCKET_H
#define HTTP_SOCKET_H

#include <stdint.h>

#include "base/err.h"
#include "base/ip.h"
#include "http/deadline.h"

/*
 * A socket of type SOCK_DGRAM or SOCK_STREAM that is connected, or, of the latter, on the way to
 * being so. scope: the interface of a link-local address, or 0. Gives it, or -1 with errno set.
 */
int socket_to(const struct ip *ip, uint32_t scope, uint16_t port, int type);

/*
 * A connection to one of n addresses (RFC 8305, 5): the next is tried when one has failed, or has
 * not answered within 250 ms, and the first to answer is taken.
 *
 * Gives a descriptor, or -1 with e set (ERR_TRY_AGAIN), naming each address and why.
 */
int socket_connect(const struct ip *ip, unsigned n, uint16_t port, struct deadline until,
		   struct err *e) must_check;

#endif
