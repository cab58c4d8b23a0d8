/*
 * A netlink socket, and the one place where answers are received.
 *
 * A socket belongs to the network namespace in which it was opened, for good: a plugin has one for
 * the host and one for the pod and needs no second process.
 */
#ifndef NETLINK_SOCKET_H
#define NETLINK_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "netlink/batch.h"

struct nlmsghdr;

/* The kernel fills at most 32 KiB per datagram of a dump (netlink_dump in af_netlink.c). */
#define NL_ANSWER_BYTES 32768

/* Values of <linux/netlink.h>, which no folder above net/, netfilter/ and node/ includes. */
enum nl_protocol {
	NL_ROUTE = 0,	   /* NETLINK_ROUTE: links, addresses, routes */
	NL_NETFILTER = 12, /* NETLINK_NETFILTER: nf_tables */
};

struct nl_sock {
	int fd; /* -1: not open; then whatever is sent fails with EPROTONOSUPPORT in e->sys */
	uint32_t sequence;
	bool unread;	/* the last answers were not read to their end */
	bool netfilter; /* closing it may take time: see nl_close */
	bool removed;	/* an nf_tables transaction took something away */
	bool held;	/* by a child, too, that outlives us (linger.h) */
	bool brief;	/* what each() has refused ends nl_ask: the rest of a dump is not made */
};

/* Open a socket in the present network namespace. */
int nl_open(struct nl_sock *s, enum nl_protocol protocol, struct err *e) must_check;
/* The same, subscribed to the multicast groups of the mask (RTMGRP_LINK ...). */
int nl_open_groups(struct nl_sock *s, enum nl_protocol protocol, uint32_t groups,
		   struct err *e) must_check;
/*
 * Closed, where that takes time, by a child: the last to close an nf_tables socket waits until the
 * kernel has freed what anybody has removed (linger.h).
 */
void nl_close(struct nl_sock *s);
#define cleanup_nl on_scope_exit(nl_close)

/*
 * Have the kernel heed what a dump's fixed header says: of the addresses, only those of that link.
 * Before Linux 5.0 it gives all, as it does without this: who asks must look at what comes.
 */
void nl_be_strict(struct nl_sock *s, bool strict);

/*
 * Send all operations of b in one system call and wait for the answer to the last one that has any.
 *
 * rtnetlink carries out each on its own: those beside a refused one may be done, undo is the
 * caller's. An nf_tables batch (netfilter/nft.h) is carried out whole or not at all.
 *
 * e  set on failure: ERR_KERNEL, the label of the first refused operation, the kernel's own words
 *    and errno (also in e->sys)
 */
int nl_apply(struct nl_sock *s, struct nl_batch *b, struct err *e) must_check;

/*
 * Send b, whose operations are questions, and hand each answer to each(). One of them may have
 * NLM_F_DUMP: a socket has room for one dump at a time.
 * An answer ENOENT, ENODEV or ESRCH ("no such object") is passed over: each() is not called.
 * A dump that changed meanwhile (NLM_F_DUMP_INTR) fails with e->sys EINTR: ask again.
 *
 * op   index of the operation that the answer belongs to
 *
 * each() gives 0, or -1 with its own error set. After a failure it is not called again, and what
 * is left of the answers is read, so that the socket is ready for the next question.
 */
typedef int nl_answer_fn(const struct nlmsghdr *h, unsigned op, void *arg, struct err *e);
int nl_ask(struct nl_sock *s, struct nl_batch *b, nl_answer_fn *each, void *arg,
	   struct err *e) must_check;

/* The same, by the name that says what it does where b is one dump. */
int nl_dump(struct nl_sock *s, struct nl_batch *b, nl_answer_fn *each, void *arg,
	    struct err *e) must_check;

/*
 * Wait for the next announcement of a subscribed socket.
 *
 * buf  NL_ANSWER_BYTES; holds the datagram afterwards
 *
 * Gives its length; 0 after timeout_ms, or when announcements were lost (ENOBUFS); -1 with e set.
 */
long nl_receive(struct nl_sock *s, void *buf, int timeout_ms, struct err *e) must_check;

#endif
