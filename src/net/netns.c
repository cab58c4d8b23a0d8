#include "net/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/sockios.h>
#include <sched.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/file.h"

#define OWN_NETNS "/proc/self/ns/net"

void netns_close(struct netns *ns)
{
	file_close(&ns->fd);
	file_close(&ns->host);
}

/* The Go library's escape hatch, for those who mean it. */
static bool override(void)
{
	const char *word = getenv("CNI_NETNS_OVERRIDE");

	return word && (strcasecmp(word, "1") == 0 || strcasecmp(word, "true") == 0);
}

static bool same_file(int a, int b)
{
	struct stat sa, sb;

	return fstat(a, &sa) == 0 && fstat(b, &sb) == 0 && sa.st_dev == sb.st_dev &&
	       sa.st_ino == sb.st_ino;
}

static int enter(int fd)
{
	return setns(fd, CLONE_NEWNET);
}

static void leave(const struct netns *ns)
{
	/* Whatever came next would be done to the wrong namespace. */
	if (enter(ns->host))
		__builtin_trap();
}

/* By a socket in it, without the way through /proc, which costs 20 us. Old kernels lack that. */
static int open_own(const struct nl_sock *own)
{
	cleanup_fd int s = -1;
	int fd;

	if (!own || own->fd < 0)
		s = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	fd = ioctl(s < 0 && own ? own->fd : s, SIOCGSKNS);
	return fd >= 0 ? fd : openat(AT_FDCWD, OWN_NETNS, O_RDONLY | O_CLOEXEC);
}

static bool is_about_path(int sys)
{
	return sys == ENOENT || sys == ENOTDIR || sys == ELOOP || sys == ENAMETOOLONG ||
	       sys == ENXIO;
}

/* Step in for the first time: whatever it is that was opened. */
static int enter_first(const struct netns *ns, const char *path, struct nl_sock *in,
		       const char *doing, struct err *e)
{
	int result;

	if (enter(ns->fd)) {
		if (errno == EINVAL)
			return err_set(e, ERR_ENV, doing, "CNI_NETNS=%s is not a network namespace",
				       path);
		return err_sys(e, ERR_KERNEL, doing, errno, "enter CNI_NETNS=%s", path);
	}
	result = nl_open(in, NL_ROUTE, e);
	leave(ns);
	return result;
}

int netns_open(struct netns *ns, const char *path, const struct nl_sock *own, struct nl_sock *in,
	       struct err *e)
{
	static const char doing[] = "open pod namespace";

	in->fd = -1;
	*ns = (struct netns){.fd = -1, .host = open_own(own)};
	if (ns->host < 0) {
		err_sys(e, ERR_IO, doing, errno, "%s", OWN_NETNS);
		err_hint(e, "is /proc mounted?");
		return -1;
	}
	ns->fd = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (ns->fd < 0) {
		/* Not ERR_ENV where it says nothing about the path: for a DEL that means gone. */
		err_sys(e, is_about_path(errno) ? ERR_ENV : ERR_IO, doing, errno, "CNI_NETNS=%s",
			path);
	} else if (same_file(ns->fd, ns->host) && !override()) {
		err_set(e, ERR_NETNS, doing,
			"CNI_NETNS=%s is the network namespace that the plugin itself runs in",
			path);
		err_hint(e, "plugin's netns and netns from CNI_NETNS should not be the same");
	} else if (enter_first(ns, path, in, doing, e) == 0) {
		return 0;
	}
	netns_close(ns);
	return -1;
}

int netns_run(const struct netns *ns, int (*do_it)(void *arg, struct err *e), void *arg,
	      struct err *e)
{
	int result;

	if (enter(ns->fd))
		return err_sys(e, ERR_KERNEL, "enter pod namespace", errno, "setns");
	result = do_it(arg, e);
	leave(ns);
	return result;
}

int netns_try(int (*do_it)(void *arg, struct err *e), void *arg, struct err *e)
{
	struct netns ns = {.fd = -1, .host = open_own(NULL)};
	int result = -1;

	if (ns.host < 0 || unshare(CLONE_NEWNET)) {
		err_sys(e, ERR_KERNEL, "make a network namespace", errno, "unshare");
	} else {
		result = do_it(arg, e);
		leave(&ns);
	}
	netns_close(&ns);
	return result;
}

struct socket_order {
	struct nl_sock *s;
	enum nl_protocol protocol;
};

static int open_socket(void *arg, struct err *e)
{
	struct socket_order *order = arg;

	return nl_open(order->s, order->protocol, e);
}

int netns_socket(const struct netns *ns, struct nl_sock *s, enum nl_protocol protocol,
		 struct err *e)
{
	struct socket_order order = {.s = s, .protocol = protocol};

	return netns_run(ns, open_socket, &order, e);
}
