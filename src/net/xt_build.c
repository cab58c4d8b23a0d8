/* The bytes of the rules that cnibox writes into a legacy table. */
#include <linux/netfilter.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/xt_addrtype.h>
#include <linux/netfilter/xt_comment.h>
#include <linux/netfilter/xt_mark.h>
#include <linux/netfilter/xt_multiport.h>
#include <linux/netfilter/xt_sctp.h>
#include <linux/netfilter/xt_tcpudp.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <stddef.h>
#include <stdio.h>

#include "net/xt_layout.h"

_Static_assert(XT_NAME == IFNAMSIZ && XT_PORTS_MAX == XT_MULTI_PORTS, "ABI");
_Static_assert(sizeof(struct owner_tag) <= 2 * (XT_NAME - 1), "an owner fits two names");

enum { TCP = 6, UDP = 17, SCTP = 132 };

/* Bytes that are being put together. */
struct draft {
	unsigned char *bytes;
	const struct xt_layout *l;
	uint32_t len;
};

/* --- head ------------------------------------------------------------------------------------- */

static void put_address(struct draft *d, enum xt_side side, const struct prefix *p)
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

static void put_interface(struct draft *d, enum xt_interface field, const char *name)
{
	size_t n = name ? strnlen(name, XT_NAME - 1) : 0;

	if (!name)
		return;
	memcpy(d->bytes + xt_interface_at(d->l, field), name, n);
	memset(d->bytes + xt_interface_at(d->l, field + XT_IN_MASK), 0xff, n + 1);
}

static void put_owner(struct draft *d, const struct owner_tag *owner)
{
	unsigned char bytes[2 * (XT_NAME - 1)] = {0};
	unsigned char *names = d->bytes + xt_interface_at(d->l, XT_IN);

	memcpy(bytes, owner, sizeof(*owner));
	memcpy(names + 1, bytes, XT_NAME - 1);
	memcpy(names + XT_NAME + 1, bytes + XT_NAME - 1, XT_NAME - 1);
}

