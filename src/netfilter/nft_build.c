/* The expressions of nft.h. */
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <net/if.h>
#include <string.h>

#include "netfilter/nft.h"

bool nft_expr_open(struct nl_batch *b, const char *name)
{
	nl_nest_open(b, NFTA_LIST_ELEM);
	nl_str(b, NFTA_EXPR_NAME, name);
	return nl_nest_open(b, NFTA_EXPR_DATA);
}

bool nft_expr_close(struct nl_batch *b)
{
	nl_nest_close(b);
	return nl_nest_close(b);
}

static void put_value(struct nl_batch *b, uint16_t type, const void *data, size_t len)
{
	nl_nest(b, type)
		nl_put(b, NFTA_DATA_VALUE, data, len);
}

void nft_payload(struct nl_batch *b, enum nft_payload_bases base, uint32_t offset, uint32_t len)
{
	nft_payload_to(b, NFT_REG_1, base, offset, len);
}

void nft_payload_to(struct nl_batch *b, enum nft_registers to, enum nft_payload_bases base,
		    uint32_t offset, uint32_t len)
{
	nft_expr(b, "payload") {
		nl_be32(b, NFTA_PAYLOAD_DREG, to);
		nl_be32(b, NFTA_PAYLOAD_BASE, base);
		nl_be32(b, NFTA_PAYLOAD_OFFSET, offset);
		nl_be32(b, NFTA_PAYLOAD_LEN, len);
	}
}

void nft_meta(struct nl_batch *b, enum nft_meta_keys key)
{
	nft_meta_to(b, NFT_REG_1, key);
}

void nft_meta_to(struct nl_batch *b, enum nft_registers to, enum nft_meta_keys key)
{
	nft_expr(b, "meta") {
		nl_be32(b, NFTA_META_KEY, key);
		nl_be32(b, NFTA_META_DREG, to);
	}
}

void nft_bitwise(struct nl_batch *b, const void *mask, const void *flip, size_t len)
{
	nft_expr(b, "bitwise") {
		nl_be32(b, NFTA_BITWISE_SREG, NFT_REG_1);
		nl_be32(b, NFTA_BITWISE_DREG, NFT_REG_1);
		nl_be32(b, NFTA_BITWISE_LEN, (uint32_t)len);
		put_value(b, NFTA_BITWISE_MASK, mask, len);
		put_value(b, NFTA_BITWISE_XOR, flip, len);
	}
}

void nft_cmp(struct nl_batch *b, enum nft_cmp_ops cmp, const void *data, size_t len)
{
	nft_expr(b, "cmp") {
		nl_be32(b, NFTA_CMP_SREG, NFT_REG_1);
		nl_be32(b, NFTA_CMP_OP, cmp);
		put_value(b, NFTA_CMP_DATA, data, len);
	}
}

void nft_counter(struct nl_batch *b)
{
	nft_expr(b, "counter") {
		nl_be64(b, NFTA_COUNTER_BYTES, 0);
		nl_be64(b, NFTA_COUNTER_PACKETS, 0);
	}
}

