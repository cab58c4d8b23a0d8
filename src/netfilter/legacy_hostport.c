#include "netfilter/legacy_hostport.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "netfilter/legacy_hostport_rules.h"
#include "netfilter/reference_collect.h"
#include "netfilter/xtables.h"

/* --- who has a port --------------------------------------------------------------------------- */

/* The port of the host that the rule maps, if it is one that does. */
static bool read_mapping(struct hostport *p, const struct xt_table *t, uint32_t at)
{
	uint16_t range[2]; /* where the match has ports of the destination */
	struct nft_rule rule;
	size_t offset;

	xt_read(&rule, t, 0, at);
	*p = (struct hostport){.proto = xt_proto(t, at)};
	offset = p->proto == IPPROTO_SCTP ? 0 : sizeof(range);
	if (rule.action != NFT_ACTION_TARGET || strcmp(rule.target, "DNAT") != 0 ||
	    !rule.extension || rule.extension_len < offset + sizeof(range))
		return false;
	memcpy(range, rule.extension_data + offset, sizeof(range));
	p->host = range[0];
	if (rule.destination.set)
		p->address = rule.destination.prefix.ip;
	return true;
}

static bool wants(const struct legacy_order *o, const struct hostport *p)
{
	for (unsigned i = 0; i < o->count; i++)
		if (o->list[i].proto == p->proto && o->list[i].host == p->host &&
		    ip_equal(&o->list[i].address, &p->address))
			return true;
	return false;
}

/* Does the chain that an entry leads to map a port that is wanted? Then sets the error. */
static bool is_taken(const struct xt_table *t, struct legacy_order *o, const struct nft_rule *entry)
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

static bool any_taken(const struct xt_table *t, struct legacy_order *o)
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

/* An attachment's rules. Their UDP ports are noted as they go. */
struct departure {
	const struct owner_tag *tag;
	struct conntrack_ports *udp;
};

static bool is_departing(const struct xt_table *t, uint32_t at, void *arg)
{
	const struct departure *d = arg;
	uint16_t ports[XT_PORTS_MAX];
	struct owner_tag its;
	unsigned count;

	if (!xt_owner(t, at, &its) || !owner_tag_equal(&its, d->tag))
		return false;
	count = xt_proto(t, at) == IPPROTO_UDP ? xt_ports(t, at, ports) : 0;
	for (unsigned i = 0; i < count; i++)
		conntrack_add_port(d->udp, ports[i]);
	return true;
}

struct removal {
	const struct owner_choice *which;
	struct conntrack_ports *udp;
};

/* Find an attachment that is chosen: its chain and tag. */
static bool choose(const struct xt_table *t, const struct removal *r, char *chain,
		   struct owner_tag *tag)
{
	char text[LEGACY_COMMENT_MAX + 32];
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

/* Entries first, then the chain: all of it, unless it is another interface's as well. */
static unsigned change_to_remove(struct xt_table *t, void *arg)
{
	const struct removal *r = arg;
	char chain[REFERENCE_CHAIN];
	struct owner_tag tag;
	unsigned changes = 0;

	while (choose(t, r, chain, &tag)) {
		struct departure d = {&tag, r->udp};

		changes += xt_chain_sift(t, REFERENCE_ENTRIES, is_departing, &d);
		changes += xt_chain_used(t, chain) ? xt_chain_sift(t, chain, is_departing, &d)
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

static void put_in(struct xt_table *t, struct legacy_order *o, const char *chain, bool first,
		   const struct xt_rule *rule)
{
	struct xt_chain c;

	if ((!o->fresh || chain != o->chain) && legacy_find(t, chain, rule))
		return;
	if (!xt_chain(t, chain, &c))
		return; /* there was no room for it */
	xt_insert(t, first ? c.begin : c.end, rule);
	o->changes++;
}

static unsigned change_to_add(struct xt_table *t, void *arg)
{
	static struct conntrack_ports udp;
	struct legacy_order *o = arg;
	struct owner_choice own = owner_only(&o->tag);
	struct removal former = {&own, &udp};

	o->changes = change_to_remove(t, &former) + reference_drop(t, &reference_ports, o->chain);
	if (any_taken(t, o))
		return 0;
	o->changes += xt_chain_make(t, REFERENCE_ENTRIES);
	if (o->set->snat) {
		o->changes += xt_chain_make(t, LEGACY_SETMARK);
		o->changes += xt_chain_make(t, LEGACY_MASQ);
	}
	o->fresh = xt_chain_make(t, o->chain);
	legacy_meet_all(t, o, put_in);
	return o->changes;
}

/* --- spoofed packets -------------------------------------------------------------------------- */

static const struct xt_rule spoofed = {
	.parts = &xt_parts,
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
	if (legacy_find(t, "PREROUTING", &spoofed))
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
	struct legacy_order o = legacy_order(owner, set, list, count);
	unsigned changes;

	o.e = &taken;
	if (xtables_change(set->pod.ip.family, XTABLES_NAT, change_to_add, &o, &changes, e))
		return -1;
	if (taken.code) {
		*e = taken;
		return -1;
	}
	return set->snat && set->pod.ip.family == 4 ? guard_localhost(e) : 0;
}

/* --- check ------------------------------------------------------------------------------------ */

static void look_for(struct xt_table *t, struct legacy_order *o, const char *chain, bool first,
		     const struct xt_rule *rule)
{
	(void)first;
	o->missing += !legacy_find(t, chain, rule);
}

int legacy_hostport_check(const struct owner *owner, const struct hostport_settings *set,
			  const struct hostport *list, unsigned count, struct err *e)
{
	struct legacy_order o = legacy_order(owner, set, list, count);
	struct xt_table t;

	if (xtables_read(set->pod.ip.family, XTABLES_NAT, &t, e))
		return -1;
	legacy_meet_all(&t, &o, look_for);
	if (o.missing)
		return err_set(e, ERR_STATE, "check host ports",
			       "%u rules are missing in table nat of legacy ip%stables", o.missing,
			       set->pod.ip.family == 6 ? "6" : "");
	return 0;
}
