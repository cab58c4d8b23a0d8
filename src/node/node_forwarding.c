#include "node/node_forwarding.h"

#include <errno.h>
#include <linux/netconf.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <sys/socket.h>

#include "net/address.h"
#include "net/sysctl.h"
#include "netlink/attr.h"

static const char *const forwarding_path[POD_FAMILIES] = {
	"net/ipv4/ip_forward",
	"net/ipv6/conf/all/forwarding",
};

/* Values of accept_ra: where the node does not forward; always. With 0, a daemon does it. */
enum { HEARS_AS_HOST = 1, HEARS_ALWAYS = 2 };

static const char *accept_ra_path(const char *link)
{
	static char path[64];

	snprintf(path, sizeof(path), "net/ipv6/conf/%s/accept_ra", link);
	return path;
}

static int look_listener(struct nl_sock *route, struct node_state *found, struct err *e)
{
	struct ip outside = route_outside(6);
	struct link uplink;
	struct route r;

	if (route_look(route, &outside, &r, e))
		return -1;
	if (!r.found || r.protocol != RTPROT_RA)
		return 0;
	if (link_look_index(route, r.link, &uplink, e))
		return -1;
	if (sysctl_number(accept_ra_path(uplink.name)) != HEARS_AS_HOST)
		return 0;
	snprintf(found->listener, sizeof(found->listener), "%s", uplink.name);
	node_note(found, NODE_LISTEN, 1, false);
	return 0;
}

/* The fixed header, struct netconfmsg, is one byte and its padding. */
static int take_forwarding(const struct nlmsghdr *h, unsigned op, void *arg, struct err *e)
{
	const struct nlattr *tb[NETCONFA_FORWARDING + 1];

	(void)op, (void)e;
	nl_attrs_of(tb, NETCONFA_FORWARDING, h, NLMSG_ALIGN(sizeof(struct netconfmsg)));
	if (h->nlmsg_type == RTM_NEWNETCONF && tb[NETCONFA_FORWARDING])
		*(long *)arg = (int)nl_get_u32(tb[NETCONFA_FORWARDING]);
	return 0;
}

/*
 * What the file would say, without the way through /proc/sys, which takes five times as long, and more
 * the more namespaces there are. -1 with errno set where there is no such setting, or it cannot be
 * read.
 */
static long read_forwarding(struct nl_sock *route, unsigned family)
{
	struct netconfmsg head = {.ncm_family = family ? AF_INET6 : AF_INET};
	struct nl_batch q;
	long forwarding = -1;

	nl_batch_init(&q);
	nl_op(&q, "read forwarding", RTM_GETNETCONF, 0);
	nl_head(&q, &head, sizeof(head));
	nl_u32(&q, NETCONFA_IFINDEX, (uint32_t)NETCONFA_IFINDEX_ALL);
	if (nl_ask(route, &q, take_forwarding, &forwarding, &(struct err){0}) == 0 &&
	    forwarding >= 0)
		return forwarding;
	return sysctl_number(forwarding_path[family]);
}

int node_enable_forwarding(struct nl_sock *route, unsigned family, struct err *e)
{
	return read_forwarding(route, family) == 1 ? 0 : sysctl_set(forwarding_path[family], 1, e);
}

int node_look_forwarding(struct nl_sock *route, unsigned family, struct node_state *found,
			 struct err *e)
{
	long forwarding = read_forwarding(route, family);
	bool forwards = forwarding > 0;

	/* What cannot be read is not off: switching it on would be noted, and taken back some day. */
	if (forwarding < 0 && errno != ENOENT)
		return err_sys(e, ERR_IO, "look at node", errno, "/proc/sys/%s",
			       forwarding_path[family]);
	node_note(found, NODE_FORWARDING, family, forwards);
	return forwards || family == 0 ? 0 : look_listener(route, found, e);
}

int node_make_forwarding(const struct node_state *state, enum node_part part, unsigned family,
			 struct err *e)
{
	if (part == NODE_LISTEN)
		return sysctl_set(accept_ra_path(state->listener), HEARS_ALWAYS, e);
	if (sysctl_number(forwarding_path[family]) > 0)
		return 1;
	return sysctl_set(forwarding_path[family], 1, e);
}

int node_unmake_forwarding(const char *listener, enum node_part part, unsigned family,
			   struct err *e)
{
	if (part == NODE_FORWARDING)
		return sysctl_set(forwarding_path[family], 0, e);
	if (sysctl_set(accept_ra_path(listener), HEARS_AS_HOST, e) == 0)
		return 0;
	if (e->sys != ENOENT)
		return -1;
	err_clear(e);
	return 0;
}
