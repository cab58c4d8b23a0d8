/* One entry of a legacy table: what it does, and whether it is a certain rule. */
#include <linux/netfilter.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/xt_multiport.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>
#include <stddef.h>

#include "netfilter/xt_layout.h"

_Static_assert(XT_HOOKS == NF_INET_NUMHOOKS && XT_ENTRY_ALIGN == XT_ALIGN(1), "ABI");
_Static_assert(offsetof(struct ipt_ip, invflags) == offsetof(struct ipt_ip, flags) + 1 &&
		       offsetof(struct ip6t_ip6, invflags) == offsetof(struct ip6t_ip6, flags) + 1,
	       "ABI");
/* The bits that are used here are the same in both. */
_Static_assert(IPT_INV_VIA_IN == IP6T_INV_VIA_IN && IPT_INV_VIA_OUT == IP6T_INV_VIA_OUT &&
		       IPT_INV_SRCIP == IP6T_INV_SRCIP && IPT_INV_DSTIP == IP6T_INV_DSTIP,
	       "ABI");

const struct xt_layout xt_layouts[2] = {
	{
		.address = sizeof(struct in_addr),
		.interface = offsetof(struct ipt_ip, iniface),
		.proto = offsetof(struct ipt_ip, proto),
		.flags = offsetof(struct ipt_ip, flags),
		.nfcache = offsetof(struct ipt_entry, nfcache),
		.target_offset = offsetof(struct ipt_entry, target_offset),
		.next_offset = offsetof(struct ipt_entry, next_offset),
		.counters = offsetof(struct ipt_entry, counters),
		.head = sizeof(struct ipt_entry),
		.goto_flag = IPT_F_GOTO,
		.multirange = sizeof(unsigned),
		.range = sizeof(struct nf_nat_ipv4_multi_range_compat),
	},
	{
		.address = sizeof(struct in6_addr),
		.interface = offsetof(struct ip6t_ip6, iniface),
		.proto = offsetof(struct ip6t_ip6, proto),
		.flags = offsetof(struct ip6t_ip6, flags),
		.nfcache = offsetof(struct ip6t_entry, nfcache),
		.target_offset = offsetof(struct ip6t_entry, target_offset),
		.next_offset = offsetof(struct ip6t_entry, next_offset),
		.counters = offsetof(struct ip6t_entry, counters),
		.head = sizeof(struct ip6t_entry),
		.goto_flag = IP6T_F_GOTO,
		.proto_flag = IP6T_F_PROTO,
		.range = sizeof(struct nf_nat_range),
	},
};

uint32_t xt_next(const struct xt_table *t, uint32_t at)
{
	return at + xt_u16(t, at + xt_layout(t)->next_offset);
}

uint32_t xt_mark(const struct xt_table *t, uint32_t at)
{
	uint32_t mark;

	memcpy(&mark, t->entries + at + xt_layout(t)->nfcache, sizeof(mark));
	return mark;
}

/* --- read ------------------------------------------------------------------------------------- */

const char *xt_target_name(const struct xt_table *t, uint32_t at)
{
	const unsigned char *target = t->entries + at + xt_target_at(t, at);

	return (const char *)target + offsetof(struct xt_entry_target, u.user.name);
}

static unsigned char *verdict_of(const struct xt_table *t, uint32_t at)
{
	return t->entries + at + xt_target_at(t, at) + offsetof(struct xt_standard_target, verdict);
}

bool xt_verdict(const struct xt_table *t, uint32_t at, int32_t *verdict)
{
	if (strcmp(xt_target_name(t, at), XT_STANDARD_TARGET) != 0)
		return false;
	memcpy(verdict, verdict_of(t, at), sizeof(*verdict));
	return true;
}

void xt_set_verdict(struct xt_table *t, uint32_t at, int32_t verdict)
{
	memcpy(verdict_of(t, at), &verdict, sizeof(verdict));
}

static void read_address(struct nft_rule *rule, const struct xt_table *t, uint32_t at,
			 enum xt_side side, bool negated)
{
	const struct xt_layout *l = xt_layout(t);
	struct nft_match_address *m = side == XT_SOURCE ? &rule->source : &rule->destination;
	int bits = nft_mask_bits(t->entries + at + xt_mask_at(l, side), l->address);

