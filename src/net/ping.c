#include "net/ping.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>

#include "base/clock.h"
#include "base/file.h"

#define SMALL_PACKET 84 /* what ping(8) sends: 56 bytes of data */
#define LARGEST	     65535
#define TRIES	     3
#define HEADER	     8 /* ICMP echo, both families */

/* RFC 792 and RFC 4443. The C library's headers for them bring a struct ip of their own. */
enum icmp_type {
	ICMP_ECHOREPLY = 0,
	ICMP_DEST_UNREACH = 3,
	ICMP_ECHO = 8,
	ICMP_TIME_EXCEEDED = 11,
	ICMP6_DST_UNREACH = 1,
	ICMP6_PACKET_TOO_BIG = 2,
	ICMP6_TIME_EXCEEDED = 3,
	ICMP6_ECHO_REQUEST = 128,
	ICMP6_ECHO_REPLY = 129,
};

/* The DF and "do not believe the path MTU cache" modes of <linux/in.h> and <linux/in6.h>. */
#define PMTU_PROBE 3

static unsigned char packet[LARGEST];

/*
 * A raw socket, or where that is forbidden the kernel's ping socket, which sends echo requests
 * under the identifier that it is bound to and hears of nothing but their replies.
 */
static int open_one(sa_family_t family, int protocol, uint16_t id)
{
	/* An IPv6 address has its port in the same place. */
	struct sockaddr_storage own = {.ss_family = family};
	int flags = SOCK_CLOEXEC | SOCK_NONBLOCK;
	int fd = socket(family, SOCK_RAW | flags, protocol);
	int sys = errno;

	if (fd >= 0)
		return fd;
	((struct sockaddr_in *)&own)->sin_port = htons(id);
	fd = socket(family, SOCK_DGRAM | flags, protocol);
	if (fd >= 0 && bind(fd, (struct sockaddr *)&own, sizeof(own)) == 0)
		return fd;
	file_close(&fd);
	return -sys;
}

int ping_open(struct ping_sockets *s, struct err *e)
{
	int probe = PMTU_PROBE;

	if (getrandom(&s->id, sizeof(s->id), 0) != sizeof(s->id))
		return err_sys(e, ERR_KERNEL, "open ping socket", errno, "getrandom");
	s->v4 = open_one(AF_INET, IPPROTO_ICMP, s->id);
	s->v6 = open_one(AF_INET6, IPPROTO_ICMPV6, s->id);
	if (s->v4 < 0 && s->v6 < 0)
		return err_sys(e, ERR_KERNEL, "open ping socket", -s->v4,
			       "needs CAP_NET_RAW, or this group in net.ipv4.ping_group_range");
	if (s->v4 >= 0)
		setsockopt(s->v4, IPPROTO_IP, IP_MTU_DISCOVER, &probe, sizeof(probe));
	if (s->v6 >= 0)
		setsockopt(s->v6, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &probe, sizeof(probe));
	return 0;
}

void ping_close(struct ping_sockets *s)
{
	file_close(&s->v4);
	file_close(&s->v6);
}

/* RFC 1071. */
static uint16_t checksum(const unsigned char *p, size_t n)
{
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < n; i += 2)
		sum += (uint32_t)(p[i] << 8 | p[i + 1]);
	if (n % 2)
		sum += (uint32_t)p[n - 1] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static uint64_t now_us(void)
{
	struct timespec t = clock_now(CLOCK_MONOTONIC);

	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static socklen_t socket_address(struct sockaddr_storage *sa, const struct ip *ip)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)sa;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)sa;

	memset(sa, 0, sizeof(*sa));
	if (ip->family == 6) {
		v6->sin6_family = AF_INET6;
		memcpy(&v6->sin6_addr, ip->b, 16);
		return sizeof(*v6);
	}
	v4->sin_family = AF_INET;
	memcpy(&v4->sin_addr, ip->b, 4);
	return sizeof(*v4);
}

static struct ip ip_of(const struct sockaddr_storage *sa)
{
	struct ip ip = {0};

	if (sa->ss_family == AF_INET6) {
		ip.family = 6;
		memcpy(ip.b, &((const struct sockaddr_in6 *)sa)->sin6_addr, 16);
	} else {
		ip.family = 4;
		memcpy(ip.b, &((const struct sockaddr_in *)sa)->sin_addr, 4);
	}
	return ip;
}

/* One echo request: identifier, index as sequence number, time of sending as data. */
static void send_one(struct ping_sockets *s, struct ping *p, unsigned index)
{
	int fd = p->to.family == 6 ? s->v6 : s->v4;
	size_t ip_header = p->to.family == 6 ? 40 : 20;
	size_t n = (p->size ? p->size : SMALL_PACKET) - ip_header;
	struct sockaddr_storage to;
	socklen_t to_len = socket_address(&to, &p->to);
	uint64_t now = now_us();
	uint16_t sum;

	memset(packet, 0, n);
	packet[0] = p->to.family == 6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO;
	packet[4] = (unsigned char)(s->id >> 8);
	packet[5] = (unsigned char)s->id;
	packet[7] = (unsigned char)index;
	memcpy(packet + HEADER, &now, sizeof(now));
	if (p->to.family == 4) { /* the kernel fills in ICMPv6's */
		sum = checksum(packet, n);
		packet[2] = (unsigned char)(sum >> 8);
		packet[3] = (unsigned char)sum;
	}
	p->send_error = fd < 0 ? -fd : 0;
	if (fd >= 0 && sendto(fd, packet, n, 0, (struct sockaddr *)&to, to_len) < 0)
		p->send_error = errno;
}

