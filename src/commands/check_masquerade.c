/* cni-check looks at masquerading: too little of it, or too much. */
#include <stdio.h>
#include <string.h>

#include "commands/check_path.h"
#include "net/address.h"

/* Is what a pod sends there translated when it leaves? */
static int look_at_translation(struct check *c, const struct ip *from, const struct ip *to,
			       const struct link *out, struct verdict *v, struct err *e)
{
	struct packet k = {
		.source = *from,
		.destination = *to,
		.iif = c->bridge.name,
		.iif_index = c->bridge.index,
		.oif = out->name,
		.oif_index = out->index,
		.bridge = "",
		.mark_known = true,
	};

	return rules_translate(check_host_rules(c), &k, v, e);
}

static int look_for_masquerade(struct check *c, const struct pod_range *range,
			       const struct ip *from, const struct link *out, struct err *e)
{
	uint8_t family = from->family;
	struct ip outside = route_outside(family);
	char subnet[PREFIX_TEXT], fix[CHECK_FIX];
	struct verdict v;

	if (check_any_passed(c, CHECK_BIT(CHECK_OUTSIDE), family) ||
	    (c->net.masquerade == MASQUERADE_NONE && !check_any_target(c, CHECK_OUTSIDE, family)))
		return 0;
	if (look_at_translation(c, from, &outside, out, &v, e))
		return -1;
	if (v.fate == FATE_NAT || !v.certain)
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
	char fix[CHECK_FIX];
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
		check_fix_by_removal(from->family, &v, fix);
	check_found(c, "masquerade-too-much", 0, from->family, fix,
		    "chain %s of table %s%s hides pods' addresses from pods %s: %s", v.chain,
		    check_legacy_words(&v, from->family), v.table, where, v.rule);
	return 0;
}

int check_masquerade(struct check *c, unsigned family, struct err *e)
{
	const struct pod_range *range = &c->net.range[family];
	struct ip from, to, outside = route_outside(family ? 6 : 4);
	struct link out;
	struct route r;

	if (!check_pod_address(c, family, &from) || !c->bridge.index)
		return 0;
	if (route_look(&c->host.route, &outside, &r, e) ||
	    (r.found && link_look_index(&c->host.route, r.link, &out, e)))
		return -1;
	if (r.found && look_for_masquerade(c, range, &from, &out, e))
		return -1;
	if (r.found && c->configured && c->net.masquerade != MASQUERADE_ALL &&
	    check_stand_in(range, CHECK_POD_ELSEWHERE, &to) &&
	    look_for_too_much(c, &from, &to, &out, "on other nodes", e))
		return -1;
	if (check_rules_for_bridged(from.family) && check_stand_in(range, CHECK_POD_HERE, &to))
		return look_for_too_much(c, &from, &to, &c->bridge, "of this node", e);
	return 0;
}
