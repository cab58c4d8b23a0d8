#include "net/probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/clock.h"
#include "base/file.h"

/* Of linux/if_packet.h and linux/if_ether.h. */
enum { ETHERTYPE_IP6 = 0x86dd, ETHERTYPE_ARP = 0x0806, ETHERTYPE_ALL = 0x0003 };

struct packet_address { /* struct sockaddr_ll */
	uint16_t family, protocol;
	int32_t link;
	uint16_t type;
	uint8_t packet, length, mac[8];
};

struct ether {
	uint8_t to[MAC_BYTES], from[MAC_BYTES];
	uint16_t type;
} __attribute__((packed));

/* RFC 826, for Ethernet and IPv4. */
struct arp {
	struct ether ether;
	uint16_t hardware, protocol;
	uint8_t hardware_len, protocol_len;
	uint16_t operation;
	uint8_t sender_mac[MAC_BYTES], sender[4], target_mac[MAC_BYTES], target[4];
} __attribute__((packed));

/* RFC 8200, and RFC 4861 sections 4.3 and 4.4: both messages begin alike. */
struct discovery {
	struct ether ether;
	uint8_t version[4];
	uint16_t length;
	uint8_t next, hops, from[16], to[16];
	uint8_t type, code;
	uint16_t checksum;
	uint8_t flags[4], target[16];
} __attribute__((packed));

enum { ARP_REQUEST = 1, ARP_REPLY = 2, SOLICITATION = 135, ADVERTISEMENT = 136, ICMP6 = 58 };

static void send_arp(int fd, const struct link *link, const struct ip *ip)
{
	struct arp q = {
		.ether.type = htons(ETHERTYPE_ARP),
		.hardware = htons(1),
		.protocol = htons(0x0800),
		.hardware_len = MAC_BYTES,
		.protocol_len = 4,
		.operation = htons(ARP_REQUEST),
	};

	memset(q.ether.to, 0xff, MAC_BYTES);
	memcpy(q.ether.from, link->mac, MAC_BYTES);
	memcpy(q.sender_mac, link->mac, MAC_BYTES);
	memcpy(q.target, ip->b, 4);
	/* One that is lost is sent again. */
	(void)!send(fd, &q, sizeof(q), 0);
}

/* RFC 1071, over the pseudo header of RFC 8200 section 8.1 and the message. */
static uint16_t checksum(const struct discovery *q)
{
	const uint8_t *p = q->from, *end = (const uint8_t *)(q + 1);
	uint32_t sum = ICMP6 + ntohs(q->length);

	for (; p < end; p += 2)
		sum += (uint32_t)(p[0] << 8 | p[1]);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static void send_solicitation(int fd, const struct link *link, const struct ip *ip)
{
	/* RFC 4291 section 2.7.1, and RFC 2464 section 7. */
	struct discovery q = {
		.ether.to = {0x33, 0x33, 0xff, ip->b[13], ip->b[14], ip->b[15]},
		.ether.type = htons(ETHERTYPE_IP6),
		.version = {0x60},
		.length = htons(24),
		.next = ICMP6,
		.hops = 255,
		.to = {0xff, 0x02, [11] = 1, 0xff, ip->b[13], ip->b[14], ip->b[15]},
		.type = SOLICITATION,
	};

	memcpy(q.ether.from, link->mac, MAC_BYTES);
	memcpy(q.target, ip->b, 16);
	q.checksum = checksum(&q);
	(void)!send(fd, &q, sizeof(q), 0);
}

static void note(struct probe *list, unsigned n, uint8_t family, const uint8_t *ip,
		 const uint8_t *mac)
{
	for (unsigned i = 0; i < n; i++) {
		struct probe *p = &list[i];
		unsigned known = 0;

		if (p->ip.family != family || memcmp(p->ip.b, ip, ip_size(&p->ip)) != 0)
			continue;
		while (known < p->count && memcmp(p->mac[known], mac, MAC_BYTES) != 0)
			known++;
		if (known == p->count && known < PROBE_MACS)
			memcpy(p->mac[p->count++], mac, MAC_BYTES);
	}
}

static void take_frame(const void *frame, size_t len, struct probe *list, unsigned n)
{
	const struct discovery *d = frame;
	const struct arp *a = frame;

	if (len >= sizeof(*a) && a->ether.type == htons(ETHERTYPE_ARP)) {
		if (a->operation == htons(ARP_REPLY))
			note(list, n, 4, a->sender, a->sender_mac);
	} else if (len >= sizeof(*d) && d->ether.type == htons(ETHERTYPE_IP6)) {
		if (d->next == ICMP6 && d->type == ADVERTISEMENT)
			note(list, n, 6, d->target, d->ether.from);
	}
}

static int64_t now_ms(void)
{
	struct timespec t = clock_now(CLOCK_MONOTONIC);

	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void gather(int fd, struct probe *list, unsigned n, int64_t until)
{
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	_Alignas(8) unsigned char frame[256];

	for (int64_t now; (now = now_ms()) < until;) {
		if (poll(&ready, 1, (int)(until - now)) <= 0)
			continue;
		for (ssize_t len; (len = recv(fd, frame, sizeof(frame), MSG_DONTWAIT)) > 0;)
			take_frame(frame, (size_t)len, list, n);
	}
}

int probe_addresses(const struct link *link, struct probe *list, unsigned n, unsigned timeout_ms,
		    struct err *e)
{
	struct packet_address own = {
		.family = AF_PACKET,
		.protocol = htons(ETHERTYPE_ALL),
		.link = link->index,
	};
	cleanup_fd int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	int64_t start = now_ms();

	for (unsigned i = 0; i < n; i++)
		list[i].count = 0;
	if (fd < 0 || bind(fd, (struct sockaddr *)&own, sizeof(own)))
		return err_sys(e, ERR_KERNEL, "ask who has an address", errno,
			       "packet socket on %s", link->name);
	for (unsigned try = 1; try <= 2 && n; try++) {
		for (unsigned i = 0; i < n; i++) {
			if (list[i].ip.family == 6)
				send_solicitation(fd, link, &list[i].ip);
			else
				send_arp(fd, link, &list[i].ip);
		}
		gather(fd, list, n, start + timeout_ms * try / 2);
	}
	return 0;
}
