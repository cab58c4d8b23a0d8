/*
 * Why a ping is not answered: look at each thing that its packet passes, in that order, and name
 * the first that is wrong.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "commands/check.h"
#include "net/address.h"
#include "net/sysctl.h"

/* Gives 1: found, look no further. */
static int found(struct check_target *t, const char *fix, const char *fmt, ...) print_format(3, 4);
static int found(struct check_target *t, const char *fix, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(t->cause, sizeof(t->cause), fmt, ap);
	va_end(ap);
	snprintf(t->fix, sizeof(t->fix), "%s", fix);
	return 1;
}

static unsigned family_index(const struct ip *ip)
{
	return ip->family == 6;
}

static const struct pod_range *range_of(const struct check *c, const struct ip *ip)
{
	return &c->net.range[family_index(ip)];
}

/* The pod's own side: its loopback, its route. */
static int look_at_pod(struct check *c, struct check_target *t, const struct ip *to, struct err *e)
{
	struct link lo;
	struct route r;

	if (!c->in_pod)
		return 0;
	if (link_look(&c->pod, "lo", &lo, e) || route_look(&c->pod, to, &r, e))
		return -1;
	if (t->kind == CHECK_OWN_POD && !lo.up)
		return found(t, "run the loopback plugin, or 'ip link set lo up' in the pod",
			     "lo is down in the pod, and its own address is reached through it");
	if (!r.found)
		return found(t, "DEL the pod and ADD it again", "the pod has no route to it");
	if (!c->pod_link.up)
		return found(t, "DEL the pod and ADD it again", "%s is down in the pod",
			     c->pod_link.name);
	return 0;
}

static int look_at_bridge(struct check *c, struct check_target *t, const struct ip *to,
			  struct err *e)
{
	struct link bridge;

	(void)to;
	if (!c->in_pod)
		return 0;
	if (link_look(&c->host.route, c->net.bridge, &bridge, e))
		return -1;
	if (!bridge.index)
		return found(t, "cni-node up", "there is no bridge %s", c->net.bridge);
	if (!bridge.up)
		return found(t, "cni-node up", "bridge %s is down", c->net.bridge);
	c->bridge = bridge.index;
	return 0;
}

static int look_at_gateway(struct check *c, struct check_target *t, const struct ip *to,
			   struct err *e)
{
	const struct pod_range *range = range_of(c, to);
	struct prefix gateway = {.ip = range->gateway, .len = range->subnet.len};
	char text[PREFIX_TEXT], fix[192];
	bool there;

	if (!c->in_pod || !gateway.ip.family)
		return 0;
	prefix_format(text, &gateway);
	snprintf(fix, sizeof(fix), "cni-node up, or: ip addr add %s dev %s", text, c->net.bridge);
	if (address_look(&c->host.route, c->bridge, &gateway, &there, e))
		return -1;
	if (!there)
		return found(t, fix, "%s, the pods' gateway, is not on %s", text, c->net.bridge);
	return 0;
}

/* Forwarding itself, then the chains that forwarded packets pass. */
static int look_at_forwarding(struct check *c, struct check_target *t, const struct ip *to,
			      struct err *e)
{
	static const char *const path[] = {"net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding"};
	static const char *const name[] = {"net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"};
	const struct prefix *network = &range_of(c, to)->network;
	const char *iptables = to->family == 6 ? "ip6tables" : "iptables", *legacy = "";
	struct forward_obstacle o;
	char text[PREFIX_TEXT], fix[256];
	bool blocked;

	snprintf(fix, sizeof(fix), "cni-node up, or: sysctl -w %s=1", name[family_index(to)]);
	if (t->kind != CHECK_POD_HERE && sysctl_number(path[family_index(to)]) != 1)
		return found(t, fix, "the node does not forward: %s is 0", name[family_index(to)]);
	if (!network->ip.family)
		return 0;
	if (forward_obstacle(&c->host.netfilter, network, &o, &blocked, e))
		return -1;
	if (!blocked)
		return 0;
	prefix_format(text, network);
	if (strncmp(o.table, iptables, strlen(iptables)) == 0)
		legacy = "-legacy";
	if (*legacy || strcmp(o.table, to->family == 6 ? "ip6 filter" : "ip filter") == 0)
		snprintf(fix, sizeof(fix),
			 "cni-node up, or: %s%s -A FORWARD -s %s -j ACCEPT; %s%s -A "
			 "FORWARD -d %s -j ACCEPT",
			 iptables, legacy, text, iptables, legacy, text);
	else
		snprintf(fix, sizeof(fix), "accept %s as source and as destination in that chain",
			 text);
	return found(t, fix,
		     "chain %s of table %s %s what no rule of it accepts, and none accepts %s",
		     o.chain, o.table,
		     o.by_policy ? "drops (policy)"
		     : o.reject	 ? "rejects at its end"
				 : "drops at its end",
		     text);
}

static int look_at_route(struct check *c, struct check_target *t, const struct ip *to,
			 struct err *e)
{
	char text[IP_TEXT], fix[192];
	struct route r;

	if (route_look(&c->host.route, to, &r, e))
		return -1;
	ip_format(text, to);
	if (r.found)
		return 0;
	snprintf(fix, sizeof(fix), "ip route add <range of %s> via <its node>", text);
	return found(t, t->kind == CHECK_OUTSIDE ? "give the node a default route" : fix,
		     "the node has no route to %s", text);
}

/* Answers to a pod's address come back only where the network knows the way to it. */
static int look_at_masquerade(struct check *c, struct check_target *t, const struct ip *to,
			      struct err *e)
{
	const struct prefix *subnet = &range_of(c, to)->subnet;
	char text[PREFIX_TEXT], fix[192];
	bool masqueraded;

