#include "net/node_forwarding.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdio.h>

#include "net/address.h"
#include "net/sysctl.h"

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

int node_look_forwarding(struct nl_sock *route, unsigned family, struct node_state *found,
			 struct err *e)
{
	long forwarding = sysctl_number(forwarding_path[family]);
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
