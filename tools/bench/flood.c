/*
 * Send UDP packets as fast as one processor can, each of the same flow or each of a flow of its own.
 *
 *	flood SOURCE ADDRESS PORT PACKETS one|each
 *
 * Prints the nanoseconds that it took. On a veth pair a packet goes all its way, through the node's
 * rules and into the pod, before the next is sent: so this is the time that the way takes.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define FIRST_SOURCE_PORT 1024
#define SOURCE_PORTS	  60000 /* more flows than that do not have a port each */

/* The length of a small request: DNS, QUIC's acknowledgements. */
struct packet {
	struct iphdr ip;
	struct udphdr udp;
	char data[64];
};

static void die(const char *what)
{
	fprintf(stderr, "flood: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* The kernel fills in the header's checksum; UDP over IPv4 goes without. */
static struct packet packet_to(const struct sockaddr_in *to, const char *source)
{
	struct packet p = {.ip = {.version = 4,
				  .ihl = sizeof(p.ip) / 4,
				  .ttl = 64,
				  .protocol = IPPROTO_UDP,
				  .tot_len = htons(sizeof(p)),
				  .daddr = to->sin_addr.s_addr},
			   .udp = {.source = htons(FIRST_SOURCE_PORT),
				   .dest = to->sin_port,
				   .len = htons(sizeof(p) - sizeof(p.ip))}};

	if (inet_pton(AF_INET, source, &p.ip.saddr) != 1)
		die(source);
	return p;
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	struct packet p;
	uint64_t start;
	long packets;
	int each;

	if (argc != 6 || inet_pton(AF_INET, argv[2], &to.sin_addr) != 1) {
		fprintf(stderr, "usage: flood SOURCE ADDRESS PORT PACKETS one|each\n");
		return 2;
	}
	if (fd < 0)
		die("socket");
	to.sin_port = htons((uint16_t)strtoul(argv[3], NULL, 10));
	p = packet_to(&to, argv[1]);
	packets = strtol(argv[4], NULL, 10);
	each = strcmp(argv[5], "each") == 0;
	to.sin_port = 0;
	start = now();
	for (long i = 0; i < packets; i++) {
		if (each)
			p.udp.source = htons((uint16_t)(FIRST_SOURCE_PORT + i % SOURCE_PORTS));
		if (sendto(fd, &p, sizeof(p), 0, (const struct sockaddr *)&to, sizeof(to)) < 0)
			die("send");
	}
	printf("%llu\n", (unsigned long long)(now() - start));
	return 0;
}
