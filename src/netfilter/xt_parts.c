/* What a rule of a legacy table has beyond addresses and interfaces: matches, targets, chains. */
#include <linux/netfilter.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/x_tables.h>
#include <linux/netfilter/xt_addrtype.h>
#include <linux/netfilter/xt_comment.h>
#include <linux/netfilter/xt_mark.h>
#include <linux/netfilter/xt_multiport.h>
#include <linux/netfilter/xt_sctp.h>
#include <linux/netfilter/xt_tcpudp.h>
#include <stdio.h>

#include "netfilter/xt_layout.h"

_Static_assert(XT_PORTS_MAX == XT_MULTI_PORTS, "ABI");

enum { TCP = 6, UDP = 17, SCTP = 132 };

static void put_ports(struct xt_draft *d, const struct xt_rule *rule)
{
	struct xt_multiport_v1 list = {.flags = XT_MULTIPORT_DESTINATION};

	for (unsigned i = 0; i < rule->port_count && i < XT_PORTS_MAX; i++)
		list.ports[list.count++] = rule->ports[i];
	xt_put_extension(d, "multiport", 1, &list, sizeof(list));
}

static void put_port(struct xt_draft *d, const struct xt_rule *rule)
{
	struct xt_tcp tcp = {.spts = {0, 0xffff}, .dpts = {rule->port, rule->port}};
	struct xt_udp udp;
	struct xt_sctp_info sctp = {.dpts = {rule->port, rule->port}, .flags = XT_SCTP_DEST_PORTS};

	memset(&udp, 0, sizeof(udp));
	udp.spts[1] = 0xffff;
	udp.dpts[0] = udp.dpts[1] = rule->port;
	/* As iptables has them where no chunk is asked for. */
	for (unsigned i = 0; i < XT_NUM_SCTP_FLAGS; i++)
		sctp.flag_info[i].chunktype = 0xff;
	if (rule->proto == TCP)
		xt_put_extension(d, "tcp", 0, &tcp, sizeof(tcp));
	else if (rule->proto == UDP)
		xt_put_extension(d, "udp", 0, &udp, sizeof(udp));
	else
		xt_put_extension(d, "sctp", 0, &sctp, sizeof(sctp));
}

/* In the order in which the reference's plugins name them. */
static void put_matches(struct xt_draft *d, const struct xt_rule *rule)
{
	if (rule->state != XT_STATE_ANY) {
		unsigned char info[XT_STATE_BYTES];

		xt_state_write(info, rule->state);
		xt_put_extension(d, "conntrack", XT_STATE_REVISION, info, sizeof(info));
	}
	if (rule->comment) {
		struct xt_comment_info info = {.comment = ""};

		snprintf(info.comment, sizeof(info.comment), "%s", rule->comment);
		xt_put_extension(d, "comment", 0, &info, sizeof(info));
	}
	if (rule->local) {
		struct xt_addrtype_info_v1 info = {.dest = XT_ADDRTYPE_LOCAL};

		xt_put_extension(d, "addrtype", 1, &info, sizeof(info));
	}
	if (rule->marked) {
		struct xt_mark_mtinfo1 info;

		memset(&info, 0, sizeof(info));
		info.mark = info.mask = rule->marked;
		xt_put_extension(d, "mark", 1, &info, sizeof(info));
	}
	if (rule->port_count)
		put_ports(d, rule);
	if (rule->port)
		put_port(d, rule);
}

static uint16_t big_endian(uint16_t n)
{
	uint8_t bytes[2] = {(uint8_t)(n >> 8), (uint8_t)n};

	memcpy(&n, bytes, sizeof(n));
	return n;
}

static void put_dnat(struct xt_draft *d, const struct xt_rule *rule)
{
	struct nf_nat_range2 range;

	memset(&range, 0,
	       sizeof(range)); /* what is between and behind its fields is compared, too */
	range.flags = NF_NAT_RANGE_MAP_IPS | NF_NAT_RANGE_PROTO_SPECIFIED;
	memcpy(&range.min_addr, rule->to.b, d->l->address);
	memcpy(&range.max_addr, rule->to.b, d->l->address);
	range.min_proto.all = range.max_proto.all = big_endian(rule->to_port);
	xt_put_extension(d, "DNAT", 2, &range, sizeof(range));
}

/* Gives false for what needs nothing of this file. */
static bool put_target(struct xt_draft *d, const struct xt_table *t, const struct xt_rule *rule)
{
	struct xt_mark_tginfo2 bits = {rule->bits, rule->bits};
	struct xt_chain chain = {0};

	switch (rule->what) {
	case XT_DO_ACCEPT:
	case XT_DO_MASQUERADE:
		return false;
	case XT_DO_DROP:
		xt_put_verdict(d, -1 - NF_DROP);
		break;
	case XT_DO_RETURN:
		xt_put_verdict(d, XT_RETURN);
		break;
	case XT_DO_JUMP:
		xt_chain(t, rule->chain, &chain);
		xt_put_verdict(d, (int32_t)chain.begin);
		break;
	case XT_DO_MARK:
		xt_put_extension(d, "MARK", 2, &bits, sizeof(bits));
		break;
	case XT_DO_DNAT:
		put_dnat(d, rule);
		break;
	}
	return true;
}

const struct xt_parts xt_parts = {put_matches, put_target};

uint32_t xt_build_chain(unsigned char bytes[static XT_RULE_MAX], const struct xt_table *t,
			const char *name)
{
	const struct xt_rule end = {.what = XT_DO_RETURN, .parts = &xt_parts};
	struct xt_draft d = {bytes, xt_layout(t), 0};
	char title[XT_FUNCTION_MAXNAMELEN] = "";
	_Alignas(8) unsigned char last[XT_RULE_MAX];
	uint32_t n;

	snprintf(title, sizeof(title), "%s", name);
	xt_put_head(&d, &end);
	xt_put_extension(&d, XT_ERROR_TARGET, 0, title, sizeof(title));
	xt_finish(&d, d.l->head);
	n = xt_build(last, t, &end);
	memcpy(bytes + d.len, last, n);
	return d.len + n;
}
