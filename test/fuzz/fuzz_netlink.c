/*
 * Answers of the kernel: every question that is asked by netlink, with the input for an answer. This
 * program's own sendto, recvmsg and poll take libc's place.
 *
 * The first byte says what is asked. Then come datagrams, each behind its length in two bytes; the
 * sequence number of each message in them is taken as that of the question's so-maniest operation.
 */
#include "fuzz.h"

#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "net/address.h"
#include "net/bridge.h"
#include "net/link.h"
#include "net/neighbour.h"
#include "net/qdisc.h"
#include "net/route.h"
#include "net/route_find.h"
#include "netfilter/conntrack.h"
#include "netfilter/forward.h"
#include "netfilter/hostport_index.h"
#include "netfilter/masquerade.h"
#include "netfilter/nft_eval.h"
#include "netfilter/nft_text.h"
#include "netfilter/reference.h"
#include "netfilter/reference_collect.h"
#include "netfilter/reference_portmap.h"
#include "netfilter/ruleset.h"

static const uint8_t *rest;
static size_t rest_len;
static uint32_t first, next_done; /* sequence numbers: of the question, of what is not over yet */

ssize_t sendto(int fd, const void *buf, size_t n, int flags, const struct sockaddr *to,
	       socklen_t len)
{
	(void)fd, (void)flags, (void)to, (void)len;
	CHECK(n >= sizeof(struct nlmsghdr));
	first = next_done = ((const struct nlmsghdr *)buf)->nlmsg_seq;
	return (ssize_t)n;
}

int poll(struct pollfd *fds, nfds_t n, int ms)
{
	(void)fds, (void)n, (void)ms;
	return 0;
}

/* The next datagram of the input; then the ends of all dumps, one by one. */
static size_t answer(unsigned char *to, size_t room)
{
	struct nlmsghdr done = {.nlmsg_len = NLMSG_LENGTH(4), .nlmsg_type = NLMSG_DONE};
	size_t n = rest_len < 2 ? 0 : rest[0] | (size_t)rest[1] << 8;

	if (n > 0 && n <= rest_len - 2 && n <= room) {
		memcpy(to, rest + 2, n);
		rest += n + 2;
		rest_len -= n + 2;
		for (size_t at = 0; at + sizeof(done) <= n;) {
			struct nlmsghdr h;

			memcpy(&h, to + at, sizeof(h));
			h.nlmsg_seq = first + h.nlmsg_seq % 8;
			memcpy(to + at, &h, sizeof(h));
			if (h.nlmsg_len < sizeof(h) || h.nlmsg_len > n - at)
				break;
			at += NLMSG_ALIGN(h.nlmsg_len);
		}
		return n;
	}
	rest_len = 0;
	if (next_done - first > 64)
		return 0;
	done.nlmsg_seq = next_done++;
	memset(to, 0, NLMSG_LENGTH(4));
	memcpy(to, &done, sizeof(done));
	return NLMSG_LENGTH(4);
}

ssize_t recvmsg(int fd, struct msghdr *m, int flags)
{
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	size_t n;

	(void)fd, (void)flags;
	n = answer(m->msg_iov[0].iov_base, m->msg_iov[0].iov_len);
	if (n == 0) {
		errno = EAGAIN;
		return -1;
	}
	memcpy(m->msg_name, &kernel, sizeof(kernel));
	m->msg_flags = 0;
	return (ssize_t)n;
}

/* --- the questions ----------------------------------------------------------------------------- */

static const struct prefix network = {.ip = {.family = 4, .b = {10, 244}}, .len = 16};
static const struct prefix subnet = {.ip = {.family = 4, .b = {10, 244, 0, 0}}, .len = 24};
static const struct ip address = {.family = 4, .b = {10, 244, 0, 2}};

static int links(struct nl_sock *s, struct err *e)
{
	struct link link, list[8];
	char names[64];
	unsigned count;

	if (link_look(s, "eth0", &link, e) || link_look_index(s, 3, &link, e) ||
	    link_list(s, list, 8, &count, e))
		return -1;
	CHECK(count <= 8 && strlen(link.name) < sizeof(link.name));
	return link_ports(s, 3, names, sizeof(names), &count, e);
}

static int addresses(struct nl_sock *s, struct err *e)
{
	struct address list[8];
	struct prefix p;
	unsigned count;
	bool found;
	int link;

	if (address_look(s, 3, &subnet, &found, e) || address_first(s, 3, 4, true, &p, e) ||
	    address_list(s, 3, 4, list, 8, &count, e))
		return -1;
	CHECK(count <= 8);
	return address_link(s, &address, &link, e);
}

static int routes(struct nl_sock *s, struct err *e)
{
	const struct route_spec spec = {.dst = network};
	struct route_refusal refusal;
	struct route r;
	bool found;

	return route_look(s, &address, &r, e) || route_exists(s, &spec, &found, e) ||
	       route_find_refusal(s, &address, &refusal, e);
}

