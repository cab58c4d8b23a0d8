/* nf_tables' expressions that load registers with what is known of a packet, or change them. */
#include <arpa/inet.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "netfilter/nft.h"
#include "netfilter/nft_machine.h"
#include "netlink/attr.h"

#define NAME_BYTES    16
#define BRIDGE_FAMILY 7 /* NFPROTO_BRIDGE */

/* RFC 791 and RFC 8200: those fields of the header that are the same for every ping. */
static void network_header(const struct packet *p, uint8_t value[static 40],
			   uint8_t known[static 40])
{
	size_t source = p->source.family == 6 ? 8 : 12, n = ip_size(&p->source);
	size_t protocol = p->source.family == 6 ? 6 : 9;

	memset(value, 0, 40);
	memset(known, 0, 40);
	value[0] = p->source.family == 6 ? 0x60 : 0x45;
	known[0] = p->source.family == 6 ? 0xf0 : 0xff;
	value[protocol] = packet_protocol(p);
	known[protocol] = 0xff;
	memcpy(value + source, p->source.b, n);
	memcpy(value + source + n, p->destination.b, n);
	memset(known + source, 0xff, 2 * n);
}

void nft_load_payload(struct nft_machine *m, const struct nlattr *data)
{
	const struct nlattr *tb[NFTA_PAYLOAD_MAX + 1];
	uint8_t value[40] = {0}, known[40] = {0};
	uint32_t base, offset, len;

	nl_attrs_in(tb, NFTA_PAYLOAD_MAX, data);
	if (!tb[NFTA_PAYLOAD_DREG]) /* it writes */
		return;
	base = nl_get_be32(tb[NFTA_PAYLOAD_BASE]);
	offset = nl_get_be32(tb[NFTA_PAYLOAD_OFFSET]);
	len = nl_get_be32(tb[NFTA_PAYLOAD_LEN]);
	if (base == NFT_PAYLOAD_NETWORK_HEADER) {
		network_header(m->packet, value, known);
	} else if (base == NFT_PAYLOAD_TRANSPORT_HEADER) {
		value[0] = packet_icmp_type(m->packet);
		known[0] = known[1] = 0xff;
	}
	if (len > sizeof(value) || offset > sizeof(value) - len)
		nft_machine_forget(m, tb[NFTA_PAYLOAD_DREG],
				   len < REGISTER_BYTES ? len : REGISTER_BYTES);
	else
		nft_machine_load(m, tb[NFTA_PAYLOAD_DREG], value + offset, known + offset, len);
}

static void load_name(struct nft_machine *m, const struct nlattr *reg, const char *name)
{
	char padded[NAME_BYTES] = "";

	memcpy(padded, name, strnlen(name, sizeof(padded) - 1));
	nft_machine_load(m, reg, padded, NULL, sizeof(padded));
}

static void set_meta(struct nft_machine *m, uint32_t key, const struct nlattr *reg)
{
	static const uint8_t all[4] = {0xff, 0xff, 0xff, 0xff};
	int at = nft_machine_place(nl_get_be32(reg), 4);

	if (key != NFT_META_MARK || m->result.holds == ANSWER_NO)
		return;
	m->packet->mark_known &=
		m->result.holds == ANSWER_YES && at >= 0 && memcmp(m->known + at, all, 4) == 0;
	if (at >= 0)
		memcpy(&m->packet->mark, m->value + at, 4);
}

void nft_load_meta(struct nft_machine *m, const struct nlattr *data)
{
	const struct nlattr *tb[NFTA_META_MAX + 1], *reg;
	const struct packet *p = m->packet;
	const bool v6 = p->source.family == 6;
	uint16_t ethertype = htons(v6 ? 0x86dd : 0x0800);
	uint8_t nfproto = m->chain->family == BRIDGE_FAMILY ? BRIDGE_FAMILY
			  : v6				    ? NFPROTO_IPV6
							    : NFPROTO_IPV4;
	uint8_t l4proto = packet_protocol(p);

	nl_attrs_in(tb, NFTA_META_MAX, data);
	if (tb[NFTA_META_SREG]) {
		set_meta(m, nl_get_be32(tb[NFTA_META_KEY]), tb[NFTA_META_SREG]);
		return;
	}
	reg = tb[NFTA_META_DREG];
	switch (nl_get_be32(tb[NFTA_META_KEY])) {
	case NFT_META_PROTOCOL:
		nft_machine_load(m, reg, &ethertype, NULL, sizeof(ethertype));
		return;
	case NFT_META_NFPROTO:
		nft_machine_load(m, reg, &nfproto, NULL, 1);
		return;
	case NFT_META_L4PROTO:
		nft_machine_load(m, reg, &l4proto, NULL, 1);
		return;
	case NFT_META_IIF:
		nft_machine_load(m, reg, &p->iif_index, NULL, sizeof(p->iif_index));
		return;
	case NFT_META_OIF:
		nft_machine_load(m, reg, &p->oif_index, NULL, sizeof(p->oif_index));
		return;
	case NFT_META_IIFNAME:
		load_name(m, reg, p->iif);
		return;
	case NFT_META_OIFNAME:
		load_name(m, reg, p->oif);
		return;
	case NFT_META_BRI_IIFNAME:
	case NFT_META_BRI_OIFNAME:
		load_name(m, reg, p->bridge);
		return;
	case NFT_META_MARK:
		nft_machine_load(m, reg, &p->mark, p->mark_known ? NULL : (const uint8_t[4]){0}, 4);
		return;
	default:
		nft_machine_forget(m, reg, NAME_BYTES);
	}
}