	if (bits < 0) {
		rule->other = true;
		return;
	}
	m->set = bits > 0 || negated;
	m->negated = negated;
	m->prefix.ip.family = t->family;
	m->prefix.len = (uint8_t)bits;
	memcpy(m->prefix.ip.b, t->entries + at + xt_address_at(l, side), l->address);
}

static void read_interface(struct nft_match_name *m, const struct xt_table *t, uint32_t at,
			   enum xt_interface field, bool negated)
{
	const struct xt_layout *l = xt_layout(t);
	unsigned char *mask = t->entries + at + xt_interface_at(l, field + XT_IN_MASK);

	m->negated = negated;
	if (*mask || negated)
		m->name = (const char *)t->entries + at + xt_interface_at(l, field);
}

static void read_conditions(struct nft_rule *rule, const struct xt_table *t, uint32_t at)
{
	const struct xt_layout *l = xt_layout(t);
	const unsigned char *entry = t->entries + at;
	uint8_t flags = entry[l->flags], negated = entry[l->flags + 1];
	uint32_t target = xt_target_at(t, at);

	read_address(rule, t, at, XT_SOURCE, negated & IPT_INV_SRCIP);
	read_address(rule, t, at, XT_DESTINATION, negated & IPT_INV_DSTIP);
	read_interface(&rule->iifname, t, at, XT_IN, negated & IPT_INV_VIA_IN);
	read_interface(&rule->oifname, t, at, XT_OUT, negated & IPT_INV_VIA_OUT);
	rule->other |= xt_u16(t, at + l->proto) || flags & ~(l->goto_flag | l->proto_flag);
	for (uint32_t m = l->head; m < target;) {
		struct xt_entry_match match;

		memcpy(&match, entry + m, sizeof(match));
		nft_read_match(rule,
			       (const char *)entry + m +
				       offsetof(struct xt_entry_match, u.user.name),
			       entry + m + sizeof(match), match.u.match_size - sizeof(match));
		m += match.u.match_size;
	}
}

/* Verdicts are stored as -1 - NF_DROP and so on (XT_CONTINUE and XT_RETURN in x_tables.h). */
static enum nft_action action_of(const struct xt_table *t, unsigned hook, uint32_t at)
{
	int32_t verdict;

	if (!xt_verdict(t, at, &verdict))
		return NFT_ACTION_NONE;
	if (verdict == XT_RETURN && at >= t->begin[hook] && at < t->policy[hook])
		return action_of(t, hook, t->policy[hook]);
	if (verdict == XT_RETURN)
		return NFT_ACTION_RETURN;
	if (verdict == -1 - NF_DROP)
		return NFT_ACTION_DROP;
	if (verdict == -1 - NF_ACCEPT)
		return NFT_ACTION_ACCEPT;
	/* An entry without a target goes on to the next. */
	return verdict < 0 || (uint32_t)verdict == xt_next(t, at) ? NFT_ACTION_NONE
								  : NFT_ACTION_JUMP;
}

void xt_read(struct nft_rule *rule, const struct xt_table *t, unsigned hook, uint32_t at)
{
	const char *name = xt_target_name(t, at);
	int32_t verdict;

	*rule = (struct nft_rule){
		.family = t->family == 6 ? NFPROTO_IPV6 : NFPROTO_IPV4,
		.table = "",
		.chain = "",
		.target = "",
		.handle = at,
		.ours = (xt_mark(t, at) & XT_MARK_MASK) == XT_MARK,
	};
	read_conditions(rule, t, at);
	rule->owned = xt_owner(t, at, &rule->owner);
	if (*name) {
		nft_read_target(rule, name);
		return;
	}
	rule->action = action_of(t, hook, at);
	if (rule->action == NFT_ACTION_JUMP && xt_verdict(t, at, &verdict))
		name = xt_chain_name(t, (uint32_t)verdict);
	if (name)
		rule->target = name;
}

