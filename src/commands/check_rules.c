/*
 * cni-check looks at rules: those that drop what should pass, on the way there and on the way back,
 * and those that masquerade, too little or too much. Which rule it is that drops is found by walking
 * the rules as the kernel would with a packet that is only thought of.
 */
#include <stdio.h>
#include <string.h>

#include "commands/check.h"
#include "net/address.h"
#include "net/rules.h"
#include "net/sysctl.h"

static struct rules host_rules, pod_rules;

/* The way of a packet and of its answer, as one looks at it from the pod, or from the node. */
struct path {
	struct check *c;
	enum check_kind kind;
	struct ip from, to;
	bool from_pod;
	struct link out;	/* by which the node sends it on; of a pod here, the other's port */
	bool reply;		/* the answer is looked at */
	bool rules_for_bridged; /* br_netfilter brings bridged packets before iptables */

	/* What was found. */
	struct verdict verdict;
	enum nft_hook hook;
	bool in_pod, of_reply;
};

static struct packet packet_of(const struct path *p)
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
static int meet(struct path *p, struct rules *rules, enum nft_hook hook, struct packet *packet,
		struct err *e)
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
static int pass_pod(struct path *p, struct err *e)
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
static int pass_bridge(struct path *p, struct err *e)
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
static int pass_from_port_to_port(struct path *p, struct err *e)
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
static int pass_forwarding(struct path *p, struct err *e)
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
static int pass_node(struct path *p, const struct link *l, bool coming, struct err *e)
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

static int pass_one_way(struct path *p, struct err *e)
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
static int find_out(struct path *p, const char *neighbour, struct err *e)
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

static void open_rules(struct check *c)
{
	static struct nl_sock pod_netfilter = {.fd = -1};
	struct err ignored = {0};

	host_rules.nf = &c->host.netfilter;
	pod_rules.nf = &pod_netfilter;
	pod_rules.netns = &c->netns;
	/* Where it cannot be had the kernel has no nf_tables, and the pod no rules of it. */
	if (c->in_pod && pod_netfilter.fd < 0 &&
	    netns_socket(&c->netns, &pod_netfilter, NL_NETFILTER, &ignored))
		pod_netfilter.fd = -1;
}

/* Walk the way there and back. */
static int walk(struct path *p, const char *neighbour, struct err *e)
{
	static const char *const switches[] = {"net/bridge/bridge-nf-call-iptables",
					       "net/bridge/bridge-nf-call-ip6tables"};

	open_rules(p->c);
	if (find_out(p, neighbour, e))
		return -1;
	p->verdict = (struct verdict){.fate = FATE_PASS, .certain = true};
	p->rules_for_bridged = sysctl_number(switches[p->to.family == 6]) == 1;
	if (!p->out.index && CHECK_BIT(p->kind) & CHECK_FAR)
		return 0;
	p->reply = false;
	if (pass_one_way(p, e))
		return -1;
	p->reply = true;
	return pass_one_way(p, e) ? -1 : 0;
}

/* --- what mends it ---------------------------------------------------------------------------- */

static bool is_forward_of_iptables(const struct verdict *v)
{
	return strcmp(v->base, "FORWARD") == 0 &&
	       (v->legacy ? strcmp(v->table, "filter") == 0
			  : strcmp(v->table, "ip filter") == 0 ||
				    strcmp(v->table, "ip6 filter") == 0);
}

static const char *legacy_program(uint8_t family)
{
	return family == 6 ? "ip6tables-legacy" : "iptables-legacy";
}

static const char *legacy_words(uint8_t family)
{
	return family == 6 ? "ip6tables-legacy " : "iptables-legacy ";
}

