/* One entry of a legacy table: what it does, and the bytes of the rules that cnibox writes. */
#include <linux/netfilter.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>
#include <stddef.h>

#include "net/xt_layout.h"

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
		.range = sizeof(struct nf_nat_range),
	},
};

/* In the order of struct ipt_ip and ip6t_ip6. */
enum side { SOURCE, DESTINATION };
enum interface_field { IN, OUT, IN_MASK, OUT_MASK };

static uint32_t address_at(const struct xt_layout *l, enum side side)
{
	return l->address * (uint32_t)side;
}

static uint32_t mask_at(const struct xt_layout *l, enum side side)
{
	return l->address * (2 + (uint32_t)side);
}

static uint32_t interface_at(const struct xt_layout *l, enum interface_field field)
{
	return l->interface + IFNAMSIZ * (uint32_t)field;
}

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

static const char *target_name(const struct xt_table *t, uint32_t at)
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
	if (strcmp(target_name(t, at), XT_STANDARD_TARGET) != 0)
		return false;
	memcpy(verdict, verdict_of(t, at), sizeof(*verdict));
	return true;
}

void xt_set_verdict(struct xt_table *t, uint32_t at, int32_t verdict)
{
	memcpy(verdict_of(t, at), &verdict, sizeof(verdict));
}

static void read_address(struct nft_rule *rule, const struct xt_table *t, uint32_t at,
			 enum side side, bool negated)
{
	const struct xt_layout *l = xt_layout(t);
	struct nft_match_address *m = side == SOURCE ? &rule->source : &rule->destination;
	int bits = nft_mask_bits(t->entries + at + mask_at(l, side), l->address);

	if (bits < 0) {
		rule->other = true;
		return;
	}
	m->set = bits > 0 || negated;
	m->negated = negated;
	m->prefix.ip.family = t->family;
	m->prefix.len = (uint8_t)bits;
	memcpy(m->prefix.ip.b, t->entries + at + address_at(l, side), l->address);
}

static void read_interface(struct nft_match_name *m, const struct xt_table *t, uint32_t at,
			   enum interface_field field, bool negated)
{
	const struct xt_layout *l = xt_layout(t);
	unsigned char *mask = t->entries + at + interface_at(l, field + IN_MASK);

	m->negated = negated;
	if (*mask || negated)
		m->name = (const char *)t->entries + at + interface_at(l, field);
}

static void read_conditions(struct nft_rule *rule, const struct xt_table *t, uint32_t at)
{
	const struct xt_layout *l = xt_layout(t);
	const unsigned char *entry = t->entries + at;
	uint8_t flags = entry[l->flags], negated = entry[l->flags + 1];
	uint32_t target = xt_target_at(t, at);

	read_address(rule, t, at, SOURCE, negated & IPT_INV_SRCIP);
	read_address(rule, t, at, DESTINATION, negated & IPT_INV_DSTIP);
	read_interface(&rule->iifname, t, at, IN, negated & IPT_INV_VIA_IN);
	read_interface(&rule->oifname, t, at, OUT, negated & IPT_INV_VIA_OUT);
	rule->other |= xt_u16(t, at + l->proto) || flags & ~l->goto_flag;
	for (uint32_t m = l->head; m < target;) {
		struct xt_entry_match match;

		memcpy(&match, entry + m, sizeof(match));
		match.u.user.name[sizeof(match.u.user.name) - 1] = '\0';
		nft_read_match(rule, match.u.user.name);
		m += match.u.match_size;
	}
}

/* Verdicts are stored as -1 - NF_DROP and so on (XT_CONTINUE and XT_RETURN in x_tables.h). */
static enum nft_action action_of(const struct xt_table *t, unsigned hook, uint32_t at)
{
	int32_t verdict;

	if (!xt_verdict(t, at, &verdict))
		return NFT_ACTION_NONE;
	if (verdict == XT_RETURN && at != t->policy[hook])
		return action_of(t, hook, t->policy[hook]);
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
	const char *name = target_name(t, at);

