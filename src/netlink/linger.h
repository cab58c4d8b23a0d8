/*
 * Processes that outlive a plugin, to wait in its place. A runtime waits until the plugin has ended
 * and its pipes are closed: so such a child holds no descriptor of it, and no directory.
 */
#ifndef NETLINK_LINGER_H
#define NETLINK_LINGER_H

#include <sys/types.h>

#include "netlink/socket.h"

/*
 * Make one, which holds nothing but the descriptor of a socket (NULL: nothing at all), so that
 * closing it here is quick: see nl_close.
 *
 * Gives what fork does; -1: no process is to be had.
 */
pid_t nl_fork(struct nl_sock *held);

/* End the child, when what the kernel keeps for its socket is likely to be freed. */
_Noreturn void nl_linger(const struct nl_sock *held, int status);

#endif
