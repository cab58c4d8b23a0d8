#include "commands/check_path.h"

#include <string.h>

#include "net/address.h"
#include "net/sysctl.h"

static struct rules host_rules, pod_rules;

bool check_rules_for_bridged(uint8_t family)
{
	return sysctl_number(family == 6 ? "net/bridge/bridge-nf-call-ip6tables"
					 : "net/bridge/bridge-nf-call-iptables") == 1;
}

static struct packet packet_of(const struct check_path *p)
{
	return (struct packet){
		.source = p->reply ? p->to : p->from,
		.destination = p->reply ? p->from : p->to,
		.reply = p->reply,
		.iif = "",
		.oif = "",
		.bridge = "",
		.mark_known = true,
	};
}

/* One hook: keep what is surest. Nothing comes after what is certain. */
static int meet(struct check_path *p, struct rules *rules, enum nft_hook hook,
		struct packet *packet, struct err *e)
{
	struct verdict v;

	if (p->verdict.fate != FATE_PASS && p->verdict.certain)
		return 0;
	if (rules_filter(rules, hook, packet, &v, e))
		return -1;
	if (v.fate == FATE_PASS || (!v.certain && p->verdict.fate != FATE_PASS))
		return 0;
	p->verdict = v;
	p->hook = hook;
	p->in_pod = rules == &pod_rules;
	p->of_reply = p->reply;
	return 0;
}

static void coming_by(struct packet *k, const struct link *l)
{
	k->iif = l->name;
	k->iif_index = l->index;
}

static void going_by(struct packet *k, const struct link *l)
{
	k->oif = l->name;
	k->oif_index = l->index;
}

/* --- the parts of a way ----------------------------------------------------------------------- */

/* The pod's own rules: what it sends, or what comes in. */
static int pass_pod(struct check_path *p, struct err *e)
{
	static const struct link lo = {.index = 1, .name = "lo"};
	const struct link *l = p->kind == CHECK_OWN_POD ? &lo : &p->c->pod_link;
	struct packet k = packet_of(p);

	k.from_local = !p->reply || l == &lo;
	k.to_local = p->reply || l == &lo;
	if (p->reply) {
		coming_by(&k, l);
		return meet(p, &pod_rules, HOOK_PREROUTING, &k, e) ||
		       meet(p, &pod_rules, HOOK_INPUT, &k, e);
	}
	going_by(&k, l);
	return meet(p, &pod_rules, HOOK_OUTPUT, &k, e) ||
	       meet(p, &pod_rules, HOOK_POSTROUTING, &k, e);
}

/* The bridge's own chains, between the pod's port and the node. */
static int pass_bridge(struct check_path *p, struct err *e)
{
	struct packet k = packet_of(p);

	k.bridge = p->c->bridge.name;
	if (p->reply) {
		going_by(&k, &p->c->port);
		return meet(p, &host_rules, HOOK_OUTPUT, &k, e) ||
		       meet(p, &host_rules, HOOK_POSTROUTING, &k, e);
	}
	coming_by(&k, &p->c->port);
	return meet(p, &host_rules, HOOK_PREROUTING, &k, e) ||
	       meet(p, &host_rules, HOOK_INPUT, &k, e);
}

/* From port to port of the bridge. */
static int pass_from_port_to_port(struct check_path *p, struct err *e)
{
	const struct link *from = p->reply ? &p->out : &p->c->port;
	const struct link *to = p->reply ? &p->c->port : &p->out;
	struct packet k = packet_of(p), routed;

	k.bridged = true;
	routed = k;
	k.bridge = p->c->bridge.name;
	coming_by(&k, from);
	if (meet(p, &host_rules, HOOK_PREROUTING, &k, e))
		return -1;
	going_by(&k, to);
	if (meet(p, &host_rules, HOOK_FORWARD, &k, e) ||
	    meet(p, &host_rules, HOOK_POSTROUTING, &k, e))
		return -1;
	if (!p->rules_for_bridged)
		return 0;
	coming_by(&routed, &p->c->bridge);
	if (meet(p, &host_rules, HOOK_PREROUTING, &routed, e))
		return -1;
	going_by(&routed, &p->c->bridge);
	return meet(p, &host_rules, HOOK_FORWARD, &routed, e) ||
	       meet(p, &host_rules, HOOK_POSTROUTING, &routed, e);
}