	if (!c->in_pod || !subnet->ip.family)
		return 0;
	if (forward_masquerades(&c->host.netfilter, subnet, &masqueraded, e))
		return -1;
	if (masqueraded)
		return 0;
	prefix_format(text, subnet);
	snprintf(fix, sizeof(fix),
		 "cni-node up, or: iptables -t nat -A POSTROUTING -s %s ! -o %s -j "
		 "MASQUERADE",
		 text, c->net.bridge);
	return found(t, fix,
		     "nothing masquerades %s: answers to the pod's address find no way back", text);
}

/* The node sends it on; whoever is next must know both nodes' ranges. */
static int blame_next_hop(struct check *c, struct check_target *t, const struct ip *to,
			  struct err *e)
{
	const struct prefix *subnet = &range_of(c, to)->subnet;
	char text[IP_TEXT], next[IP_TEXT], range[PREFIX_TEXT], fix[256];
	struct route r;

	if (route_look(&c->host.route, to, &r, e))
		return -1;
	if (!r.gateway.family || r.prefix_len != 0)
		return found(
			t, "look at that node with cni-check",
			"this node sends it on, the other node or the way back does not answer");
	prefix_format(range, subnet);
	snprintf(fix, sizeof(fix),
		 "a route for each node's range there, in GCE: gcloud compute routes "
		 "create <node> --destination-range <its range> --next-hop-instance <node>");
	return found(t, fix,
		     "no route to that range: the node leaves %s to its default gateway %s, "
		     "which must know the ranges of both nodes (%s here)",
		     ip_format(text, to), ip_format(next, &r.gateway), range);
}

static void note_complaint(struct check *c, unsigned i)
{
	struct check_target *t = &c->target[i];
	const struct ping *p = &c->ping[i];
	char text[IP_TEXT];

	if (p->complaint)
		found(t, "look there: what it says is its own", "%s says: %s",
		      ip_format(text, &p->complaint_from), p->complaint);
	else if (p->send_error)
		found(t, "DEL the pod and ADD it again", "it cannot be sent: %s",
		      strerror(p->send_error));
	else
		found(t, "look at that host, or at the network between",
		      "no answer, and nothing wrong is to be seen on this node");
}

static int explain_size(struct check *c, struct check_target *t, const struct ping *p)
{
	char fix[128];

	if (c->in_pod && c->uplink_mtu && c->pod_link.mtu > c->uplink_mtu) {
		snprintf(fix, sizeof(fix),
			 "set \"mtu\": %u in the configuration, then renew the pods",
			 c->uplink_mtu);
		return found(t, fix,
			     "packets of %u bytes are lost: the pod's MTU is %u, that of the "
			     "node's uplink %u",
			     p->size, c->pod_link.mtu, c->uplink_mtu);
	}
	return found(
		t, "set \"mtu\" in the configuration to that of the smallest link on the way",
		"small packets pass, packets of %u bytes are lost without a word: a link on the "
		"way has a smaller MTU",
		p->size);
}

/* Bridged packets pass FORWARD only where br_netfilter says so. */
static int look_at_bridged_forwarding(struct check *c, struct check_target *t, const struct ip *to,
				      struct err *e)
{
	static const char *const path[] = {
		"net/bridge/bridge-nf-call-iptables",
		"net/bridge/bridge-nf-call-ip6tables",
	};

	return sysctl_number(path[family_index(to)]) == 1 ? look_at_forwarding(c, t, to, e) : 0;
}

/* Everything of ours on the way is in order. */
static int blame_neighbour(struct check *c, struct check_target *t, const struct ip *to,
			   struct err *e)
{
	char text[IP_TEXT];

	(void)e;
	return found(
		t, "see 'bridge link' on the node; DEL that pod and ADD it again",
		"nobody on bridge %s answers for %s: its pod is gone, or its link is down or not "
		"in the bridge",
		c->net.bridge, ip_format(text, to));
}

int check_diagnose(struct check *c, unsigned i, struct err *e)
{
	/* What the packet to each kind of target passes. */
	typedef int look_fn(struct check *, struct check_target *, const struct ip *, struct err *);
	static look_fn *const looks[CHECK_KINDS][6] = {
		[CHECK_OWN_HOST] = {look_at_pod, look_at_bridge, look_at_gateway},
		[CHECK_OTHER_HOST] = {look_at_pod, look_at_bridge, look_at_gateway,
				      look_at_forwarding, look_at_route, look_at_masquerade},
		[CHECK_OWN_POD] = {look_at_pod},
		[CHECK_POD_HERE] = {look_at_pod, look_at_bridge, look_at_bridged_forwarding,
				    blame_neighbour},
		[CHECK_POD_ELSEWHERE] = {look_at_pod, look_at_bridge, look_at_gateway,
					 look_at_forwarding, look_at_route, blame_next_hop},
		[CHECK_OUTSIDE] = {look_at_pod, look_at_bridge, look_at_gateway, look_at_forwarding,
				   look_at_route, look_at_masquerade},
	};
	struct check_target *t = &c->target[i];
	int over = 0;

	if (t->too_big) {
		over = explain_size(c, t, &c->ping[i]);
	} else {
		for (unsigned step = 0; step < 6 && looks[t->kind][step] && !over; step++)
			over = looks[t->kind][step](c, t, &c->ping[i].to, e);
	}
	if (over < 0)
		return -1;
	if (!over)
		note_complaint(c, i);
	return 0;
}