bool xt_is_policy(const struct xt_table *t, uint32_t at)
{
	struct nft_rule rule = {0};
	int32_t verdict;

	if (!xt_verdict(t, at, &verdict) || verdict >= 0)
		return false;
	read_conditions(&rule, t, at);
	return nft_rule_unconditional(&rule);
}

bool xt_owner(const struct xt_table *t, uint32_t at, struct owner_tag *tag)
{
	static const unsigned char zero[2 * XT_NAME];
	const unsigned char *names = t->entries + at + xt_interface_at(xt_layout(t), XT_IN);
	unsigned char bytes[2 * (XT_NAME - 1)];

	/* The first byte of each is what iptables looks at before it prints a name. */
	memcpy(bytes, names + 1, XT_NAME - 1);
	memcpy(bytes + XT_NAME - 1, names + XT_NAME + 1, XT_NAME - 1);
	memcpy(tag, bytes, sizeof(*tag));
	return (xt_mark(t, at) & XT_MARK_MASK) == XT_MARK &&
	       memcmp(names + sizeof(zero), zero, sizeof(zero)) == 0 &&
	       memcmp(tag, zero, sizeof(*tag)) != 0;
}

uint8_t xt_proto(const struct xt_table *t, uint32_t at)
{
	return (uint8_t)xt_u16(t, at + xt_layout(t)->proto);
}

unsigned xt_ports(const struct xt_table *t, uint32_t at, uint16_t ports[static XT_PORTS_MAX])
{
	struct xt_multiport_v1 list;
	struct nft_rule rule;

	xt_read(&rule, t, 0, at);
	if (!rule.extension || strcmp(rule.extension, "multiport") != 0 ||
	    rule.extension_len < sizeof(list))
		return 0;
	memcpy(&list, rule.extension_data, sizeof(list));
	if (list.count > XT_PORTS_MAX)
		return 0;
	memcpy(ports, list.ports, sizeof(list.ports));
	return list.count;
}

/* --- compare ---------------------------------------------------------------------------------- */

/* Names of interfaces count as far as their masks say; what follows them is counters and offsets. */
static bool same_head(const struct xt_layout *l, const unsigned char *a, const unsigned char *b)
{
	uint32_t names = xt_interface_at(l, XT_IN), masks = xt_interface_at(l, XT_IN_MASK);

	for (uint32_t i = 0; i < 2 * XT_NAME; i++)
		if ((a[names + i] ^ b[names + i]) & b[masks + i])
			return false;
	return memcmp(a, b, names) == 0 && memcmp(a + masks, b + masks, l->nfcache - masks) == 0;
}

/* Where the next match is that is no comment, or the target. */
static uint32_t skip_comments(const unsigned char *entry, uint32_t at, uint32_t target)
{
	while (at < target) {
		struct xt_entry_match match;

		memcpy(&match, entry + at, sizeof(match));
		if (strncmp(match.u.user.name, "comment", sizeof(match.u.user.name)) != 0)
			return at;
		at += match.u.match_size;
	}
	return target;
}

bool xt_equal(const struct xt_table *t, uint32_t at, const struct xt_rule *rule)
{
	const struct xt_layout *l = xt_layout(t);
	const unsigned char *entry = t->entries + at;
	_Alignas(8) unsigned char bytes[XT_RULE_MAX];
	struct xt_rule plain = *rule;
	uint32_t target = xt_target_at(t, at), theirs = l->head, n;
	uint32_t ours = theirs;
	uint16_t our_target;

	plain.comment = NULL;
	n = xt_build(bytes, t, &plain);
	memcpy(&our_target, bytes + l->target_offset, sizeof(our_target));
	if (!same_head(l, entry, bytes))
		return false;
	while ((theirs = skip_comments(entry, theirs, target)) < target) {
		struct xt_entry_match match;

		memcpy(&match, entry + theirs, sizeof(match));
		if (match.u.match_size > our_target - ours ||
		    memcmp(entry + theirs, bytes + ours, match.u.match_size) != 0)
			return false;
		theirs += match.u.match_size;
		ours += match.u.match_size;
	}
	return ours == our_target && xt_next(t, at) - at - target == n - our_target &&
	       memcmp(entry + target, bytes + our_target, n - our_target) == 0;
}