	*rule = (struct nft_rule){
		.family = t->family == 6 ? NFPROTO_IPV6 : NFPROTO_IPV4,
		.table = "",
		.chain = "",
		.target = "",
		.handle = at,
		.ours = (xt_mark(t, at) & XT_MARK_MASK) == XT_MARK,
	};
	read_conditions(rule, t, at);
	if (*name)
		nft_read_target(rule, name);
	else
		rule->action = action_of(t, hook, at);
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

/* --- write ------------------------------------------------------------------------------------ */

static void put_address(unsigned char *bytes, const struct xt_layout *l, enum side side,
			const struct prefix *p)
{
	struct prefix network = prefix_network(p);
	struct prefix ones = {.ip.family = p->ip.family, .len = p->len};

	if (!p->ip.family)
		return;
	memset(ones.ip.b, 0xff, sizeof(ones.ip.b));
	ones = prefix_network(&ones);
	memcpy(bytes + address_at(l, side), network.ip.b, l->address);
	memcpy(bytes + mask_at(l, side), ones.ip.b, l->address);
}

static void put_target(unsigned char *bytes, uint32_t size, const char *name)
{
	struct xt_entry_target target = {.u.user.target_size = (uint16_t)size};

	strncpy(target.u.user.name, name, sizeof(target.u.user.name) - 1);
	memcpy(bytes, &target, sizeof(target));
}

/* Gives the target's size. */
static uint32_t put_action(unsigned char *bytes, const struct xt_layout *l, bool masquerade)
{
	uint32_t size = XT_ALIGN(sizeof(struct xt_entry_target) + l->range);
	int32_t accept = -1 - NF_ACCEPT;
	unsigned one = 1;

	if (!masquerade) {
		size = sizeof(struct xt_standard_target);
		put_target(bytes, size, XT_STANDARD_TARGET);
		memcpy(bytes + offsetof(struct xt_standard_target, verdict), &accept,
		       sizeof(accept));
		return size;
	}
	/* Any port, the interface's address: a range that is all zero. */
	put_target(bytes, size, "MASQUERADE");
	memcpy(bytes + sizeof(struct xt_entry_target), &one, l->multirange);
	return size;
}

uint32_t xt_build(unsigned char bytes[static XT_RULE_MAX], uint8_t family,
		  const struct xt_rule *rule)
{
	const struct xt_layout *l = &xt_layouts[family == 6];
	uint16_t target = l->head, next;

	memset(bytes, 0, XT_RULE_MAX);
	put_address(bytes, l, SOURCE, &rule->source);
	put_address(bytes, l, DESTINATION, &rule->destination);
	if (rule->outside)
		bytes[l->flags + 1] |= IPT_INV_DSTIP;
	if (rule->not_out) {
		size_t n = strnlen(rule->not_out, IFNAMSIZ - 1);

		bytes[l->flags + 1] |= IPT_INV_VIA_OUT;
		memcpy(bytes + interface_at(l, OUT), rule->not_out, n);
		memset(bytes + interface_at(l, OUT_MASK), 0xff, n + 1);
	}
	next = (uint16_t)(target + put_action(bytes + target, l, rule->masquerade));
	memcpy(bytes + l->nfcache, &rule->mark, sizeof(rule->mark));
	memcpy(bytes + l->target_offset, &target, sizeof(target));
	memcpy(bytes + l->next_offset, &next, sizeof(next));
	return next;
}

bool xt_equal(const struct xt_table *t, uint32_t at, const struct xt_rule *rule)
{
	const struct xt_layout *l = xt_layout(t);
	const unsigned char *entry = t->entries + at;
	unsigned char bytes[XT_RULE_MAX];
	uint32_t n = xt_build(bytes, t->family, rule);

	return xt_next(t, at) - at == n && memcmp(entry, bytes, l->nfcache) == 0 &&
	       xt_target_at(t, at) == l->head &&
	       memcmp(entry + l->head, bytes + l->head, n - l->head) == 0;
}
