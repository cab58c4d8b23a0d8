#include "http/socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/file.h"
#include "http/resolve.h"

#define DOING	      "connect"
#define NEXT_AFTER_MS 250 /* RFC 8305, 8: Connection Attempt Delay */

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static socklen_t fill(union address *a, const struct ip *ip, uint32_t scope, uint16_t port)
{
	memset(a, 0, sizeof(*a));
	if (ip->family == 4) {
		a->v4.sin_family = AF_INET;
		a->v4.sin_port = htons(port);
		memcpy(&a->v4.sin_addr, ip->b, 4);
		return sizeof(a->v4);
	}
	a->v6.sin6_family = AF_INET6;
	a->v6.sin6_port = htons(port);
	a->v6.sin6_scope_id = scope;
	memcpy(&a->v6.sin6_addr, ip->b, 16);
	return sizeof(a->v6);
}

int socket_to(const struct ip *ip, uint32_t scope, uint16_t port, int type)
{
	union address a;
	socklen_t len = fill(&a, ip, scope, port);
	cleanup_fd int fd = socket(a.any.sa_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int on = 1;

	if (fd < 0)
		return -1;
	if (type == SOCK_STREAM) {
		/* Requests are written whole; a dead peer of a long answer must be noticed. */
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	}
	if (connect(fd, &a.any, len) && errno != EINPROGRESS)
		return -1;
	return take_fd(&fd);
}

/* Attempts that are under way. */
struct race {
	struct pollfd polls[RESOLVE_MAX]; /* fd -1: not begun, or failed */
	const struct ip *ip;
	unsigned n, begun, running;
	char why[320]; /* each failure, for people */
	int sys;       /* errno of the last */
};

static void failed(struct race *r, unsigned i, int sys)
{
	size_t used = strlen(r->why);
	char text[IP_TEXT];

	r->sys = sys;
	snprintf(r->why + used, sizeof(r->why) - used, "%s%s: %s", used ? "; " : "",
		 ip_format(text, &r->ip[i]), strerror(sys));
}

static void begin_next(struct race *r, uint16_t port)
{
	unsigned i = r->begun++;

	r->polls[i].fd = socket_to(&r->ip[i], 0, port, SOCK_STREAM);
	r->polls[i].events = POLLOUT;
	if (r->polls[i].fd < 0)
		failed(r, i, errno);
	else
		r->running++;
}

/* The first that stands, and closes those that cannot; -1: none yet. */
static int take_winner(struct race *r)
{
	for (unsigned i = 0; i < r->begun; i++) {
		struct pollfd *p = &r->polls[i];
		int sys = 0;
		socklen_t len = sizeof(sys);

		if (p->fd < 0 || !p->revents)
			continue;
		if (getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &sys, &len))
			sys = errno;
		if (!sys)
			return take_fd(&p->fd);
		failed(r, i, sys);
		file_close(&p->fd);
		r->running--;
	}
	return -1;
}

static int run(struct race *r, uint16_t port, struct deadline until)
{
	while (r->begun < r->n || r->running) {
		struct deadline next = until;
		int fd, n;

		if (r->begun < r->n) {
			begin_next(r, port);
			if (!r->running)
				continue;
			if (r->begun < r->n)
				next = deadline_sooner(deadline_in(NEXT_AFTER_MS), until);
		}
		/* Until one has answered, or it is the next one's turn. */
		n = poll(r->polls, r->begun, deadline_left(next));
		if (n < 0)
			return -1;
		fd = n ? take_winner(r) : -1;
		if (fd >= 0)
			return fd;
		if (!deadline_left(until)) {
			errno = ETIMEDOUT;
			return -1;
		}
	}
	errno = 0; /* all have failed */
	return -1;
}

int socket_connect(const struct ip *ip, unsigned n, uint16_t port, struct deadline until,
		   struct err *e)
{
	struct race r = {.ip = ip, .n = n};
	char text[IP_TEXT];
	int fd, sys;

	for (unsigned i = 0; i < RESOLVE_MAX; i++)
		r.polls[i].fd = -1;
	fd = run(&r, port, until);
	sys = errno;
	for (unsigned i = 0; i < r.begun; i++)
		file_close(&r.polls[i].fd);
	if (fd >= 0)
		return fd;
	if (sys)
		err_sys(e, ERR_TRY_AGAIN, DOING, sys, "to port %u of %s%s%s%s", port,
			ip_format(text, &ip[0]), n > 1 ? " and its other addresses" : "",
			r.why[0] ? ": " : "", r.why);
	else
		err_set(e, ERR_TRY_AGAIN, DOING, "to port %u: %s", port, r.why);
	e->sys = sys ? sys : r.sys;
	return -1;
}