static void put_verdict(struct nl_batch *b, uint32_t code, const char *chain)
{
	nft_expr(b, "immediate") {
		nl_be32(b, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
		nl_nest(b, NFTA_IMMEDIATE_DATA) {
			nl_nest(b, NFTA_DATA_VERDICT) {
				nl_be32(b, NFTA_VERDICT_CODE, code);
				if (chain)
					nl_str(b, NFTA_VERDICT_CHAIN, chain);
			}
		}
	}
}

void nft_verdict(struct nl_batch *b, uint32_t code)
{
	put_verdict(b, code, NULL);
}

void nft_jump(struct nl_batch *b, const char *chain)
{
	put_verdict(b, (uint32_t)NFT_JUMP, chain);
}

void nft_masq(struct nl_batch *b, uint32_t flags)
{
	nft_expr(b, "masq")
		nl_be32(b, NFTA_MASQ_FLAGS, flags);
}

void nft_dnat(struct nl_batch *b, uint8_t family, uint32_t address, uint32_t port)
{
	nft_expr(b, "nat") {
		nl_be32(b, NFTA_NAT_TYPE, NFT_NAT_DNAT);
		nl_be32(b, NFTA_NAT_FAMILY, family);
		nl_be32(b, NFTA_NAT_REG_ADDR_MIN, address);
		nl_be32(b, NFTA_NAT_REG_PROTO_MIN, port);
	}
}

void nft_look_up(struct nl_batch *b, const char *set, enum nft_lookup what)
{
	nft_expr(b, "lookup") {
		nl_be32(b, NFTA_LOOKUP_SREG, NFT_REG_1);
		if (what == NFT_VALUE)
			nl_be32(b, NFTA_LOOKUP_DREG, NFT_REG_1);
		nl_str(b, NFTA_LOOKUP_SET, set);
		if (what == NFT_NOT_IN)
			nl_be32(b, NFTA_LOOKUP_FLAGS, NFT_LOOKUP_F_INV);
	}
}

void nft_set_mark(struct nl_batch *b, uint32_t bits)
{
	uint32_t keep = ~bits;

	nft_meta(b, NFT_META_MARK);
	nft_bitwise(b, &keep, &bits, sizeof(bits));
	nft_expr(b, "meta") {
		nl_be32(b, NFTA_META_KEY, NFT_META_MARK);
		nl_be32(b, NFTA_META_SREG, NFT_REG_1);
	}
}

void nft_match_mark(struct nl_batch *b, uint32_t bits)
{
	const uint32_t none = 0;

	nft_meta(b, NFT_META_MARK);
	nft_bitwise(b, &bits, &none, sizeof(bits));
	nft_cmp(b, NFT_CMP_EQ, &bits, sizeof(bits));
}

void nft_match_local(struct nl_batch *b)
{
	const uint32_t local = 2; /* RTN_LOCAL, of linux/rtnetlink.h */

	nft_expr(b, "fib") {
		nl_be32(b, NFTA_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE);
		nl_be32(b, NFTA_FIB_FLAGS, NFTA_FIB_F_DADDR);
		nl_be32(b, NFTA_FIB_DREG, NFT_REG_1);
	}
	nft_cmp(b, NFT_CMP_EQ, &local, sizeof(local));
}

void nft_match_extension(struct nl_batch *b, const char *name, uint32_t revision, const void *info,
			 size_t len)
{
	nft_expr(b, "match") {
		nl_str(b, NFTA_MATCH_NAME, name);
		nl_be32(b, NFTA_MATCH_REV, revision);
		nl_put(b, NFTA_MATCH_INFO, info, len);
	}
}

uint32_t nft_address_offset(uint8_t ip_family, enum nft_side side)
{
	/* RFC 791 section 3.1, RFC 8200 section 3. */
	if (ip_family == 6)
		return side == NFT_SOURCE ? 8 : 24;
	return side == NFT_SOURCE ? 12 : 16;
}

/* As iptables-nft 1.8.9 and nft do: whole bytes are loaded short, anything else is masked. */
void nft_match_prefix(struct nl_batch *b, enum nft_side side, enum nft_cmp_ops cmp,
		      const struct prefix *p)
{
	struct prefix network = prefix_network(p);
	struct prefix ones = {.ip.family = p->ip.family, .len = p->len};
	static const unsigned char zero[sizeof(p->ip.b)];
	bool masked = p->len % 8 || p->len == 0;
	size_t size = masked ? ip_size(&p->ip) : p->len / 8u;

	if (p->len == 0 && cmp == NFT_CMP_EQ)
		return;
	nft_payload(b, NFT_PAYLOAD_NETWORK_HEADER, nft_address_offset(p->ip.family, side),
		    (uint32_t)size);
	if (masked) {
		memset(ones.ip.b, 0xff, sizeof(ones.ip.b));
		ones = prefix_network(&ones);
		nft_bitwise(b, ones.ip.b, zero, size);
	}
	nft_cmp(b, cmp, network.ip.b, size);
}

void nft_match_ifname(struct nl_batch *b, enum nft_meta_keys key, enum nft_cmp_ops cmp,
		      const char *name)
{
	char padded[IFNAMSIZ] = "";

	memcpy(padded, name, strnlen(name, sizeof(padded) - 1));
	nft_meta(b, key);
	nft_cmp(b, cmp, padded, sizeof(padded));
}

void nft_match_ifname_short(struct nl_batch *b, enum nft_meta_keys key, enum nft_cmp_ops cmp,
			    const char *name)
{
	nft_meta(b, key);
	nft_cmp(b, cmp, name, strnlen(name, IFNAMSIZ - 1) + 1);
}