/* Of nf_conntrack_common.h, which the state bits and the status bits come of. */
enum { STATE_ESTABLISHED = 1 << 1, STATE_NEW = 1 << 3, STATUS_DST_NAT = 1 << 5 };

void nft_load_ct(struct nft_machine *m, const struct nlattr *data)
{
	const struct nlattr *tb[NFTA_CT_MAX + 1], *reg;
	const struct packet *p = m->packet;
	uint32_t state = p->reply ? STATE_ESTABLISHED : STATE_NEW, none = 0,
		 status_known = STATUS_DST_NAT;
	uint8_t direction = p->reply;

	nl_attrs_in(tb, NFTA_CT_MAX, data);
	reg = tb[NFTA_CT_DREG];
	if (!reg) /* it sets */
		return;
	switch (nl_get_be32(tb[NFTA_CT_KEY])) {
	case NFT_CT_STATE:
		nft_machine_load(m, reg, &state, p->untracked ? (const uint8_t *)&none : NULL, 4);
		return;
	case NFT_CT_DIRECTION:
		nft_machine_load(m, reg, &direction, NULL, 1);
		return;
	case NFT_CT_STATUS: /* nothing translates its destination; the rest may be */
		nft_machine_load(m, reg, &none, (const uint8_t *)&status_known, 4);
		return;
	default:
		nft_machine_forget(m, reg, NAME_BYTES);
	}
}

void nft_load_fib(struct nft_machine *m, const struct nlattr *data)
{
	const struct nlattr *tb[NFTA_FIB_MAX + 1];
	uint32_t flags, type;

	nl_attrs_in(tb, NFTA_FIB_MAX, data);
	flags = nl_get_be32(tb[NFTA_FIB_FLAGS]);
	if (nl_get_be32(tb[NFTA_FIB_RESULT]) != NFT_FIB_RESULT_ADDRTYPE ||
	    (flags != NFTA_FIB_F_SADDR && flags != NFTA_FIB_F_DADDR)) {
		nft_machine_forget(m, tb[NFTA_FIB_DREG], 4);
		return;
	}
	type = (flags == NFTA_FIB_F_DADDR ? m->packet->to_local : m->packet->from_local)
		       ? RTN_LOCAL
		       : RTN_UNICAST;
	nft_machine_load(m, tb[NFTA_FIB_DREG], &type, NULL, 4);
}

/* --- changes ---------------------------------------------------------------------------------- */

void nft_change_bits(struct nft_machine *m, const struct nlattr *data)
{
	const struct nlattr *tb[NFTA_BITWISE_MAX + 1];
	uint32_t len;
	size_t mask_len, flip_len;
	const uint8_t *mask, *flip;
	int from, to;

	nl_attrs_in(tb, NFTA_BITWISE_MAX, data);
	len = nl_get_be32(tb[NFTA_BITWISE_LEN]);
	mask = nft_value(tb[NFTA_BITWISE_MASK], &mask_len);
	flip = nft_value(tb[NFTA_BITWISE_XOR], &flip_len);
	from = nft_machine_place(nl_get_be32(tb[NFTA_BITWISE_SREG]), len);
	to = nft_machine_place(nl_get_be32(tb[NFTA_BITWISE_DREG]), len);
	if (nl_get_be32(tb[NFTA_BITWISE_OP]) != NFT_BITWISE_MASK_XOR || from < 0 || to < 0 ||
	    mask_len != len || flip_len != len) {
		nft_machine_forget_all(m);
		return;
	}
	for (uint32_t i = 0; i < len; i++) {
		m->value[to + (int)i] = (m->value[from + (int)i] & mask[i]) ^ flip[i];
		m->known[to + (int)i] = m->known[from + (int)i] | (uint8_t)~mask[i];
	}
}

static void reverse(uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n / 2; i++) {
		uint8_t b = p[i];

		p[i] = p[n - 1 - i];
		p[n - 1 - i] = b;
	}
}

void nft_change_order(struct nft_machine *m, const struct nlattr *data)
{
	const struct nlattr *tb[NFTA_BYTEORDER_MAX + 1];
	uint32_t len, size;
	int from, to;

	nl_attrs_in(tb, NFTA_BYTEORDER_MAX, data);
	len = nl_get_be32(tb[NFTA_BYTEORDER_LEN]);
	size = nl_get_be32(tb[NFTA_BYTEORDER_SIZE]);
	from = nft_machine_place(nl_get_be32(tb[NFTA_BYTEORDER_SREG]), len);
	to = nft_machine_place(nl_get_be32(tb[NFTA_BYTEORDER_DREG]), len);
	if (from < 0 || to < 0 || (size != 2 && size != 4 && size != 8)) {
		nft_machine_forget_all(m);
		return;
	}
	memmove(m->value + to, m->value + from, len);
	memmove(m->known + to, m->known + from, len);
	for (uint32_t i = 0; i + size <= len; i += size) {
		reverse(m->value + to + i, size);
		reverse(m->known + to + i, size);
	}
}