/* Room for pods in a chain that drops everything else. */
static void fix_by_accept(const struct path *p, const char *network, char fix[static CHECK_FIX])
{
	const struct verdict *v = &p->verdict;
	bool from = p->hook != HOOK_OUTPUT, to = p->hook != HOOK_INPUT;
	const char *word = p->to.family == 6 ? "ip6" : "ip";
	size_t n;

	if (v->legacy) {
		snprintf(fix, CHECK_FIX, "%s -t %s -I %s %s %s -j ACCEPT",
			 legacy_program(p->to.family), v->table, v->base, p->of_reply ? "-d" : "-s",
			 network);
		return;
	}
	n = (size_t)snprintf(fix, CHECK_FIX, "nft '");
	if (from)
		n += (size_t)snprintf(fix + n, CHECK_FIX - n,
				      "insert rule %s %s %s saddr %s accept", v->table, v->base,
				      word, network);
	if (to && n < CHECK_FIX)
		n += (size_t)snprintf(fix + n, CHECK_FIX - n,
				      "%sinsert rule %s %s %s daddr %s accept", from ? "; " : "",
				      v->table, v->base, word, network);
	if (n < CHECK_FIX)
		snprintf(fix + n, CHECK_FIX - n, "'");
}

static void fix_by_removal(uint8_t family, const struct verdict *v, char fix[static CHECK_FIX])
{
	if (v->legacy)
		snprintf(fix, CHECK_FIX, "%s -t %s -D %s %llu", legacy_program(family), v->table,
			 v->chain, (unsigned long long)v->handle);
	else
		snprintf(fix, CHECK_FIX, "nft delete rule %s %s handle %llu", v->table, v->chain,
			 (unsigned long long)v->handle);
}

static void choose_fix(const struct path *p, char fix[static CHECK_FIX])
{
	const struct check *c = p->c;
	const struct verdict *v = &p->verdict;
	const struct pod_range *range = check_range(c, &p->to);
	char network[PREFIX_TEXT], inside[CHECK_FIX];
	bool everything = v->by_policy || v->unconditional;

	prefix_format(network, &range->network);
	if (everything && !p->in_pod && c->configured && p->hook == HOOK_FORWARD &&
	    is_forward_of_iptables(v) && range->subnet.ip.family)
		check_node_up(c, fix);
	else if (everything && range->network.ip.family)
		fix_by_accept(p, network, fix);
	else if (v->by_policy)
		snprintf(fix, CHECK_FIX, "accept the pods' range in that chain");
	else
		fix_by_removal(p->to.family, v, fix);
	if (p->in_pod) {
		snprintf(inside, sizeof(inside), "%s", fix);
		check_in_pod(c, fix, "%s", inside);
	}
}

static struct check_finding *rule_finding(const struct path *p, unsigned kinds)
{
	const struct verdict *v = &p->verdict;
	bool bridged = p->kind == CHECK_POD_HERE && p->from_pod && !p->in_pod &&
		       strncmp(v->table, "bridge ", 7) != 0;
	const char *what = p->of_reply ? "the answer" : "the packet";
	char fix[CHECK_FIX], which[FATE_RULE + 32], via[FATE_CHAIN + 24] = "";

	if (v->by_policy)
		snprintf(which, sizeof(which), "by policy, as no rule of it accepts");
	else
		snprintf(which, sizeof(which), "by the rule");
	if (strcmp(v->base, v->chain) != 0)
		snprintf(via, sizeof(via), ", reached from %s,", v->base);
	choose_fix(p, fix);
	/* What drops all that is forwarded need not be named for bridged packets again. */
	for (unsigned i = 0; bridged && v->certain && i < p->c->findings; i++) {
		struct check_finding *f = &p->c->finding[i];

		if (strcmp(f->fix, fix) == 0 &&
		    (strcmp(f->code, "rule-drops") == 0 || strcmp(f->code, "policy-drops") == 0))
			return f;
	}
	return check_found(p->c,
			   !v->certain	  ? "rule-may-drop"
			   : bridged	  ? "bridged-dropped"
			   : v->by_policy ? "policy-drops"
					  : "rule-drops",
			   kinds, p->to.family, fix, "%s%schain %s of table %s%s%s %s%s %s %s%s%s",
			   !bridged ? ""
			   : p->to.family == 6
				   ? "bridge-nf-call-ip6tables=1 brings packets between pods of "
				     "one node before ip6tables, and "
				   : "bridge-nf-call-iptables=1 brings packets between pods of one "
				     "node before iptables, and ",
			   p->in_pod ? "in the pod, " : "", v->chain,
			   v->legacy ? legacy_words(p->to.family) : "", v->table, via,
			   v->certain ? "" : "may ",
			   v->fate == FATE_REJECT ? (v->certain ? "rejects" : "reject")
						  : (v->certain ? "drops" : "drop"),
			   what, which, v->by_policy ? "" : ": ", v->rule);
}

