#include "net/legacy_hostport.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "net/reference_portmap.h"
#include "net/xtables.h"

#define SETMARK "CNI-HOSTPORT-SETMARK"
#define MASQ	"CNI-HOSTPORT-MASQ"

enum { TCP = 6, UDP = 17, SCTP = 132 };

/* One of the reference's comments; longer ones are cut as it cuts them. */
#define COMMENT_MAX 255

struct order {
	const struct owner *owner;
	struct owner_tag tag;
	const struct hostport_settings *set;
	const struct hostport *list;
	unsigned count;

	char chain[REFERENCE_CHAIN];
	char comment[COMMENT_MAX + 1];
	bool fresh; /* the chain is new: nothing in it needs looking for */
	unsigned changes, missing;
	struct err *e;
};

static void begin_order(struct order *o, const struct owner *owner,
			const struct hostport_settings *set, const struct hostport *list,
			unsigned count, struct err *e)
{
	*o = (struct order){
		.owner = owner,
		.tag = owner_tag(owner),
		.set = set,
		.list = list,
		.count = count,
		.e = e,
	};
	reference_portmap_chain(o->chain, owner->network, owner->container_id);
	if (snprintf(o->comment, sizeof(o->comment), "dnat name: \"%s\" id: \"%s\"", owner->network,
		     owner->container_id) > COMMENT_MAX)
		strcpy(o->comment + COMMENT_MAX - strlen("..."), "...");
}

/* --- the rules -------------------------------------------------------------------------------- */

/* Called for each rule that is to be there, in their order. */
typedef void meet_fn(struct xt_table *t, struct order *o, const char *chain, bool first,
		     const struct xt_rule *rule);

static struct xt_rule rule_for(const struct order *o, const struct hostport *p)
{
	struct xt_rule rule = {
		.proto = p->proto,
		.port = p->host,
		.mark = XT_MARK,
		.owner = &o->tag,
	};

	if (p->address.family)
		rule.destination = (struct prefix){p->address, (uint8_t)(8 * ip_size(&p->address))};
	return rule;
}

static void meet_shared(struct xt_table *t, struct order *o, meet_fn *meet)
{
	const struct xt_rule entry = {
		.local = true, .what = XT_DO_JUMP, .chain = REFERENCE_ENTRIES, .mark = XT_MARK};

	meet(t, o, "PREROUTING", false, &entry);
	meet(t, o, "OUTPUT", false, &entry);
	if (!o->set->snat)
		return;
	meet(t, o, SETMARK, false,
	     &(struct xt_rule){.comment = "CNI portfwd masquerade mark",
			       .what = XT_DO_MARK,
			       .bits = o->set->mark,
			       .mark = XT_MARK});
	meet(t, o, MASQ, false,
	     &(struct xt_rule){.marked = o->set->mark, .what = XT_DO_MASQUERADE, .mark = XT_MARK});
	meet(t, o, "POSTROUTING", true,
	     &(struct xt_rule){.comment = "CNI portfwd requiring masquerade",
			       .what = XT_DO_JUMP,
			       .chain = MASQ,
			       .mark = XT_MARK});
}

