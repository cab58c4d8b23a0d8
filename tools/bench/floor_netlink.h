/*
 * Netlink for the floor: one buffer, in which a request is put together, and one answer to it. It ends
 * the process where anything fails.
 */
#ifndef FLOOR_NETLINK_H
#define FLOOR_NETLINK_H

#include <errno.h>
#include <linux/netlink.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static _Alignas(8) unsigned char buf[4096];
static size_t len;
static struct nlmsghdr *message;

static inline void die(const char *what)
{
	fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* Messages are so few and small that the buffer cannot overflow. */
static inline void *put(const void *data, size_t n)
{
	void *at = buf + len;

	memcpy(at, data, n);
	len += NLMSG_ALIGN(n);
	return at;
}

static inline void begin(unsigned type, unsigned flags, const void *head, size_t n)
{
	const struct nlmsghdr h = {.nlmsg_type = (uint16_t)type,
				   .nlmsg_flags = (uint16_t)(flags | NLM_F_REQUEST)};

	message = put(&h, sizeof(h));
	put(head, n);
}

static inline struct nlattr *attribute(unsigned type, const void *data, size_t n)
{
	const struct nlattr a = {.nla_type = (uint16_t)type, .nla_len = (uint16_t)(sizeof(a) + n)};
	struct nlattr *at = put(&a, sizeof(a));

	put(data, n);
	return at;
}

static inline void number(unsigned type, unsigned v)
{
	attribute(type, &v, sizeof(v));
}

/* What has been put since belongs into the attribute at a. */
static inline void close_nest(struct nlattr *a)
{
	a->nla_len = (uint16_t)(buf + len - (unsigned char *)a);
}

static inline void end(void)
{
	message->nlmsg_len = (uint32_t)(buf + len - (unsigned char *)message);
}

/* One round trip: send what is in the buffer, await an acknowledgement. */
static inline void transact(int fd, const char *what)
{
	static _Alignas(8) unsigned char answer[8192];
	const struct nlmsghdr *h = (const struct nlmsghdr *)(const void *)answer;
	const struct nlmsgerr *e = (const struct nlmsgerr *)(const void *)(h + 1);

	if (send(fd, buf, len, 0) < 0 || recv(fd, answer, sizeof(answer), 0) < 0)
		die(what);
	if (h->nlmsg_type != NLMSG_ERROR || e->error) {
		errno = -e->error;
		die(what);
	}
	len = 0;
}

/* The same for messages that are no transaction: the last one's says all. */
static inline void exchange(int fd, const char *what)
{
	message->nlmsg_flags |= NLM_F_ACK;
	transact(fd, what);
}

static inline int open_netlink(int protocol)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);

	if (fd < 0)
		die("socket");
	return fd;
}

#endif