int check_target_rules(struct check *c, unsigned i, bool maybe, struct check_finding **found,
		       struct err *e)
{
	struct path p = {
		.c = c,
		.kind = c->target[i].kind,
		.from = c->own[c->ping[i].to.family == 6].ip,
		.to = c->ping[i].to,
		.from_pod = c->in_pod,
	};

	*found = NULL;
	if (c->in_pod && !c->bridge.index)
		return 0;
	if (walk(&p, c->target[i].link, e))
		return -1;
	if (p.verdict.fate != FATE_PASS && (p.verdict.certain || maybe))
		*found = rule_finding(&p, 0);
	return 0;
}

/* --- without a ping --------------------------------------------------------------------------- */

static bool any_target(const struct check *c, enum check_kind kind, uint8_t family)
{
	for (unsigned i = 0; i < c->count; i++)
		if (c->target[i].kind == kind && c->ping[i].to.family == family)
			return true;
	return false;
}

/* An address of the cluster's that is not this node's; false: there is none. */
static bool address_elsewhere(const struct pod_range *range, struct ip *ip)
{
	*ip = prefix_last(&range->network);
	if (!ip_previous(ip))
		return false;
	if (!prefix_contains(&range->subnet, ip))
		return true;
	*ip = prefix_first(&range->network);
	return ip_add(ip, 2) && !prefix_contains(&range->subnet, ip);
}

/* The address that stands for a kind that was not pinged; false: none can. */
static bool stand_in(const struct pod_range *range, enum check_kind kind, struct ip *to)
{
	switch (kind) {
	case CHECK_OUTSIDE:
		*to = route_outside(range->subnet.ip.family);
		return true;
	case CHECK_POD_ELSEWHERE:
		return address_elsewhere(range, to);
	case CHECK_OWN_HOST:
		*to = range->gateway;
		return to->family != 0;
	case CHECK_POD_HERE:
		*to = prefix_last(&range->subnet);
		return ip_previous(to);
	case CHECK_OTHER_HOST:
	case CHECK_OWN_POD:
	case CHECK_KINDS:
		return false;
	}
	return false;
}

/* A pod's address: this one's, or the first that can be one's. */
static bool pod_address(const struct check *c, unsigned family, struct ip *pod)
{
	*pod = c->own[family].ip.family ? c->own[family].ip : c->net.range[family].gateway;
	return c->own[family].ip.family || (pod->family && ip_add(pod, 1));
}

static int look_for_drops(struct check *c, unsigned family, struct err *e)
{
	/* What is bridged last: what drops all that is forwarded is named by that. */
	static const enum check_kind kinds[] = {CHECK_OUTSIDE, CHECK_POD_ELSEWHERE, CHECK_OWN_HOST,
						CHECK_POD_HERE};
	const struct pod_range *range = &c->net.range[family];
	struct path p = {.c = c, .from_pod = true};

	if (!pod_address(c, family, &p.from))
		return 0;
	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
		p.kind = kinds[i];
		if ((c->in_pod && any_target(c, kinds[i], range->subnet.ip.family)) ||
		    !stand_in(range, kinds[i], &p.to))
			continue;
		if (walk(&p, "", e))
			return -1;
		if (p.verdict.fate != FATE_PASS && p.verdict.certain)
			rule_finding(&p, 0);
	}
	return 0;
}

/* --- masquerading ----------------------------------------------------------------------------- */

/* Is what a pod sends there translated when it leaves? */
static int look_at_translation(struct check *c, const struct ip *from, const struct ip *to,
			       const struct link *out, struct verdict *v, struct err *e)
{
	struct packet k = {
		.source = *from,
		.destination = *to,
		.iif = c->bridge.name,
		.iif_index = c->bridge.index,
		.bridge = "",
		.mark_known = true,
	};

	going_by(&k, out);
	open_rules(c);
	return rules_translate(&host_rules, &k, v, e);
}

