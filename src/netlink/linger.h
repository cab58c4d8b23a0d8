/*
 * Processes that outlive a plugin, to wait in its place. A runtime waits until the plugin has ended
 * and its pipes are closed: so such a child holds no descriptor of it, and no directory.
 *
 * What they wait for: whatever an nf_tables transaction removes, the kernel frees when an RCU grace
 * period is over. Who closes the last descriptor of any nf_tables socket before that waits for it, 4 to
 * 8 ms, and meanwhile nobody can change rules (nft_rcv_nl_event in net/netfilter/nf_tables_api.c). The
 * transaction itself is complete as soon as it is answered. With eight workers that add and remove
 * masqueraded pods, these waits were most of everybody's time: 85 pods per second in place of 390.
 */
#ifndef NETLINK_LINGER_H
#define NETLINK_LINGER_H

#include <stdbool.h>
#include <sys/types.h>

#include "netlink/socket.h"

/*
 * Make one, which holds nothing but the descriptor of a socket (NULL: nothing at all), so that
 * closing it here is quick: see nl_close.
 *
 * Gives what fork does; -1: no process is to be had.
 */
pid_t nl_fork(struct nl_sock *held);

/*
 * Say to all processes that nf_tables has something to free; has one said so lately? The time of
 * change of /run/cnibox is the note, which is lost where there can be none: then who closes waits.
 */
void nl_note_removal(void);
bool nl_removal_noted(void);

/*
 * End the child, when what the kernel keeps for its socket is likely to be freed. While removals go on
 * it never is: so all children end at the same moments, where the first one's wait is all the others'.
 */
_Noreturn void nl_linger(const struct nl_sock *held, int status);

#endif
