/*
 * The bytes of the rules that cnibox writes into a legacy table: their heads, and the plain ones. The
 * rest is in xt_parts.c.
 */
#include <linux/netfilter.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <stddef.h>

#include "netfilter/xt_layout.h"

_Static_assert(XT_NAME == IFNAMSIZ, "ABI");
_Static_assert(sizeof(struct owner_tag) <= 2 * (size_t)(XT_NAME - 1), "an owner fits two names");

/* --- head ------------------------------------------------------------------------------------- */

static void put_address(struct xt_draft *d, enum xt_side side, const struct prefix *p)
{
	struct prefix network = prefix_network(p);
	struct prefix ones = {.ip.family = p->ip.family, .len = p->len};

	if (!p->ip.family)
		return;
	memset(ones.ip.b, 0xff, sizeof(ones.ip.b));
	ones = prefix_network(&ones);
	memcpy(d->bytes + xt_address_at(d->l, side), network.ip.b, d->l->address);
	memcpy(d->bytes + xt_mask_at(d->l, side), ones.ip.b, d->l->address);
}

static void put_interface(struct xt_draft *d, enum xt_interface field, const char *name)
{
	size_t n = name ? strnlen(name, XT_NAME - 1) : 0;

	if (!name)
		return;
	memcpy(d->bytes + xt_interface_at(d->l, field), name, n);
	memset(d->bytes + xt_interface_at(d->l, field + XT_IN_MASK), 0xff, n + 1);
}

static void put_owner(struct xt_draft *d, const struct owner_tag *owner)
{
	unsigned char bytes[2 * (XT_NAME - 1)] = {0};
	unsigned char *names = d->bytes + xt_interface_at(d->l, XT_IN);

	memcpy(bytes, owner, sizeof(*owner));
	memcpy(names + 1, bytes, XT_NAME - 1);
	memcpy(names + XT_NAME + 1, bytes + XT_NAME - 1, XT_NAME - 1);
}

void xt_put_head(struct xt_draft *d, const struct xt_rule *rule)
{
	uint16_t proto = rule->proto;

	memset(d->bytes, 0, XT_RULE_MAX);
	d->len = d->l->head;
	put_address(d, XT_SOURCE, &rule->source);
	put_address(d, XT_DESTINATION, &rule->destination);
	put_interface(d, XT_IN, rule->in);
	put_interface(d, XT_OUT, rule->out);
	if (rule->owner && !rule->in && !rule->out)
		put_owner(d, rule->owner);
	d->bytes[d->l->flags + 1] = (uint8_t)((rule->not_source ? IPT_INV_SRCIP : 0) |
					      (rule->not_destination ? IPT_INV_DSTIP : 0) |
					      (rule->not_in ? IPT_INV_VIA_IN : 0) |
					      (rule->not_out ? IPT_INV_VIA_OUT : 0));
	if (proto)
		d->bytes[d->l->flags] = d->l->proto_flag;
	memcpy(d->bytes + d->l->proto, &proto, sizeof(proto));
	memcpy(d->bytes + d->l->nfcache, &rule->mark, sizeof(rule->mark));
}

/* --- matches and target ----------------------------------------------------------------------- */

/* A match; the target's head is the same. */
_Static_assert(sizeof(struct xt_entry_match) == sizeof(struct xt_entry_target), "ABI");
void xt_put_extension(struct xt_draft *d, const char *name, uint8_t revision, const void *data,
		      size_t n)
{
	struct xt_entry_match head = {.u.user = {.match_size = (uint16_t)XT_ALIGN(sizeof(head) + n),
						 .revision = revision}};

	strncpy(head.u.user.name, name, sizeof(head.u.user.name) - 1);
	memcpy(d->bytes + d->len, &head, sizeof(head));
	if (data)
		memcpy(d->bytes + d->len + sizeof(head), data, n);
	d->len += head.u.user.match_size;
}

void xt_put_verdict(struct xt_draft *d, int32_t verdict)
{
	xt_put_extension(d, XT_STANDARD_TARGET, 0, &verdict, sizeof(verdict));
}

static void put_target(struct xt_draft *d, const struct xt_rule *rule)
{
	unsigned char range[sizeof(struct nf_nat_range)] = {0};
	unsigned one = 1;

	if (rule->what != XT_DO_MASQUERADE) {
		xt_put_verdict(d, -1 - NF_ACCEPT);
		return;
	}
	/* Any port, the interface's address: a range that is all zero. */
	memcpy(range, &one, d->l->multirange);
	xt_put_extension(d, "MASQUERADE", 0, range, d->l->range);
}

uint32_t xt_finish(struct xt_draft *d, uint32_t target)
{
	uint16_t to_target = (uint16_t)target, to_next = (uint16_t)d->len;

	memcpy(d->bytes + d->l->target_offset, &to_target, sizeof(to_target));
	memcpy(d->bytes + d->l->next_offset, &to_next, sizeof(to_next));
	return d->len;
}

uint32_t xt_build(unsigned char bytes[static XT_RULE_MAX], const struct xt_table *t,
		  const struct xt_rule *rule)
{
	struct xt_draft d = {bytes, xt_layout(t), 0};
	uint32_t target;

	xt_put_head(&d, rule);
	if (rule->parts)
		rule->parts->matches(&d, rule);
	target = d.len;
	if (!rule->parts || !rule->parts->target(&d, t, rule))
		put_target(&d, rule);
	return xt_finish(&d, target);
}