static const char *words_of_error(uint8_t family, uint8_t type, uint8_t code)
{
	static const char *const v4[] = {
		[0] = "network unreachable",	   [1] = "host unreachable",
		[2] = "protocol unreachable",	   [3] = "port unreachable",
		[4] = "packet too big for a link", [9] = "network prohibited",
		[10] = "host prohibited",	   [13] = "administratively prohibited",
	};
	static const char *const v6[] = {
		[0] = "no route",
		[1] = "administratively prohibited",
		[3] = "address unreachable",
		[4] = "port unreachable",
	};

	if (family == 4 && type == ICMP_DEST_UNREACH)
		return code < ARRAY_SIZE(v4) && v4[code] ? v4[code] : "unreachable";
	if (family == 4 && type == ICMP_TIME_EXCEEDED)
		return "routing loop (time exceeded)";
	if (family == 6 && type == ICMP6_DST_UNREACH)
		return code < ARRAY_SIZE(v6) && v6[code] ? v6[code] : "unreachable";
	if (family == 6 && type == ICMP6_PACKET_TOO_BIG)
		return "packet too big for a link";
	if (family == 6 && type == ICMP6_TIME_EXCEEDED)
		return "routing loop (time exceeded)";
	return NULL;
}

/* Is there an echo header of ours at p? Gives its ping's index, or -1. */
static int index_of(const unsigned char *p, size_t n, uint8_t request, uint16_t id, unsigned count)
{
	if (n < HEADER || p[0] != request || (p[4] << 8 | p[5]) != id || p[6] || p[7] >= count)
		return -1;
	return p[7];
}

static void take_answer(struct ping *ping, unsigned count, uint16_t id, const unsigned char *p,
			size_t n, const struct ip *from)
{
	bool v6 = from->family == 6;
	uint8_t reply = v6 ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY;
	uint8_t request = v6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO;
	const char *complaint = n >= HEADER ? words_of_error(from->family, p[0], p[1]) : NULL;
	uint64_t sent;
	int i;

	if (complaint) { /* our own packet stands behind the eight bytes */
		size_t skip = HEADER + (v6 ? 40u : n > HEADER ? (p[HEADER] & 15u) * 4 : 0);

		i = n > skip ? index_of(p + skip, n - skip, request, id, count) : -1;
		if (i < 0 || ping[i].answered)
			return;
		ping[i].complaint = complaint;
		ping[i].complaint_from = *from;
		return;
	}
	i = index_of(p, n, reply, id, count);
	if (i < 0 || n < HEADER + sizeof(sent) || !ip_equal(from, &ping[i].to))
		return;
	memcpy(&sent, p + HEADER, sizeof(sent));
	if (ping[i].answered)
		return;
	ping[i].answered = true;
	ping[i].rtt_us = (uint32_t)(now_us() - sent);
}

static void drain(int fd, struct ping *ping, unsigned count, uint16_t id)
{
	struct sockaddr_storage sa = {0};
	socklen_t sa_len = sizeof(sa);
	ssize_t n;

	if (fd < 0)
		return;
	while ((n = recvfrom(fd, packet, sizeof(packet), 0, (struct sockaddr *)&sa, &sa_len)) >=
	       0) {
		struct ip from = ip_of(&sa);
		/* A ping socket gives no IPv4 header: there the reply begins, of type 0. */
		size_t skip = from.family == 4 && n > 0 ? (packet[0] & 15u) * 4 : 0;

		if ((size_t)n > skip)
			take_answer(ping, count, id, packet + skip, (size_t)n - skip, &from);
		sa_len = sizeof(sa);
	}
}

static bool all_answered(const struct ping *ping, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (!ping[i].answered)
			return false;
	return true;
}

/* Listen until all have answered or the time comes. */
static void gather(struct ping_sockets *s, struct ping *ping, unsigned count, uint64_t until)
{
	struct pollfd fds[] = {{.fd = s->v4, .events = POLLIN}, {.fd = s->v6, .events = POLLIN}};

	while (!all_answered(ping, count)) {
		uint64_t now = now_us();

		if (now >= until)
			return;
		poll(fds, 2, (int)((until - now + 999) / 1000));
		drain(s->v4, ping, count, s->id);
		drain(s->v6, ping, count, s->id);
	}
}

int ping_all(struct ping_sockets *s, struct ping *ping, unsigned count, unsigned timeout_ms,
	     struct err *e)
{
	uint64_t start = now_us();

	if (count > PING_MAX)
		return err_set(e, ERR_USAGE, "ping", "more than %d addresses", PING_MAX);
	for (unsigned try = 1; try <= TRIES && !all_answered(ping, count); try++) {
		for (unsigned i = 0; i < count; i++)
			if (!ping[i].answered)
				send_one(s, &ping[i], i);
		gather(s, ping, count, start + (uint64_t)timeout_ms * 1000 * try / TRIES);
	}
	return 0;
}