static int look_for_masquerade(struct check *c, const struct pod_range *range,
			       const struct ip *from, const struct link *out, struct err *e)
{
	uint8_t family = from->family;
	struct ip outside = route_outside(family);
	char subnet[PREFIX_TEXT], fix[CHECK_FIX];
	struct verdict v;

	if (check_any_passed(c, CHECK_BIT(CHECK_OUTSIDE), family) ||
	    (c->net.masquerade == MASQUERADE_NONE && !any_target(c, CHECK_OUTSIDE, family)))
		return 0;
	if (look_at_translation(c, from, &outside, out, &v, e))
		return -1;
	if (v.fate == FATE_NAT)
		return 0;
	prefix_format(subnet, &range->subnet);
	if (c->configured && c->net.masquerade != MASQUERADE_NONE)
		check_node_up(c, fix);
	else
		snprintf(fix, sizeof(fix), "%s -t nat -A POSTROUTING -s %s ! -o %s -j MASQUERADE",
			 family == 6 ? "ip6tables" : "iptables", subnet, c->net.bridge);
	check_found(c, "masquerade-missing",
		    c->in_pod ? CHECK_BIT(CHECK_OUTSIDE) | CHECK_BIT(CHECK_OTHER_HOST) : 0, family,
		    fix, "nothing masquerades %s: answers to a pod's address find no way back",
		    subnet);
	return 0;
}

static int look_for_too_much(struct check *c, const struct ip *from, const struct ip *to,
			     const struct link *out, const char *where, struct err *e)
{
	char fix[CHECK_FIX], which[FATE_RULE + 32];
	struct verdict v;
	bool own;

	if (look_at_translation(c, from, to, out, &v, e))
		return -1;
	if (v.fate != FATE_NAT || !v.certain)
		return 0;
	own = !v.legacy &&
	      (strcmp(v.table, "ip cnibox") == 0 || strcmp(v.table, "ip6 cnibox") == 0);
	if (own && c->configured)
		check_node_up(c, fix);
	else
		fix_by_removal(from->family, &v, fix);
	snprintf(which, sizeof(which), "%s", v.rule);
	check_found(c, "masquerade-too-much", 0, from->family, fix,
		    "chain %s of table %s%s hides pods' addresses from pods %s: %s", v.chain,
		    v.legacy ? legacy_words(from->family) : "", v.table, where, which);
	return 0;
}

static int look_at_masquerade(struct check *c, unsigned family, struct err *e)
{
	static const char *const switches[] = {"net/bridge/bridge-nf-call-iptables",
					       "net/bridge/bridge-nf-call-ip6tables"};
	const struct pod_range *range = &c->net.range[family];
	struct ip from, to, outside = route_outside(family ? 6 : 4);
	struct link out;
	struct route r;

	if (!pod_address(c, family, &from) || !c->bridge.index)
		return 0;
	if (route_look(&c->host.route, &outside, &r, e) ||
	    (r.found && link_look_index(&c->host.route, r.link, &out, e)))
		return -1;
	if (r.found && look_for_masquerade(c, range, &from, &out, e))
		return -1;
	if (r.found && c->configured && c->net.masquerade != MASQUERADE_ALL &&
	    stand_in(range, CHECK_POD_ELSEWHERE, &to) &&
	    look_for_too_much(c, &from, &to, &out, "on other nodes", e))
		return -1;
	if (sysctl_number(switches[family]) == 1 && stand_in(range, CHECK_POD_HERE, &to))
		return look_for_too_much(c, &from, &to, &c->bridge, "of this node", e);
	return 0;
}

int check_rules(struct check *c, struct err *e)
{
	for (unsigned i = 0; i < c->count; i++) {
		struct check_finding *f;

		if (check_passed(c, i) || c->target[i].too_big)
			continue;
		if (check_target_rules(c, i, false, &f, e))
			return -1;
		if (f && !c->target[i].why)
			c->target[i].why = f;
	}
	for (unsigned family = 0; family < POD_FAMILIES; family++) {
		if (!c->net.range[family].subnet.ip.family || !c->bridge.index)
			continue;
		if (look_for_drops(c, family, e) || look_at_masquerade(c, family, e))
			return -1;
	}
	return 0;
}