static int neighbours(struct nl_sock *s, struct err *e)
{
	static const uint8_t mac[MAC_BYTES] = {10, 88, 10, 244, 0, 2};
	struct neighbour list[8];
	unsigned count;
	struct bridge_way way;

	if (neighbour_list(s, 3, list, 8, &count, e))
		return -1;
	CHECK(count <= 8);
	return bridge_way_look(s, 3, mac, &way, e);
}

static int bridges(struct nl_sock *s, struct err *e)
{
	static struct vlan_set vlans;
	struct bridge_port port;
	bool filters;

	return bridge_filters_vlans(s, 3, &filters, e) || bridge_port_look(s, 4, &port, e) ||
	       bridge_port_vlans(s, 4, &vlans, e);
}

static int qdiscs(struct nl_sock *s, struct err *e)
{
	struct qdisc_state found;

	return qdisc_look(s, 3, &found, e);
}

static int flows(struct nl_sock *s, struct err *e)
{
	static struct conntrack_ports ports;
	unsigned forgotten;

	ports.any = true;
	return conntrack_forget_udp(s, 4, &ports, &forgotten, e);
}

static int rulesets(struct nl_sock *s, struct err *e)
{
	const struct ruleset want = {.name = "net",
				     .bridge = "cni0",
				     .subnet = subnet,
				     .network = network,
				     .accept = true};
	enum ruleset_state state;
	bool removed;

	return ruleset_look(s, &want, &state, e) || ruleset_remove(s, 4, "net", &removed, e);
}

static int forwards(struct nl_sock *s, struct err *e)
{
	struct forward_chain found;
	struct forward_obstacle obstacle;
	bool blocked, masquerades;

	return forward_look(s, &network, &found, e) ||
	       forward_obstacle(s, &network, &obstacle, &blocked, e) ||
	       forward_masquerades(s, &subnet, &masquerades, e);
}

static int take_mapping(const struct hostport_map *map, const struct hostport *p,
			const struct nft_element *element, void *arg, struct err *e)
{
	(void)map, (void)p, (void)element, (void)arg, (void)e;
	return 0;
}

static int hostports(struct nl_sock *s, struct err *e)
{
	static const struct hostport port = {.proto = 6, .host = 80};
	static const struct owner_tag tag;
	static struct hostport_table table;
	struct hostport_found found;

	return hostport_look(s, 4, &table, e) ||
	       hostport_list(s, &table, NULL, 0, take_mapping, NULL, e) ||
	       hostport_list(s, &table, &port, 1, take_mapping, NULL, e) ||
	       hostport_ask_index(s, &table, &tag, &address, &found, e);
}

static bool keep_none(const char *owner, void *arg)
{
	(void)arg;
	CHECK(strlen(owner) < 1024);
	return false;
}

static int masquerades(struct nl_sock *s, struct err *e)
{
	return masquerade_sweep(s, xtables_families(XTABLES_NAT), "net", keep_none, NULL, e);
}

static int references(struct nl_sock *s, struct err *e)
{
	return reference_masquerade_remove(s, xtables_families(XTABLES_NAT), "net", "c", "eth0",
					   e) ||
	       reference_portmap_remove(s, 4, "net", "c", e) ||
	       reference_collect(s, 4, &reference_ports, "net", keep_none, NULL, e);
}

/* All that the checker does with other people's rules: read, walk, print. */
static int others(struct nl_sock *s, struct err *e)
{
	const struct packet packet = {.source = address,
				      .destination = {.family = 4, .b = {10, 244, 1, 2}},
				      .iif = "cni0",
				      .oif = "eth0",
				      .bridge = "",
				      .mark_known = true};
	struct nft_dump d = {.nf = s};
	struct verdict v = {0};
	char text[256];

	if (nft_dump_chains(&d, 2, e))
		return -1;
	nft_eval_hook(&d, "filter", HOOK_FORWARD, &packet, &v);
	for (struct nft_kept_chain *c = d.chains; c; c = c->next) {
		nft_dump_rules(&d, c);
		for (struct nft_kept_rule *r = c->first; r; r = r->next) {
			nft_text_rule(text, sizeof(text), &d, &c->chain, r);
			CHECK(memchr(text, '\0', sizeof(text)));
		}
	}
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static int (*const questions[])(struct nl_sock * s, struct err * e) = {
		links,	  addresses, routes,	neighbours,  bridges,	 qdiscs, flows,
		rulesets, forwards,  hostports, masquerades, references, others,
	};
	struct nl_sock s = {.fd = 1000};
	struct err e = {0};

	if (n < 1)
		return 0;
	arena_reset();
	rest = data + 1;
	rest_len = n - 1;
	if (questions[data[0] % ARRAY_SIZE(questions)](&s, &e))
		CHECK(e.code && *e.msg);
	return 0;
}
