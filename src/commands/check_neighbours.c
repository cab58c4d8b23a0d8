/*
 * cni-check asks on the bridge who has which address: one that two have, and entries of neighbour
 * tables that name somebody else. An answer to such a question makes no entry; where there is one
 * already it is refreshed, as by any other answer.
 */
#include <stdio.h>
#include <string.h>

#include "commands/check.h"
#include "net/neighbour.h"
#include "net/probe.h"

#define NEIGHBOURS_MAX 256
#define PROBES_MAX     (NEIGHBOURS_MAX + CHECK_TARGETS_MAX + 2 * POD_FAMILIES)

/* Pods are as near as can be; a bridge that is busy takes longer. */
#define PROBE_MS(c) ((c)->timeout_ms / 4 < 100 ? 100 : (c)->timeout_ms / 4)

struct asked {
	struct probe list[PROBES_MAX];
	unsigned count;
};

static void ask_for(struct asked *a, const struct ip *ip)
{
	if (!ip->family || a->count == PROBES_MAX)
		return;
	for (unsigned i = 0; i < a->count; i++)
		if (ip_equal(&a->list[i].ip, ip))
			return;
	a->list[a->count++].ip = *ip;
}

static const struct probe *answer_for(const struct asked *a, const struct ip *ip)
{
	for (unsigned i = 0; i < a->count; i++)
		if (ip_equal(&a->list[i].ip, ip))
			return &a->list[i];
	return NULL;
}

static bool has_mac(const struct probe *p, const uint8_t *mac)
{
	for (unsigned i = 0; i < p->count; i++)
		if (memcmp(p->mac[i], mac, MAC_BYTES) == 0)
			return true;
	return false;
}

/* --- addresses that two have ------------------------------------------------------------------ */

/* The link to cut off: behind it is who should not have the address. */
static int twice(struct check *c, const struct ip *ip, const uint8_t *right, const uint8_t *wrong,
		 unsigned kinds, const char *what, struct err *e)
{
	char text[IP_TEXT], a[MAC_TEXT], b[MAC_TEXT], fix[CHECK_FIX];
	struct link port = {0};
	struct bridge_way way;

	if (bridge_way_look(&c->host.route, c->bridge.index, wrong, &way, e) ||
	    link_look_index(&c->host.route, way.port, &port, e))
		return -1;
	names_format_mac(b, wrong);
	if (port.index)
		snprintf(fix, sizeof(fix), "ip link set %s down", port.name);
	else
		snprintf(fix, sizeof(fix), "DEL the pod whose interface has %s", b);
	check_found(c, "address-twice", kinds, ip->family, fix,
		    "two on bridge %s have %s, %s: %s and %s%s%s", c->net.bridge,
		    ip_format(text, ip), what, names_format_mac(a, right), b,
		    port.index ? " behind " : "", port.name)
		->target = kinds == CHECK_BIT(CHECK_POD_HERE) ? *ip : (struct ip){0};
	return 0;
}

/* Whose the address is by right: who has the MAC that is made of it, else who answered first. */
static unsigned rightful(const struct probe *p)
{
	uint8_t mac[MAC_BYTES];

	names_ip_mac(mac, &p->ip);
	for (unsigned i = 0; i < p->count; i++)
		if (memcmp(p->mac[i], mac, MAC_BYTES) == 0)
			return i;
	return 0;
}

static int judge_answers(struct check *c, const struct probe *p, struct err *e)
{
	const struct pod_range *range = check_range(c, &p->ip);
	unsigned right = rightful(p);

	if (p->count && ip_equal(&p->ip, &range->gateway)) {
		if (memcmp(p->mac[0], c->bridge.mac, MAC_BYTES) == 0)
			return 0;
		return twice(c, &p->ip, c->bridge.mac, p->mac[0], CHECK_BY_NODE,
			     "the pods' gateway", e);
	}
	if (c->in_pod && ip_equal(&p->ip, &c->own[p->ip.family == 6].ip)) {
		for (unsigned i = 0; i < p->count; i++)
			if (memcmp(p->mac[i], c->pod_link.mac, MAC_BYTES) != 0)
				return twice(c, &p->ip, c->pod_link.mac, p->mac[i], CHECK_BY_LINK,
					     "the pod's address", e);
		return 0;
	}
	if (p->count < 2)
		return 0;
	return twice(c, &p->ip, p->mac[right], p->mac[!right], CHECK_BIT(CHECK_POD_HERE),
		     "another pod's address", e);
}

/* --- entries that are wrong ------------------------------------------------------------------- */

