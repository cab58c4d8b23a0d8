/*
 * RTM_DELLINK blocks for about 20 ms in RCU grace periods after the device has already vanished
 * (netdev_wait_allrefs_any and synchronize_net in net/core/dev.c). A pod's DEL need not wait.
 */
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/log.h"
#include "net/link.h"
#include "netlink/attr.h"
#include "netlink/linger.h"

/* How often the child is asked whether it has ended, where no announcement comes. */
#define CHILD_POLL_MS 10

static _Noreturn void remove_in_child(struct nl_sock *held, int index)
{
	struct nl_sock s;
	struct err e = {0};

	nl_linger(held, nl_open(&s, NL_ROUTE, &e) || link_remove(&s, index, &e));
}

/* Does the datagram announce that the device is gone? (A bridge port's leave is AF_BRIDGE's.) */
static bool announces_removal(const void *buf, long n, int index)
{
	const struct nlmsghdr *h = NULL;

	while ((h = nl_message(buf, (size_t)n, h))) {
		const struct ifinfomsg *info = nl_head_of(h, sizeof(*info));

		if (h->nlmsg_type == RTM_DELLINK && info && info->ifi_family == AF_UNSPEC &&
		    info->ifi_index == index)
			return true;
	}
	return false;
}

/* Gives 0; 1 if the child has ended without an announcement; -1 with e set. */
static int wait_for_removal(struct nl_sock *announcements, pid_t child, int index, struct err *e)
{
	static _Alignas(8) unsigned char buf[NL_ANSWER_BYTES];

	if (child < 0)
		return 1;
	for (;;) {
		long n = nl_receive(announcements, buf, CHILD_POLL_MS, e);

		if (n < 0)
			return -1;
		if (announces_removal(buf, n, index))
			return 0;
		/* An error: it has ended, and SIGCHLD is ignored, as the runtime left it to us. */
		if (waitpid(child, NULL, WNOHANG) != 0)
			return 1;
	}
}

int link_remove_quickly(struct nl_sock *s, struct nl_sock *held, int index, struct err *e)
{
	struct nl_sock announcements;
	pid_t child;
	int result;

	if (index == 0)
		return 0;
	if (nl_open_groups(&announcements, NL_ROUTE, RTMGRP_LINK, e))
		return -1;
	child = nl_fork(held);
	if (child == 0)
		remove_in_child(held, index);
	result = wait_for_removal(&announcements, child, index, e);
	nl_close(&announcements);
	if (result > 0) /* no process to be had, or it failed, or its success was not heard of */
		result = link_remove(s, index, e);
	if (result == 0)
		log_trace("remove link %d: done", index);
	return result;
}
