/*
 * A pod's network namespace. The process stays in the host's: it steps in only to open a netlink
 * socket or a sysctl file, both of which keep to the namespace they were opened in, and back out.
 */
#ifndef NET_NETNS_H
#define NET_NETNS_H

#include "base/err.h"
#include "netlink/socket.h"

struct netns {
	int fd;	  /* the pod's */
	int host; /* the process's own, the way back */
};

/*
 * Open the namespace at path (CNI_NETNS), and a NETLINK_ROUTE socket in it. Never blocks, whatever the
 * file is.
 *
 * own  a socket of the process's own namespace, if there is one already; NULL or not open: none
 * in   the socket; closed where this fails
 *
 * e  ERR_ENV: it does not exist (e->sys ENOENT) or is no network namespace; ERR_NETNS: it is the
 *    host's own, which is refused before any work unless CNI_NETNS_OVERRIDE is set
 */
int netns_open(struct netns *ns, const char *path, const struct nl_sock *own, struct nl_sock *in,
	       struct err *e) must_check;
void netns_close(struct netns *ns);
#define cleanup_netns on_scope_exit(netns_close)

/* Open another netlink socket in the pod. */
int netns_socket(const struct netns *ns, struct nl_sock *s, enum nl_protocol protocol,
		 struct err *e) must_check;

/*
 * Make a namespace, run do_it(arg) in it, and forget it with all that is in it: to see whether the
 * kernel can do a thing. Gives what do_it gave, or -1 with e set.
 */
int netns_try(int (*do_it)(void *arg, struct err *e), void *arg, struct err *e) must_check;

/*
 * Step in; run do_it(arg); step out. A process that cannot get back must not go on: then this does
 * not return. Gives what do_it gave, or -1 with e set.
 */
int netns_run(const struct netns *ns, int (*do_it)(void *arg, struct err *e), void *arg,
	      struct err *e) must_check;

#endif
