#include "node/node_memory.h"

#include <fcntl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"
#include "config.h"
#include "net/address.h"
#include "netfilter/nft.h"
#include "netfilter/xtables.h"
#include "node/node_down.h"
#include "node/node_forwarding.h"

#ifndef SO_NETNS_COOKIE /* musl 1.2.3 */
#define SO_NETNS_COOKIE 71
#endif

/* Another layout has another one. */
#define MAGIC 0x3165646f6e62636e /* "ncbnode1" */

/* Without bytes that mean nothing, as two are compared as they lie. */
struct __attribute__((packed)) record {
	uint64_t magic;
	uint64_t netns;
	struct pod_range range[POD_FAMILIES];
	char bridge[LINK_NAME];
	int32_t index; /* the bridge's */
	uint32_t generation;
	uint32_t masquerade, accept;
};

static bool has_legacy_tables(const struct pod_network *net)
{
	for (unsigned family = 0; family < POD_FAMILIES; family++)
		if (node_uses(net, family) && xtables_in_use(family ? 6 : 4))
			return true;
	return false;
}

static int take_generation(const struct nlmsghdr *h, unsigned op, void *arg, struct err *e)
{
	(void)op, (void)e;
	if ((h->nlmsg_type & 0xff) == NFT_MSG_NEWGEN)
		*(uint32_t *)arg = nft_read_generation(h);
	return 0;
}

/* 0: there is none. It is never 0 where there is one: the kernel passes over it. */
static uint32_t generation(struct nl_sock *nf)
{
	struct nl_batch q;
	uint32_t g = 0;

	nl_batch_init(&q);
	nft_get_generation(&q);
	return nl_ask(nf, &q, take_generation, &g, &(struct err){0}) ? 0 : g;
}

/* What a record has to be, but for the bridge's index. Gives false where none can be believed. */
static bool describe(struct record *r, struct node_sockets *s, const struct pod_network *net)
{
	socklen_t n = sizeof(r->netns);

	memset(r, 0, sizeof(*r));
	r->magic = MAGIC;
	memcpy(r->range, net->range, sizeof(r->range));
	snprintf(r->bridge, sizeof(r->bridge), "%s", net->bridge);
	r->masquerade = net->masquerade;
	r->accept = net->accept;
	/* Older kernels have no name for a namespace that no other will have after it. */
	if (s->netfilter.fd < 0 ||
	    getsockopt(s->netfilter.fd, SOL_SOCKET, SO_NETNS_COOKIE, &r->netns, &n))
		return false;
	r->generation = generation(&s->netfilter);
	return r->generation != 0;
}

/* --- what the generation does not cover ------------------------------------------------------- */

static bool is_ready(struct nl_sock *route, const struct pod_network *net, int bridge)
{
	struct node_state state = {.missing = 0};
	struct err e = {0};

	if (!link_is_still(route, bridge, net->bridge) || has_legacy_tables(net))
		return false;
	for (unsigned family = 0; family < POD_FAMILIES; family++) {
		struct prefix address = node_gateway(&net->range[family]);
		bool there = true;

		if (node_uses(net, family) &&
		    (address_look(route, bridge, &address, &there, &e) || !there ||
		     node_look_forwarding(route, family, &state, &e) || state.missing))
			return false;
	}
	return true;
}

/* --- the record ------------------------------------------------------------------------------- */

#define PATH_BYTES (sizeof(RUN_DIR) + sizeof("/node-") + 255)

/* A name that is too long for a file is one that nothing is remembered of. */
static void put_path(char path[static PATH_BYTES], const struct pod_network *net)
{
	snprintf(path, PATH_BYTES, RUN_DIR "/node-%s", net->name);
}

static void remember(struct record *r, const struct pod_network *net)
{
	char path[PATH_BYTES];
	cleanup_fd int fd = -1;

	put_path(path, net);
	fd = run_file_open(path, O_WRONLY | O_CREAT);
	if (fd >= 0 && write(fd, r, sizeof(*r)) != (ssize_t)sizeof(*r))
		unlinkat(AT_FDCWD, path, 0);
}

/* Is there a record as *r, which then gets the bridge's index of it? */
static bool recall(struct record *r, const struct pod_network *net)
{
	char path[PATH_BYTES];
	cleanup_fd int fd = -1;
	struct record last;

	put_path(path, net);
	fd = run_file_open(path, O_RDONLY | O_NOCTTY);
	if (fd < 0 || read(fd, &last, sizeof(last)) != (ssize_t)sizeof(last))
		return false;
	r->index = last.index;
	return memcmp(r, &last, sizeof(last)) == 0;
}

int node_look_again(struct node_sockets *s, const struct pod_network *net, struct node_state *found,
		    struct err *e)
{
	struct record r;
	bool believable = HAS_MEMORY && describe(&r, s, net);
	bool known = believable && recall(&r, net);

	if (known && is_ready(&s->route, net, r.index)) {
		memset(found, 0, sizeof(*found));
		found->bridge.index = r.index;
		memcpy(found->bridge.name, r.bridge, sizeof(r.bridge));
		return 0;
	}
	if (node_look(s, net, found, e))
		return -1;
	/* The generation is of before the look: what changed meanwhile makes it an old one. */
	known = known && r.index == found->bridge.index;
	if (believable && !known && !found->missing) {
		r.index = found->bridge.index;
		remember(&r, net);
	}
	return 0;
}