/* What does not meet a condition goes back to where it came from. */
static void meet_conditions(struct xt_table *t, struct order *o, meet_fn *meet)
{
	for (unsigned i = 0; i < o->set->condition_count; i++) {
		const struct hostport_condition *c = &o->set->conditions[i];
		struct xt_rule rule = {.what = XT_DO_RETURN, .mark = XT_MARK};

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

static void meet_mapping(struct xt_table *t, struct order *o, meet_fn *meet,
			 const struct hostport *p)
{
	static const struct prefix localhost = {.ip = {4, {127, 0, 0, 1}}, .len = 32};
	struct xt_rule rule = rule_for(o, p);

	if (o->set->snat) {
		rule.what = XT_DO_JUMP;
		rule.chain = SETMARK;
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
static void meet_entries(struct xt_table *t, struct order *o, meet_fn *meet, uint8_t proto,
			 bool by_address)
{
	uint16_t ports[XT_PORTS_MAX];
	struct xt_rule rule = {
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

static void meet_all(struct xt_table *t, struct order *o, meet_fn *meet)
{
	static const uint8_t protos[] = {SCTP, TCP, UDP};

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

static bool find(const struct xt_table *t, const char *chain, const struct xt_rule *rule)
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

/* --- who has a port --------------------------------------------------------------------------- */

/* The port of the host that the rule maps, if it is one that does. */
static bool read_mapping(struct hostport *p, const struct xt_table *t, uint32_t at)
{
	uint16_t range[2]; /* where the match has ports of the destination */
	struct nft_rule rule;
	size_t offset;

	xt_read(&rule, t, 0, at);
	*p = (struct hostport){.proto = xt_proto(t, at)};
	offset = p->proto == SCTP ? 0 : sizeof(range);
	if (rule.action != NFT_ACTION_TARGET || strcmp(rule.target, "DNAT") != 0 ||
	    !rule.extension || rule.extension_len < offset + sizeof(range))
		return false;
	memcpy(range, rule.extension_data + offset, sizeof(range));
	p->host = range[0];
	if (rule.destination.set)
		p->address = rule.destination.prefix.ip;
	return true;
}

static bool wants(const struct order *o, const struct hostport *p)
{
	for (unsigned i = 0; i < o->count; i++)
		if (o->list[i].proto == p->proto && o->list[i].host == p->host &&
		    ip_equal(&o->list[i].address, &p->address))
			return true;
	return false;
}

/* Does the chain that an entry leads to map a port that is wanted? Then sets the error. */
static bool is_taken(const struct xt_table *t, struct order *o, const struct nft_rule *entry)
{
	char text[HOSTPORT_TEXT];
	struct hostport p;
	struct xt_chain c;

	if (!xt_chain(t, entry->target, &c))
		return false;
	for (uint32_t at = c.begin; at < c.end; at = xt_next(t, at)) {
		if (!read_mapping(&p, t, at) || !wants(o, &p))
			continue;
		err_set(o->e, ERR_STATE, "map host port", "%s is taken by %s",
			hostport_text(text, &p),
			entry->xt_comment ? entry->xt_comment : "an entry that somebody else made");
		err_hint(o->e,
			 "each port of the host leads to one container; 'ip%stables-legacy -t nat "
			 "-S " REFERENCE_ENTRIES "' shows which",
			 t->family == 6 ? "6" : "");
		return true;
	}
	return false;
}

static bool any_taken(const struct xt_table *t, struct order *o)
{
	struct nft_rule entry;
	struct xt_chain c;

	if (!xt_chain(t, REFERENCE_ENTRIES, &c))
		return false;
	for (uint32_t at = c.begin; at < c.end; at = xt_next(t, at)) {
		xt_read(&entry, t, 0, at);
		if (entry.action == NFT_ACTION_JUMP && is_taken(t, o, &entry))
			return true;
	}
	return false;
}

/* --- remove ----------------------------------------------------------------------------------- */

/*
 * Take out the rules of a chain that are an attachment's; with a target, of those only that jump to
 * it.
 */
static unsigned take_out(struct xt_table *t, const char *chain, const char *target,
			 const struct owner_tag *tag)
{
	struct owner_tag its;
	struct nft_rule rule;
	unsigned changes = 0;
	struct xt_chain c;

	if (!xt_chain(t, chain, &c))
		return 0;
	for (uint32_t at = c.begin; at < c.end;) {
		uint32_t next = xt_next(t, at);

		xt_read(&rule, t, 0, at);
		if (xt_owner(t, at, &its) && owner_tag_equal(&its, tag) &&
		    (!target || strcmp(rule.target, target) == 0)) {
			xt_remove(t, at);
			c.end -= next - at;
			next = at;
			changes++;
		}
		at = next;
	}
	return changes;
}

struct removal {
	const struct owner_choice *which;
	struct conntrack_ports *udp;
};

/* Find an attachment that is chosen: its chain and tag. */
static bool choose(const struct xt_table *t, const struct removal *r, char *chain,
		   struct owner_tag *tag)
{
	char text[COMMENT_MAX + 32];
	struct nft_rule entry;
	struct xt_chain c;

	if (!xt_chain(t, REFERENCE_ENTRIES, &c))
		return false;
	for (uint32_t at = c.begin; at < c.end; at = xt_next(t, at)) {
		xt_read(&entry, t, 0, at);
		if (!entry.owned || entry.action != NFT_ACTION_JUMP)
			continue;
		snprintf(text, sizeof(text), "host ports, %s",
			 entry.xt_comment ? entry.xt_comment : entry.target);
		if (!r->which->choose(&entry.owner, text, r->which->arg))
			continue;
		snprintf(chain, REFERENCE_CHAIN, "%s", entry.target);
		*tag = entry.owner;
		return true;
	}
	return false;
}

static void note_ports(const struct xt_table *t, const struct owner_tag *tag,
		       struct conntrack_ports *udp)
{
	uint16_t ports[XT_PORTS_MAX];
	struct owner_tag its;
	struct xt_chain c;

	if (!xt_chain(t, REFERENCE_ENTRIES, &c))
		return;
	for (uint32_t at = c.begin; at < c.end; at = xt_next(t, at)) {
		unsigned count = xt_proto(t, at) == UDP ? xt_ports(t, at, ports) : 0;

		if (!xt_owner(t, at, &its) || !owner_tag_equal(&its, tag))
			continue;
		for (unsigned i = 0; i < count; i++)
			conntrack_add_port(udp, ports[i]);
	}
}

/* Entries first, then the chain: all of it, unless it is another interface's as well. */
static unsigned change_to_remove(struct xt_table *t, void *arg)
{
	const struct removal *r = arg;
	char chain[REFERENCE_CHAIN];
	struct owner_tag tag;
	unsigned changes = 0;

	while (choose(t, r, chain, &tag)) {
		note_ports(t, &tag, r->udp);
		changes += take_out(t, REFERENCE_ENTRIES, chain, &tag);
		changes += xt_chain_used(t, chain) ? take_out(t, chain, NULL, &tag)
						   : xt_chain_remove(t, chain);
	}
	return changes;
}

int legacy_hostport_remove(uint8_t family, const struct owner_choice *which,
			   struct conntrack_ports *udp, struct err *e)
{
	struct removal r = {which, udp};
	unsigned changes;

	if (!(xtables_in_use(family) & XTABLES_NAT))
		return 0;
	return xtables_change(family, XTABLES_NAT, change_to_remove, &r, &changes, e);
}

/* --- add -------------------------------------------------------------------------------------- */

static void put_in(struct xt_table *t, struct order *o, const char *chain, bool first,
		   const struct xt_rule *rule)
{
	struct xt_chain c;

	if ((!o->fresh || chain != o->chain) && find(t, chain, rule))
		return;
	if (!xt_chain(t, chain, &c))
		return; /* there was no room for it */
	xt_insert(t, first ? c.begin : c.end, rule);
	o->changes++;
}

static unsigned change_to_add(struct xt_table *t, void *arg)
{
	static struct conntrack_ports udp;
	struct order *o = arg;
	struct owner_choice own = owner_only(&o->tag);
	struct removal former = {&own, &udp};

	o->changes = change_to_remove(t, &former) + reference_portmap_drop(t, o->chain);
	if (any_taken(t, o))
		return 0;
	o->changes += xt_chain_make(t, REFERENCE_ENTRIES);
	if (o->set->snat) {
		o->changes += xt_chain_make(t, SETMARK);
		o->changes += xt_chain_make(t, MASQ);
	}
	o->fresh = xt_chain_make(t, o->chain);
	meet_all(t, o, put_in);
	return o->changes;
}

/* --- spoofed packets -------------------------------------------------------------------------- */

static const struct xt_rule spoofed = {
	.destination = {.ip = {4, {127}}, .len = 8},
	.in = "lo",
	.not_in = true,
	.comment = "CNI portfwd: nothing from a wire is for localhost",
	.what = XT_DO_DROP,
	.mark = XT_MARK,
};

static unsigned change_to_guard(struct xt_table *t, void *arg)
{
	(void)arg;
	if (find(t, "PREROUTING", &spoofed))
		return 0;
	xt_insert(t, t->begin[0], &spoofed);
	return 1;
}

static int guard_localhost(struct err *e)
{
	unsigned changes;

	if (xtables_change(4, XTABLES_RAW, change_to_guard, NULL, &changes, e) == 0)
		return 0;
	if (!xtables_unsupported(e))
		return -1;
	log_line("the kernel has no table raw (CONFIG_IP_NF_RAW): neighbours can send to ports of "
		 "127.0.0.1 that lead to containers");
	return 0;
}

int legacy_hostport_add(const struct owner *owner, const struct hostport_settings *set,
			const struct hostport *list, unsigned count, struct err *e)
{
	struct err taken = {0};
	struct order o;
	unsigned changes;

	begin_order(&o, owner, set, list, count, &taken);
	if (xtables_change(set->pod.ip.family, XTABLES_NAT, change_to_add, &o, &changes, e))
		return -1;
	if (taken.code) {
		*e = taken;
		return -1;
	}
	return set->snat && set->pod.ip.family == 4 ? guard_localhost(e) : 0;
}

/* --- check ------------------------------------------------------------------------------------ */

static void look_for(struct xt_table *t, struct order *o, const char *chain, bool first,
		     const struct xt_rule *rule)
{
	(void)first;
	o->missing += !find(t, chain, rule);
}

int legacy_hostport_check(const struct owner *owner, const struct hostport_settings *set,
			  const struct hostport *list, unsigned count, struct err *e)
{
	struct xt_table t;
	struct order o;

	if (xtables_read(set->pod.ip.family, XTABLES_NAT, &t, e))
		return -1;
	begin_order(&o, owner, set, list, count, e);
	meet_all(&t, &o, look_for);
	if (o.missing)
		return err_set(e, ERR_STATE, "check host ports",
			       "%u rules are missing in table nat of legacy ip%stables", o.missing,
			       set->pod.ip.family == 6 ? "6" : "");
	return 0;
}
