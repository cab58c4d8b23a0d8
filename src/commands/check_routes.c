/* cni-check looks at routes: forwarding, the way to the pods and out of them, and back. */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "commands/check.h"
#include "net/address.h"
#include "net/route_find.h"
#include "net/sysctl.h"

/* --- forwarding ------------------------------------------------------------------------------- */

/* IPv4 asks the link by which a packet comes in; IPv6 asks for all. */
static void look_at_link_forwarding(struct check *c, const struct link *l)
{
	char path[64], fix[CHECK_FIX];

	snprintf(path, sizeof(path), "net/ipv4/conf/%s/forwarding", l->name);
	if (!l->index || sysctl_number(path) != 0)
		return;
	snprintf(fix, sizeof(fix), "sysctl -w %s=1", path);
	check_found(
		c, "forwarding-off-link", c->in_pod ? CHECK_FAR : 0, 4, fix,
		"the node forwards nothing that comes in by %s: net.ipv4.conf.%s.forwarding is 0",
		l->name, l->name);
}

static void look_at_forwarding(struct check *c, uint8_t family)
{
	const char *path = family == 6 ? "net/ipv6/conf/all/forwarding" : "net/ipv4/ip_forward";
	const char *name = family == 6 ? "net.ipv6.conf.all.forwarding" : "net.ipv4.ip_forward";
	char fix[CHECK_FIX];

	snprintf(fix, sizeof(fix), "sysctl -w %s=1", name);
	if (sysctl_number(path) != 1) {
		check_found(c, "forwarding-off", c->in_pod ? CHECK_FAR : 0, family, fix,
			    "the node does not forward: %s is 0", name);
	} else if (family == 4) {
		look_at_link_forwarding(c, &c->bridge);
		look_at_link_forwarding(c, &c->uplink);
	}
}

/* --- routes ----------------------------------------------------------------------------------- */

/* A route that refuses, and how to be rid of it. Gives NULL if there is none. */
static int find_refusal(struct check *c, struct nl_sock *s, const struct ip *to, unsigned kinds,
			struct check_finding **found, struct err *e)
{
	char text[PREFIX_TEXT], table[32] = "", fix[CHECK_FIX];
	const char *ip = to->family == 6 ? "ip -6" : "ip";
	struct route_refusal r;
	bool in_pod = s == &c->pod;

	*found = NULL;
	if (route_find_refusal(s, to, &r, e))
		return -1;
	if (!r.found)
		return 0;
	prefix_format(text, &r.to);
	if (r.table != ROUTE_TABLE_MAIN)
		snprintf(table, sizeof(table), " table %u", r.table);
	if (in_pod)
		check_in_pod(c, fix, "%s route del %s %s%s", ip, r.type, text, table);
	else
		snprintf(fix, sizeof(fix), "%s route del %s %s%s", ip, r.type, text, table);
	*found = check_found(c, "route-refuses", kinds, to->family, fix,
			     "%s has a route that refuses it: %s %s%s",
			     in_pod ? "the pod" : "the node", r.type, text, table);
	return 0;
}

/* Is the node's route to its own pods by the bridge? */
static int look_at_pods_route(struct check *c, const struct pod_range *range, struct err *e)
{
	const struct prefix *own = &c->own[range->subnet.ip.family == 6];
	char subnet[PREFIX_TEXT], gateway[IP_TEXT], ip_text[IP_TEXT], route[PREFIX_TEXT];
	char fix[CHECK_FIX];
	struct ip pod = own->ip.family ? own->ip : range->gateway;
	const char *ip = pod.family == 6 ? "ip -6" : "ip";
	struct check_finding *refused;
	struct prefix to;
	struct link wrong = {0};
	struct route r;

	/* The route goes with the gateway's address. */
	if (check_has(c, "gateway-missing", pod.family))
		return 0;
	/* The first address that can be a pod's stands for all. */
	if (!own->ip.family && !ip_add(&pod, 1))
		return 0;
	if (route_look(&c->host.route, &pod, &r, e) ||
	    (r.found && link_look_index(&c->host.route, r.link, &wrong, e)))
		return -1;
	if (r.found && r.link == c->bridge.index)
		return 0;
	if (!r.found && find_refusal(c, &c->host.route, &pod, CHECK_BY_NODE, &refused, e))
		return -1;
	if (!r.found && refused)
		return 0;
	prefix_format(subnet, &range->subnet);
	ip_format(gateway, &range->gateway);
	ip_format(ip_text, &pod);
	if (!r.found || r.prefix_len < range->subnet.len) {
		snprintf(fix, sizeof(fix), "%s route add %s dev %s src %s", ip, subnet,
			 c->net.bridge, gateway);
		check_found(c, "pods-route-missing", CHECK_BY_NODE, pod.family, fix,
			    "the node has no route to its own pods: %s by %s is missing", subnet,
			    c->net.bridge);
		return 0;
	}
	to = (struct prefix){.ip = pod, .len = r.prefix_len};
	to = prefix_network(&to);
	prefix_format(route, &to);
	snprintf(fix, sizeof(fix), "%s route del %s dev %s", ip, route, wrong.name);
	check_found(c, "pods-route-wrong", CHECK_BY_NODE, pod.family, fix,
		    "the node's route to its own pod %s is %s by %s, not by %s", ip_text, route,
		    wrong.name, c->net.bridge);
	return 0;
}

