/* cni-check looks at links: bridge, gateway's address, host ends of the pods' links, the pod. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/file.h"
#include "commands/check.h"
#include "ipam/lease_file.h"
#include "net/address.h"

/* Characters that the names of one network's host ends have in common: names_host_link. */
#define NETWORK_PART 7

/* Without a bridge: its finding, whose fix is also to plug the pods in again. */
static struct check_finding *missing;

static int look_at_bridge(struct check *c, struct err *e)
{
	char fix[CHECK_FIX];

	if (link_look(&c->host.route, c->net.bridge, &c->bridge, e))
		return -1;
	check_node_up(c, fix);
	if (!c->bridge.index) {
		missing = check_found(c, "bridge-missing", CHECK_BY_LINK, 0, fix,
				      "there is no bridge %s", c->net.bridge);
	} else if (strcmp(c->bridge.kind, "bridge") != 0) {
		check_found(c, "bridge-is-none", CHECK_BY_LINK, 0,
			    "give the bridge another name in the configuration",
			    "%s is no bridge but %s%s", c->net.bridge,
			    *c->bridge.kind ? "of kind " : "",
			    *c->bridge.kind ? c->bridge.kind : "a network card");
		c->bridge.index = 0;
	} else if (!c->bridge.up) {
		check_found(c, "bridge-down", CHECK_BY_LINK, 0, fix, "bridge %s is down",
			    c->net.bridge);
	}
	return 0;
}

static int look_at_gateway(struct check *c, struct err *e)
{
	for (unsigned i = 0; i < POD_FAMILIES && c->bridge.index; i++) {
		const struct pod_range *range = &c->net.range[i];
		struct prefix gateway = {.ip = range->gateway, .len = range->subnet.len};
		char text[PREFIX_TEXT], fix[CHECK_FIX];
		bool there;

		if (!gateway.ip.family)
			continue;
		prefix_format(text, &gateway);
		if (address_look(&c->host.route, c->bridge.index, &gateway, &there, e))
			return -1;
		if (c->configured)
			check_node_up(c, fix);
		else
			snprintf(fix, sizeof(fix), "ip addr add %s dev %s", text, c->net.bridge);
		if (!there)
			check_found(c, "gateway-missing", CHECK_BY_NODE, gateway.ip.family, fix,
				    "%s, the pods' gateway, is not on %s", text, c->net.bridge);
	}
	return 0;
}

/* The host end of the pod that has an address, as its lease says. */
static void name_links(struct check *c)
{
	char path[512], name[IP_TEXT];
	cleanup_fd int dir = -1;

	snprintf(path, sizeof(path), "%s/%s", c->data_dir ? c->data_dir : "",
		 c->net.name ? c->net.name : "");
	if (c->data_dir)
		dir = openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (unsigned i = 0; i < c->count && dir >= 0; i++) {
		struct lease_text lease;

		if (c->target[i].kind == CHECK_POD_HERE &&
		    lease_file_read(dir, ip_format(name, &c->ping[i].to), &lease) == LEASE_OWNED)
			names_host_link(c->target[i].link, c->net.name, lease.owner.container_id,
					lease.owner.ifname);
	}
}

/* The pings of the pod at the other end fail: the own pod's all, another's by its address. */
static void link_finding(struct check *c, const struct link *l, const char *code, const char *fix,
			 const char *what)
{
	bool own = c->port.index && l->index == c->port.index;
	char whose[IP_TEXT] = "a pod";
	struct check_finding *f;

	for (unsigned i = c->count; i-- > 0 && !own;)
		if (strcmp(c->target[i].link, l->name) == 0)
			ip_format(whose, &c->ping[i].to);
	f = check_found(c, code, own ? CHECK_BY_LINK : 0, 0, fix,
			"%s, the host end of the link of %s, %s", l->name, own ? "the pod" : whose,
			what);
	/* Its addresses of both families are silent. */
	for (unsigned i = 0; i < c->count && !own; i++)
		if (strcmp(c->target[i].link, l->name) == 0 && !check_passed(c, i))
			c->target[i].why = f;
}

