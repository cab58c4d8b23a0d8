#include "netfilter/legacy_hostport_rules.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

struct legacy_order legacy_order(const struct owner *owner, const struct hostport_settings *set,
				 const struct hostport *list, unsigned count)
{
	struct legacy_order o = {.tag = owner_tag(owner), .set = set, .list = list, .count = count};

	reference_portmap_chain(o.chain, owner->network, owner->container_id);
	if (snprintf(o.comment, sizeof(o.comment), "dnat name: \"%s\" id: \"%s\"", owner->network,
		     owner->container_id) > LEGACY_COMMENT_MAX)
		strcpy(o.comment + LEGACY_COMMENT_MAX - strlen("..."), "...");
	return o;
}

static struct xt_rule rule_for(const struct legacy_order *o, const struct hostport *p)
{
	struct xt_rule rule = {
		.parts = &xt_parts,
		.proto = p->proto,
		.port = p->host,
		.mark = XT_MARK,
		.owner = &o->tag,
	};

	if (p->address.family)
		rule.destination = (struct prefix){p->address, (uint8_t)(8 * ip_size(&p->address))};
	return rule;
}

static void meet_shared(struct xt_table *t, struct legacy_order *o, legacy_meet_fn *meet)
{
	const struct xt_rule entry = {.parts = &xt_parts,
				      .local = true,
				      .what = XT_DO_JUMP,
				      .chain = REFERENCE_ENTRIES,
				      .mark = XT_MARK};

	meet(t, o, "PREROUTING", false, &entry);
	meet(t, o, "OUTPUT", false, &entry);
	if (!o->set->snat)
		return;
	meet(t, o, LEGACY_SETMARK, false,
	     &(struct xt_rule){.parts = &xt_parts,
			       .comment = "CNI portfwd masquerade mark",
			       .what = XT_DO_MARK,
			       .bits = o->set->mark,
			       .mark = XT_MARK});
	meet(t, o, LEGACY_MASQ, false,
	     &(struct xt_rule){.parts = &xt_parts,
			       .marked = o->set->mark,
			       .what = XT_DO_MASQUERADE,
			       .mark = XT_MARK});
	meet(t, o, "POSTROUTING", true,
	     &(struct xt_rule){.parts = &xt_parts,
			       .comment = "CNI portfwd requiring masquerade",
			       .what = XT_DO_JUMP,
			       .chain = LEGACY_MASQ,
			       .mark = XT_MARK});
}

/* What does not meet a condition goes back to where it came from. */
static void meet_conditions(struct xt_table *t, struct legacy_order *o, legacy_meet_fn *meet)
{
	for (unsigned i = 0; i < o->set->condition_count; i++) {
		const struct hostport_condition *c = &o->set->conditions[i];
		struct xt_rule rule = {.parts = &xt_parts, .what = XT_DO_RETURN, .mark = XT_MARK};

		switch (c->what) {
		case HOSTPORT_SOURCE:
			rule.source = c->prefix;
			rule.not_source = !c->negated;
			break;
		case HOSTPORT_DESTINATION:
			rule.destination = c->prefix;
			rule.not_destination = !c->negated;
			break;
		case HOSTPORT_IN:
			rule.in = c->ifname;
			rule.not_in = !c->negated;
			break;
		}
		meet(t, o, o->chain, false, &rule);
	}
}

static void meet_mapping(struct xt_table *t, struct legacy_order *o, legacy_meet_fn *meet,
			 const struct hostport *p)
{
	static const struct prefix localhost = {.ip = {4, {127, 0, 0, 1}}, .len = 32};
	struct xt_rule rule = rule_for(o, p);

	if (o->set->snat) {
		rule.what = XT_DO_JUMP;
		rule.chain = LEGACY_SETMARK;
		if (!o->set->masquerade_all)
			rule.source = o->set->pod;
		meet(t, o, o->chain, false, &rule);
		rule.source = localhost;
		if (!o->set->masquerade_all && o->set->pod.ip.family == 4)
			meet(t, o, o->chain, false, &rule);
	}
	rule = rule_for(o, p);
	rule.what = XT_DO_DNAT;
	rule.to = o->set->pod.ip;
	rule.to_port = p->pod;
	meet(t, o, o->chain, false, &rule);
}

/* The entries for the ports of one protocol, fifteen in each. */
static void meet_entries(struct xt_table *t, struct legacy_order *o, legacy_meet_fn *meet,
			 uint8_t proto, bool by_address)
{
	uint16_t ports[XT_PORTS_MAX];
	struct xt_rule rule = {
		.parts = &xt_parts,
		.proto = proto,
		.ports = ports,
		.comment = o->comment,
		.what = XT_DO_JUMP,
		.chain = o->chain,
		.mark = XT_MARK,
		.owner = &o->tag,
	};

	for (unsigned i = 0; i < o->count; i++) {
		const struct hostport *p = &o->list[i];

		if (p->proto == proto && (p->address.family != 0) == by_address)
			ports[rule.port_count++] = p->host;
		if (rule.port_count == XT_PORTS_MAX || (rule.port_count && i == o->count - 1)) {
			meet(t, o, REFERENCE_ENTRIES, by_address, &rule);
			rule.port_count = 0;
		}
	}
}

void legacy_meet_all(struct xt_table *t, struct legacy_order *o, legacy_meet_fn *meet)
{
	static const uint8_t protos[] = {IPPROTO_SCTP, IPPROTO_TCP, IPPROTO_UDP};

	meet_shared(t, o, meet);
	meet_conditions(t, o, meet);
	for (unsigned by_address = 2; by_address-- > 0;)
		for (unsigned i = 0; i < o->count; i++)
			if ((o->list[i].address.family != 0) == by_address)
				meet_mapping(t, o, meet, &o->list[i]);
	for (unsigned by_address = 2; by_address-- > 0;)
		for (unsigned i = 0; i < sizeof(protos); i++)
			meet_entries(t, o, meet, protos[i], by_address);
}

bool legacy_find(const struct xt_table *t, const char *chain, const struct xt_rule *rule)
{
	struct xt_chain c;

	if (!xt_chain(t, chain, &c))
		return false;
	for (uint32_t at = c.begin; at < c.end; at = xt_next(t, at)) {
		struct owner_tag tag;

		if (xt_equal(t, at, rule) &&
		    (!rule->owner || !xt_owner(t, at, &tag) || owner_tag_equal(&tag, rule->owner)))
			return true;
	}
	return false;
}