static int look_at_default_route(struct check *c, uint8_t family, struct err *e)
{
	const struct pod_range *range = &c->net.range[family == 6];
	struct ip outside = route_outside(family);
	char gateway[IP_TEXT], fix[CHECK_FIX];
	struct check_finding *refused;
	struct route r;

	if (!c->own[family == 6].ip.family || !c->pod_link.up)
		return 0;
	if (route_look(&c->pod, &outside, &r, e))
		return -1;
	if (r.found)
		return 0;
	if (find_refusal(c, &c->pod, &outside, CHECK_BY_NODE, &refused, e))
		return -1;
	if (refused)
		return 0;
	if (range->gateway.family)
		check_in_pod(c, fix, "ip route add default via %s dev %s",
			     ip_format(gateway, &range->gateway), c->pod_link.name);
	else
		snprintf(fix, sizeof(fix), "DEL the pod and ADD it again");
	check_found(c, "pod-default-route-missing", CHECK_BY_NODE, family, fix,
		    "the pod has no default route");
	return 0;
}

/* --- reverse path filters --------------------------------------------------------------------- */

/* The larger of the two values counts: Documentation/networking/ip-sysctl. */
static bool is_strict(const char *link)
{
	long all = sysctl_number("net/ipv4/conf/all/rp_filter"), own;
	char path[64];

	snprintf(path, sizeof(path), "net/ipv4/conf/%s/rp_filter", link);
	own = sysctl_number(path);
	return (all > own ? all : own) == 1;
}

/* Not the bridge, not a pod's, and none that packets to the silent targets leave by. */
static int is_other_uplink(struct check *c, const struct link *l, bool *other, struct err *e)
{
	*other = l->up && strcmp(l->name, "lo") != 0 && l->index != c->bridge.index &&
		 l->master != c->bridge.index;
	for (unsigned i = 0; i < c->count && *other; i++) {
		struct route r;

		if (check_passed(c, i) || !(CHECK_BIT(c->target[i].kind) & CHECK_FAR) ||
		    c->ping[i].to.family != 4)
			continue;
		if (route_look(&c->host.route, &c->ping[i].to, &r, e))
			return -1;
		*other = !r.found || r.link != l->index;
	}
	return 0;
}

/*
 * Answers that come in by another link than packets leave by are dropped where its filter is strict.
 * That it dropped any while the pings were under way, the kernel has counted.
 */
static int look_at_reverse_paths(struct check *c, struct err *e)
{
	struct link *list;
	char fix[CHECK_FIX];
	unsigned n;

	if (!c->reverse_path_drops || !check_any_silent(c, CHECK_FAR, 4))
		return 0;
	list = arena_take(CHECK_LINKS_MAX * sizeof(*list), e);
	if (!list || link_list(&c->host.route, list, CHECK_LINKS_MAX, &n, e))
		return -1;
	for (unsigned i = 0; i < n; i++) {
		bool other;

		if (is_other_uplink(c, &list[i], &other, e))
			return -1;
		if (!other || !is_strict(list[i].name))
			continue;
		snprintf(fix, sizeof(fix), "sysctl -w net/ipv4/conf/%s/rp_filter=2", list[i].name);
		check_found(c, "reverse-path-filter", CHECK_FAR, 4, fix,
			    "strict rp_filter on %s dropped packets during the pings: answers that "
			    "come in by %s are for what left by another link",
			    list[i].name, list[i].name);
	}
	return 0;
}

int check_routes(struct check *c, struct err *e)
{
	for (unsigned i = 0; i < POD_FAMILIES; i++) {
		const struct pod_range *range = &c->net.range[i];

		if (c->in_pod && look_at_default_route(c, i ? 6 : 4, e))
			return -1;
		if (!range->subnet.ip.family)
			continue;
		look_at_forwarding(c, i ? 6 : 4);
		if (c->bridge.index && c->bridge.up && look_at_pods_route(c, range, e))
			return -1;
	}
	return look_at_reverse_paths(c, e);
}

/* --- one target ------------------------------------------------------------------------------- */

static struct check_finding *no_route(struct check *c, const struct check_target *t,
				      const struct ip *to)
{
	const char *ip = to->family == 6 ? "ip -6" : "ip";
	char text[IP_TEXT], fix[CHECK_FIX];

	ip_format(text, to);
	if (t->kind == CHECK_OUTSIDE)
		snprintf(fix, sizeof(fix), "%s route add default via <the way out>", ip);
	else
		snprintf(fix, sizeof(fix), "%s route add <range of %s> via <its node>", ip, text);
	return check_found(c, "no-route", 0, to->family, fix, "the node has no route to %s", text);
}

int check_target_route(struct check *c, unsigned i, struct check_finding **found, struct err *e)
{
	const struct check_target *t = &c->target[i];
	const struct ip *to = &c->ping[i].to;
	struct route r;

	*found = NULL;
	if (c->in_pod && t->kind != CHECK_OWN_POD) {
		if (route_look(&c->pod, to, &r, e) ||
		    (!r.found && find_refusal(c, &c->pod, to, 0, found, e)))
			return -1;
		if (!r.found && !*found)
			*found = check_found(c, "pod-no-route", 0, to->family,
					     "DEL the pod and ADD it again",
					     "the pod has no route to it");
		if (*found)
			return 0;
	}
	if (!(CHECK_BIT(t->kind) & CHECK_FAR))
		return 0;
	if (route_look(&c->host.route, to, &r, e))
		return -1;
	if (r.found)
		return 0;
	if (find_refusal(c, &c->host.route, to, 0, found, e))
		return -1;
	if (!*found)
		*found = no_route(c, t, to);
	return 0;
}