static void put_head(struct draft *d, const struct xt_rule *rule)
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
static void put_extension(struct draft *d, const char *name, uint8_t revision, const void *data,
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

static void put_ports(struct draft *d, const struct xt_rule *rule)
{
	struct xt_multiport_v1 list = {.flags = XT_MULTIPORT_DESTINATION};

	for (unsigned i = 0; i < rule->port_count && i < XT_PORTS_MAX; i++)
		list.ports[list.count++] = rule->ports[i];
	put_extension(d, "multiport", 1, &list, sizeof(list));
}

static void put_port(struct draft *d, const struct xt_rule *rule)
{
	struct xt_tcp tcp = {.spts = {0, 0xffff}, .dpts = {rule->port, rule->port}};
	struct xt_udp udp = {.spts = {0, 0xffff}, .dpts = {rule->port, rule->port}};
	struct xt_sctp_info sctp = {.dpts = {rule->port, rule->port}, .flags = XT_SCTP_DEST_PORTS};

	if (rule->proto == TCP)
		put_extension(d, "tcp", 0, &tcp, sizeof(tcp));
	else if (rule->proto == UDP)
		put_extension(d, "udp", 0, &udp, sizeof(udp));
	else
		put_extension(d, "sctp", 0, &sctp, sizeof(sctp));
}

/* In the order in which the reference's plugins name them. */
static void put_matches(struct draft *d, const struct xt_rule *rule)
{
	if (rule->state != XT_STATE_ANY) {
		unsigned char info[XT_STATE_BYTES];

		xt_state_write(info, rule->state);
		put_extension(d, "conntrack", XT_STATE_REVISION, info, sizeof(info));
	}
	if (rule->comment) {
		struct xt_comment_info info = {.comment = ""};

		snprintf(info.comment, sizeof(info.comment), "%s", rule->comment);
		put_extension(d, "comment", 0, &info, sizeof(info));
	}
	if (rule->local) {
		struct xt_addrtype_info_v1 info = {.dest = XT_ADDRTYPE_LOCAL};

		put_extension(d, "addrtype", 1, &info, sizeof(info));
	}
	if (rule->marked) {
		struct xt_mark_mtinfo1 info = {rule->marked, rule->marked, 0};

		put_extension(d, "mark", 1, &info, sizeof(info));
	}
	if (rule->port_count)
		put_ports(d, rule);
	if (rule->port)
		put_port(d, rule);
}

static void put_verdict(struct draft *d, int32_t verdict)
{
	put_extension(d, XT_STANDARD_TARGET, 0, &verdict, sizeof(verdict));
}

static uint16_t big_endian(uint16_t n)
{
	uint8_t bytes[2] = {(uint8_t)(n >> 8), (uint8_t)n};

	memcpy(&n, bytes, sizeof(n));
	return n;
}

static void put_dnat(struct draft *d, const struct xt_rule *rule)
{
	struct nf_nat_range2 range = {.flags = NF_NAT_RANGE_MAP_IPS | NF_NAT_RANGE_PROTO_SPECIFIED};

	memcpy(&range.min_addr, rule->to.b, d->l->address);
	memcpy(&range.max_addr, rule->to.b, d->l->address);
	range.min_proto.all = range.max_proto.all = big_endian(rule->to_port);
	put_extension(d, "DNAT", 2, &range, sizeof(range));
}

static void put_target(struct draft *d, const struct xt_table *t, const struct xt_rule *rule)
{
	unsigned char range[sizeof(struct nf_nat_range)] = {0};
	struct xt_mark_tginfo2 bits = {rule->bits, rule->bits};
	struct xt_chain chain = {0};
	unsigned one = 1;

	switch (rule->what) {
	case XT_DO_ACCEPT:
		return put_verdict(d, -1 - NF_ACCEPT);
	case XT_DO_DROP:
		return put_verdict(d, -1 - NF_DROP);
	case XT_DO_RETURN:
		return put_verdict(d, XT_RETURN);
	case XT_DO_JUMP:
		xt_chain(t, rule->chain, &chain);
		return put_verdict(d, (int32_t)chain.begin);
	case XT_DO_MASQUERADE: /* any port, the interface's address: a range that is all zero */
		memcpy(range, &one, d->l->multirange);
		return put_extension(d, "MASQUERADE", 0, range, d->l->range);
	case XT_DO_MARK:
		return put_extension(d, "MARK", 2, &bits, sizeof(bits));
	case XT_DO_DNAT:
		return put_dnat(d, rule);
	}
}

static uint32_t finish(struct draft *d, uint32_t target)
{
	uint16_t to_target = (uint16_t)target, to_next = (uint16_t)d->len;

	memcpy(d->bytes + d->l->target_offset, &to_target, sizeof(to_target));
	memcpy(d->bytes + d->l->next_offset, &to_next, sizeof(to_next));
	return d->len;
}

uint32_t xt_build(unsigned char bytes[static XT_RULE_MAX], const struct xt_table *t,
		  const struct xt_rule *rule)
{
	struct draft d = {bytes, xt_layout(t), 0};
	uint32_t target;

	put_head(&d, rule);
	put_matches(&d, rule);
	target = d.len;
	put_target(&d, t, rule);
	return finish(&d, target);
}

uint32_t xt_build_chain(unsigned char bytes[static XT_RULE_MAX], const struct xt_table *t,
			const char *name)
{
	const struct xt_rule end = {.what = XT_DO_RETURN};
	struct draft d = {bytes, xt_layout(t), 0};
	char title[XT_FUNCTION_MAXNAMELEN] = "";
	_Alignas(8) unsigned char last[XT_RULE_MAX];
	uint32_t n;

	strncat(title, name, sizeof(title) - 1);
	put_head(&d, &end);
	put_extension(&d, XT_ERROR_TARGET, 0, title, sizeof(title));
	finish(&d, d.l->head);
	n = xt_build(last, t, &end);
	memcpy(bytes + d.len, last, n);
	return d.len + n;
}