static void judge_port(struct check *c, const struct link *l)
{
	char fix[CHECK_FIX], what[64];

	if (missing) {
		size_t n = strlen(missing->fix);

		snprintf(missing->fix + n, sizeof(missing->fix) - n, "; ip link set %s master %s",
			 l->name, c->net.bridge);
	}
	if (c->bridge.index && l->master != c->bridge.index) {
		snprintf(fix, sizeof(fix), "ip link set %s master %s", l->name, c->net.bridge);
		snprintf(what, sizeof(what), "is not in bridge %s", c->net.bridge);
		link_finding(c, l, "link-not-in-bridge", fix, what);
	}
	if (!l->up) {
		snprintf(fix, sizeof(fix), "ip link set %s up", l->name);
		link_finding(c, l, "link-down", fix, "is down");
	}
}

/* The pod's own, and all others that bear the network's name. */
static int look_at_ports(struct check *c, struct err *e)
{
	struct link *list = arena_take(CHECK_LINKS_MAX * sizeof(*list), e);
	char ours[LINK_NAME];
	unsigned n;

	if (!list || link_list(&c->host.route, list, CHECK_LINKS_MAX, &n, e))
		return -1;
	name_links(c);
	if (c->configured)
		names_host_link(ours, c->net.name, "", "");
	for (unsigned i = 0; i < n; i++) {
		bool own = c->in_pod && c->pod_link.peer && list[i].index == c->pod_link.peer &&
			   strcmp(list[i].kind, "veth") == 0 && list[i].peer == c->pod_link.index;

		if (own)
			c->port = list[i];
		if (own || (c->configured && names_is_host_link(list[i].name) &&
			    strncmp(list[i].name, ours, NETWORK_PART) == 0))
			judge_port(c, &list[i]);
	}
	return 0;
}

/* Its routes went down with the link. */
static void add_default_routes(const struct check *c, char fix[static CHECK_FIX])
{
	for (unsigned i = 0; i < POD_FAMILIES; i++) {
		const struct ip *gateway = &c->net.range[i].gateway;
		char one[CHECK_FIX], text[IP_TEXT];
		size_t n = strlen(fix);
		int more;

		if (!c->own[i].ip.family || !gateway->family)
			continue;
		check_in_pod(c, one, "ip route add default via %s dev %s", ip_format(text, gateway),
			     c->pod_link.name);
		more = snprintf(fix + n, CHECK_FIX - n, "; %s", one);
		if (more < 0 || (size_t)more >= CHECK_FIX - n) /* half a command is none */
			fix[n] = '\0';
	}
}

static int look_at_pod(struct check *c, struct err *e)
{
	char fix[CHECK_FIX];
	struct link lo;

	if (link_look(&c->pod, "lo", &lo, e))
		return -1;
	if (!lo.up)
		check_found(c, "pod-loopback-down", CHECK_BIT(CHECK_OWN_POD), 0,
			    check_in_pod(c, fix, "ip link set lo up"),
			    "lo is down in the pod, and its own address is reached through it");
	if (!c->pod_link.index || c->pod_link.up)
		return 0;
	check_in_pod(c, fix, "ip link set %s up", c->pod_link.name);
	add_default_routes(c, fix);
	check_found(c, "pod-link-down", CHECK_BY_LINK, 0, fix, "%s is down in the pod",
		    c->pod_link.name);
	return 0;
}

static int look_at_uplink(struct check *c, struct err *e)
{
	for (unsigned i = 0; i < POD_FAMILIES && !c->uplink.index; i++) {
		struct ip outside = route_outside(i ? 6 : 4);
		struct route r;

		if (route_look(&c->host.route, &outside, &r, e) ||
		    (r.found && link_look_index(&c->host.route, r.link, &c->uplink, e)))
			return -1;
	}
	return 0;
}

int check_links(struct check *c, struct err *e)
{
	if (look_at_uplink(c, e) || (c->in_pod && look_at_pod(c, e)))
		return -1;
	if (!c->configured && !c->in_pod)
		return link_look(&c->host.route, c->net.bridge, &c->bridge, e);
	return look_at_bridge(c, e) || look_at_gateway(c, e) || look_at_ports(c, e) ? -1 : 0;
}
