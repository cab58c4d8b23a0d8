/*
 * What an nf_tables transaction removes, the kernel frees when an RCU grace period is over; whoever
 * closes the last descriptor of any such socket before waits for that, 4 to 8 ms, and with him all who
 * want to change rules (nft_rcv_nl_event in net/netfilter/nf_tables_api.c). The transaction is
 * complete as soon as it is answered: a plugin need not wait.
 */
#include "netlink/linger.h"

#include <stdbool.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Several grace periods. Who closes after that need not wait, nor let others wait. */
#define LINGER_MS 40

static void close_all(unsigned from, unsigned to)
{
	if (from > to || syscall(SYS_close_range, from, to, 0u) == 0)
		return;
	for (unsigned fd = from; fd <= to && fd < 1024; fd++)
		close((int)fd);
}

pid_t nl_fork(struct nl_sock *held)
{
	pid_t child = _Fork(); /* fork's locks are for threads, of which there are none */
	int fd = held ? held->fd : -1;

	if (child > 0 && held)
		held->held = true;
	if (child != 0)
		return child;
	if (fd > 0)
		close_all(0, (unsigned)fd - 1);
	close_all((unsigned)fd + 1, ~0u);
	if (chdir("/"))
		_exit(1);
	return 0;
}

_Noreturn void nl_linger(const struct nl_sock *held, int status)
{
	if (held && held->fd >= 0)
		nanosleep(&(struct timespec){.tv_nsec = LINGER_MS * 1000000L}, NULL);
	_exit(status);
}
