/*
 * cni-check looks at rules that drop what should pass, on the way there and on the way back. Which
 * rule it is that drops is found by walking the rules as the kernel would with a packet that is only
 * thought of.
 */
#include <stdio.h>
#include <string.h>

#include "commands/check_path.h"
#include "net/address.h"

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

const char *check_legacy_words(const struct verdict *v, uint8_t family)
{
	if (!v->legacy)
		return "";
	return family == 6 ? "ip6tables-legacy " : "iptables-legacy ";
}

/* Room for pods in a chain that drops everything else. */
static void fix_by_accept(const struct check_path *p, const char *network,
			  char fix[static CHECK_FIX])
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

void check_fix_by_removal(uint8_t family, const struct verdict *v, char fix[static CHECK_FIX])
{
	if (v->legacy)
		snprintf(fix, CHECK_FIX, "%s -t %s -D %s %llu", legacy_program(family), v->table,
			 v->chain, (unsigned long long)v->handle);
	else
		snprintf(fix, CHECK_FIX, "nft delete rule %s %s handle %llu", v->table, v->chain,
			 (unsigned long long)v->handle);
}

static void choose_fix(const struct check_path *p, char fix[static CHECK_FIX])
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
		check_fix_by_removal(p->to.family, v, fix);
	if (p->in_pod) {
		snprintf(inside, sizeof(inside), "%s", fix);
		check_in_pod(c, fix, "%s", inside);
	}
}

static struct check_finding *rule_finding(const struct check_path *p, unsigned kinds)
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
			   check_legacy_words(v, p->to.family), v->table, via,
			   v->certain ? "" : "may ",
			   v->fate == FATE_REJECT ? (v->certain ? "rejects" : "reject")
						  : (v->certain ? "drops" : "drop"),
			   what, which, v->by_policy ? "" : ": ", v->rule);
}

int check_target_rules(struct check *c, unsigned i, bool maybe, struct check_finding **found,
		       struct err *e)
{
	struct check_path p = {
		.c = c,
		.kind = c->target[i].kind,
		.from = c->own[c->ping[i].to.family == 6].ip,
		.to = c->ping[i].to,
		.from_pod = c->in_pod,
	};

	*found = NULL;
	if (c->in_pod && !c->bridge.index)
		return 0;
	if (check_path_walk(&p, c->target[i].link, e))
		return -1;
	if (p.verdict.fate != FATE_PASS && (p.verdict.certain || maybe))
		*found = rule_finding(&p, 0);
	return 0;
}

/* --- without a ping --------------------------------------------------------------------------- */

bool check_any_target(const struct check *c, enum check_kind kind, uint8_t family)
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

bool check_stand_in(const struct pod_range *range, enum check_kind kind, struct ip *to)
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

bool check_pod_address(const struct check *c, unsigned family, struct ip *pod)
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
	struct check_path p = {.c = c, .from_pod = true};

	if (!check_pod_address(c, family, &p.from))
		return 0;
	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
		p.kind = kinds[i];
		if ((c->in_pod && check_any_target(c, kinds[i], range->subnet.ip.family)) ||
		    !check_stand_in(range, kinds[i], &p.to))
			continue;
		if (check_path_walk(&p, "", e))
			return -1;
		if (p.verdict.fate != FATE_PASS && p.verdict.certain)
			rule_finding(&p, 0);
	}
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
		if (look_for_drops(c, family, e) || check_masquerade(c, family, e))
			return -1;
	}
	return 0;
}