static void note_wrong(struct check *c, const struct neighbour *n, const uint8_t *right,
		       bool in_pod, unsigned kinds, bool one_target)
{
	const struct link *l = in_pod ? &c->pod_link : &c->bridge;
	char text[IP_TEXT], is[MAC_TEXT], should[MAC_TEXT], fix[CHECK_FIX];
	struct check_finding *f;

	ip_format(text, &n->ip);
	if (in_pod)
		check_in_pod(c, fix, "ip neigh del %s dev %s", text, l->name);
	else
		snprintf(fix, sizeof(fix), "ip neigh del %s dev %s", text, l->name);
	f = check_found(c, "neighbour-wrong", kinds, n->ip.family, fix,
			"%s takes %s on %s to be %s%s, but it is %s",
			in_pod ? "the pod" : "the node", text, l->name,
			names_format_mac(is, n->mac), n->permanent ? " (permanent entry)" : "",
			names_format_mac(should, right));
	if (one_target)
		f->target = n->ip;
}

static void judge_node_entry(struct check *c, const struct asked *a, const struct neighbour *n)
{
	const struct probe *p = answer_for(a, &n->ip);
	bool own = c->in_pod && ip_equal(&n->ip, &c->own[n->ip.family == 6].ip);

	if (!p || !p->count || has_mac(p, n->mac))
		return;
	note_wrong(c, n, p->mac[0], false,
		   own	       ? CHECK_BY_NODE
		   : c->in_pod ? 0
			       : CHECK_BIT(CHECK_POD_HERE),
		   !own && !c->in_pod);
}

/*
 * A host end that is in no bridge answers for the gateway with its own address. Pods that asked it
 * then reach the gateway all the same once it is a port.
 */
static int judge_gateway_entry(struct check *c, const struct neighbour *n, struct err *e)
{
	struct bridge_way way;

	if (memcmp(n->mac, c->bridge.mac, MAC_BYTES) == 0)
		return 0;
	if (bridge_way_look(&c->host.route, c->bridge.index, n->mac, &way, e))
		return -1;
	if (!way.node)
		note_wrong(c, n, c->bridge.mac, true, CHECK_BY_NODE, false);
	return 0;
}

static int judge_pod_entry(struct check *c, const struct asked *a, const struct neighbour *n,
			   struct err *e)
{
	const struct probe *p = answer_for(a, &n->ip);

	if (ip_equal(&n->ip, &check_range(c, &n->ip)->gateway))
		return judge_gateway_entry(c, n, e);
	if (p && p->count && !has_mac(p, n->mac))
		note_wrong(c, n, p->mac[0], true, CHECK_BIT(CHECK_POD_HERE), true);
	return 0;
}

/* --- all -------------------------------------------------------------------------------------- */

int check_neighbours(struct check *c, struct err *e)
{
	static struct neighbour of_node[NEIGHBOURS_MAX], of_pod[NEIGHBOURS_MAX];
	static struct asked a;
	unsigned nodes = 0, pods = 0;
	struct err refused = {0};

	if (!c->bridge.index || !c->bridge.up)
		return 0;
	/* Before answers come, which would put some of the entries right. */
	if (neighbour_list(&c->host.route, c->bridge.index, of_node, NEIGHBOURS_MAX, &nodes, e) ||
	    (c->pod_link.index &&
	     neighbour_list(&c->pod, c->pod_link.index, of_pod, NEIGHBOURS_MAX, &pods, e)))
		return -1;
	for (unsigned i = 0; i < POD_FAMILIES; i++) {
		ask_for(&a, &c->net.range[i].gateway);
		ask_for(&a, &c->own[i].ip);
	}
	for (unsigned i = 0; i < c->count; i++)
		if (c->target[i].kind == CHECK_POD_HERE)
			ask_for(&a, &c->ping[i].to);
	for (unsigned i = 0; i < nodes; i++)
		ask_for(&a, &of_node[i].ip);
	/* Without the right to ask, nothing is known of it. */
	if (probe_addresses(&c->bridge, a.list, a.count, PROBE_MS(c), &refused))
		return 0;
	for (unsigned i = 0; i < a.count; i++)
		if (judge_answers(c, &a.list[i], e))
			return -1;
	for (unsigned i = 0; i < nodes; i++)
		judge_node_entry(c, &a, &of_node[i]);
	/* A pod that is not plugged in talks to the host end of its link alone. */
	for (unsigned i = 0; i < pods && (!c->port.index || c->port.master == c->bridge.index); i++)
		if (judge_pod_entry(c, &a, &of_pod[i], e))
			return -1;
	for (unsigned i = 0; i < c->count; i++) {
		const struct probe *p = answer_for(&a, &c->ping[i].to);

		c->target[i].asked = c->target[i].kind == CHECK_POD_HERE && p;
		c->target[i].there = p && p->count;
	}
	return 0;
}