/* Through the node, from bridge to uplink or back. */
static int pass_forwarding(struct check_path *p, struct err *e)
{
	struct packet k = packet_of(p);

	coming_by(&k, p->reply ? &p->out : &p->c->bridge);
	/* Before it is translated back, the answer is for the node: not looked at. */
	if (!p->reply && meet(p, &host_rules, HOOK_PREROUTING, &k, e))
		return -1;
	going_by(&k, p->reply ? &p->c->bridge : &p->out);
	return meet(p, &host_rules, HOOK_FORWARD, &k, e) ||
	       meet(p, &host_rules, HOOK_POSTROUTING, &k, e);
}

/* To the node itself by a link, or from it. */
static int pass_node(struct check_path *p, const struct link *l, bool coming, struct err *e)
{
	struct packet k = packet_of(p);

	if (coming) {
		k.to_local = true;
		coming_by(&k, l);
		return meet(p, &host_rules, HOOK_PREROUTING, &k, e) ||
		       meet(p, &host_rules, HOOK_INPUT, &k, e);
	}
	k.from_local = true;
	going_by(&k, l);
	return meet(p, &host_rules, HOOK_OUTPUT, &k, e) ||
	       meet(p, &host_rules, HOOK_POSTROUTING, &k, e);
}

static int pass_one_way(struct check_path *p, struct err *e)
{
	if (!p->from_pod) /* the node pings */
		return pass_node(p, &p->out, p->reply, e);
	if (p->c->in_pod && pass_pod(p, e))
		return -1;
	if (p->kind == CHECK_OWN_POD)
		return 0;
	if (p->kind == CHECK_POD_HERE)
		return pass_from_port_to_port(p, e);
	if (p->c->port.index && pass_bridge(p, e))
		return -1;
	return p->kind == CHECK_OWN_HOST ? pass_node(p, &p->c->bridge, !p->reply, e)
					 : pass_forwarding(p, e);
}

/* Where does the node send it? p->out.index is 0 where it does not. */
static int find_out(struct check_path *p, const char *neighbour, struct err *e)
{
	struct nl_sock *s = &p->c->host.route;
	struct route r;

	p->out = (struct link){0};
	if (p->kind == CHECK_OWN_HOST || p->kind == CHECK_OWN_POD)
		return 0;
	if (p->kind == CHECK_POD_HERE && p->from_pod)
		return link_look(s, neighbour, &p->out, e);
	if (route_look(s, &p->to, &r, e) || (r.found && link_look_index(s, r.link, &p->out, e)))
		return -1;
	if (!p->from_pod)
		p->from = r.source.family ? r.source : p->to;
	return 0;
}

struct rules *check_host_rules(struct check *c)
{
	host_rules.nf = &c->host.netfilter;
	return &host_rules;
}

static void open_rules(struct check *c)
{
	static struct nl_sock pod_netfilter = {.fd = -1};
	struct err ignored = {0};

	check_host_rules(c);
	pod_rules.nf = &pod_netfilter;
	pod_rules.netns = &c->netns;
	/* Where it cannot be had the kernel has no nf_tables, and the pod no rules of it. */
	if (c->in_pod && pod_netfilter.fd < 0 &&
	    netns_socket(&c->netns, &pod_netfilter, NL_NETFILTER, &ignored))
		pod_netfilter.fd = -1;
}

int check_path_walk(struct check_path *p, const char *neighbour, struct err *e)
{
	open_rules(p->c);
	if (find_out(p, neighbour, e))
		return -1;
	p->verdict = (struct verdict){.fate = FATE_PASS, .certain = true};
	p->rules_for_bridged = check_rules_for_bridged(p->to.family);
	if (!p->out.index && CHECK_BIT(p->kind) & CHECK_FAR)
		return 0;
	p->reply = false;
	if (pass_one_way(p, e))
		return -1;
	p->reply = true;
	return pass_one_way(p, e) ? -1 : 0;
}
