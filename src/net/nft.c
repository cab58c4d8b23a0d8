#include "net/nft.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <string.h>

#include "net/nft_read.h"

#define MASK_MAX 16 /* bytes of the longest address */

uint8_t nft_family(uint8_t ip_family)
{
	return ip_family == 6 ? NFPROTO_IPV6 : NFPROTO_IPV4;
}

static void begin(struct nl_batch *b, const char *label, unsigned type, uint16_t flags,
		  uint8_t family, uint16_t resource)
{
	struct nfgenmsg head = {
		.nfgen_family = family, .version = NFNETLINK_V0, .res_id = htons(resource)};

	nl_op(b, label, (uint16_t)type, flags);
	nl_head(b, &head, sizeof(head));
}

void nft_op(struct nl_batch *b, const char *label, unsigned type, uint16_t flags, uint8_t family)
{
	begin(b, label, NFNL_SUBSYS_NFTABLES << 8 | type, flags, family, 0);
}

/* --- changes ---------------------------------------------------------------------------------- */

void nft_begin(struct nl_batch *b, uint32_t generation)
{
	begin(b, "begin a change of rules", NFNL_MSG_BATCH_BEGIN, 0, 0, NFNL_SUBSYS_NFTABLES);
	if (generation)
		nl_be32(b, NFNL_BATCH_GENID, generation);
}

void nft_end(struct nl_batch *b)
{
	begin(b, "end a change of rules", NFNL_MSG_BATCH_END, 0, 0, NFNL_SUBSYS_NFTABLES);
	/* nfnetlink acknowledges it since Linux 6.10 only: let the last change be waited for. */
	b->silent = 1;
}

bool nft_overtaken(struct err *e)
{
	/* ERESTART: the generation passed; EINTR: a dump changed while it was read. */
	if (e->sys != ERESTART && e->sys != EINTR)
		return false;
	err_clear(e);
	return true;
}

void nft_table(struct nl_batch *b, const struct nft_at *at)
{
	nft_op(b, "create table", NFT_MSG_NEWTABLE, NLM_F_CREATE, at->family);
	nl_str(b, NFTA_TABLE_NAME, at->table);
	nl_be32(b, NFTA_TABLE_FLAGS, 0);
}

void nft_delete_table(struct nl_batch *b, const struct nft_at *at)
{
	nft_op(b, "delete table", NFT_MSG_DELTABLE, 0, at->family);
	nl_str(b, NFTA_TABLE_NAME, at->table);
}

void nft_base_chain(struct nl_batch *b, const struct nft_at *at, const char *type, uint32_t hook,
		    int32_t priority)
{
	nft_op(b, "create chain", NFT_MSG_NEWCHAIN, NLM_F_CREATE, at->family);
	nl_str(b, NFTA_CHAIN_TABLE, at->table);
	nl_str(b, NFTA_CHAIN_NAME, at->chain);
	nl_str(b, NFTA_CHAIN_TYPE, type);
	nl_be32(b, NFTA_CHAIN_POLICY, NF_ACCEPT);
	nl_nest(b, NFTA_CHAIN_HOOK) {
		nl_be32(b, NFTA_HOOK_HOOKNUM, hook);
		nl_be32(b, NFTA_HOOK_PRIORITY, (uint32_t)priority);
	}
}

static void put_rule_place(struct nl_batch *b, const struct nft_at *at)
{
	nl_str(b, NFTA_RULE_TABLE, at->table);
	if (at->chain)
		nl_str(b, NFTA_RULE_CHAIN, at->chain);
}

void nft_flush_chain(struct nl_batch *b, const struct nft_at *at)
{
	nft_op(b, "flush chain", NFT_MSG_DELRULE, 0, at->family);
	put_rule_place(b, at);
}

void nft_delete_chain(struct nl_batch *b, const struct nft_at *at)
{
	nft_op(b, "delete chain", NFT_MSG_DELCHAIN, 0, at->family);
	nl_str(b, NFTA_CHAIN_TABLE, at->table);
	nl_str(b, NFTA_CHAIN_NAME, at->chain);
}

void nft_append_rule(struct nl_batch *b, const char *label, const struct nft_at *at)
{
	nft_op(b, label, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND, at->family);
	put_rule_place(b, at);
}

void nft_insert_rule(struct nl_batch *b, const char *label, const struct nft_at *at,
		     uint64_t before)
{
	nft_op(b, label, NFT_MSG_NEWRULE, NLM_F_CREATE, at->family);
	put_rule_place(b, at);
	nl_be64(b, NFTA_RULE_POSITION, before);
}

void nft_delete_rule(struct nl_batch *b, const char *label, const struct nft_at *at,
		     uint64_t handle)
{
	nft_op(b, label, NFT_MSG_DELRULE, 0, at->family);
	put_rule_place(b, at);
	nl_be64(b, NFTA_RULE_HANDLE, handle);
}

/* FNV-1a: to tell versions of a rule apart, not to withstand anybody. */
static uint64_t digest(const unsigned char *p, const unsigned char *end)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (; p < end; p++)
		h = (h ^ *p) * 0x100000001b3u;
	return h;
}

/* One of libnftnl's type-length-value entries (nftnl_udata). Gives the place after it. */
static unsigned char *put_entry(unsigned char *p, uint8_t type, const void *value, size_t len)
{
	p[0] = type;
	p[1] = (uint8_t)len;
	memcpy(p + 2, value, len);
	return p + 2 + len;
}

void nft_mark_rule(struct nl_batch *b, const char *comment)
{
	unsigned char data[NFT_USERDATA_MAXLEN];
	unsigned char *end = data;
	struct nft_mark mark = {.magic = NFT_MARK_MAGIC};

	if (b->fault || b->ops == 0)
		return;
	mark.digest = digest(b->buf + b->start[b->ops - 1] + NLMSG_HDRLEN, b->buf + b->len);
	if (comment) {
		char text[NFT_COMMENT_MAX + 1] = "";

		strncat(text, comment, NFT_COMMENT_MAX);
		end = put_entry(end, NFT_UDATA_COMMENT, text, strlen(text) + 1);
	}
	end = put_entry(end, NFT_UDATA_MARK, &mark, sizeof(mark));
	nl_put(b, NFTA_RULE_USERDATA, data, (size_t)(end - data));
}

/* --- expressions ------------------------------------------------------------------------------ */

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
	nft_expr(b, "meta") {
		nl_be32(b, NFTA_META_KEY, key);
		nl_be32(b, NFTA_META_DREG, NFT_REG_1);
	}
}

void nft_bitwise(struct nl_batch *b, const void *mask, size_t len)
{
	static const unsigned char zero[MASK_MAX];

	nft_expr(b, "bitwise") {
		nl_be32(b, NFTA_BITWISE_SREG, NFT_REG_1);
		nl_be32(b, NFTA_BITWISE_DREG, NFT_REG_1);
		nl_be32(b, NFTA_BITWISE_LEN, (uint32_t)len);
		put_value(b, NFTA_BITWISE_MASK, mask, len);
		put_value(b, NFTA_BITWISE_XOR, zero, len < MASK_MAX ? len : MASK_MAX);
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

void nft_verdict(struct nl_batch *b, uint32_t code)
{
	nft_expr(b, "immediate") {
		nl_be32(b, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
		nl_nest(b, NFTA_IMMEDIATE_DATA)
			nl_nest(b, NFTA_DATA_VERDICT)
				nl_be32(b, NFTA_VERDICT_CODE, code);
	}
}

void nft_masq(struct nl_batch *b, uint32_t flags)
{
	nft_expr(b, "masq")
		nl_be32(b, NFTA_MASQ_FLAGS, flags);
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
	bool masked = p->len % 8 || p->len == 0;
	size_t size = masked ? ip_size(&p->ip) : p->len / 8u;

	if (p->len == 0 && cmp == NFT_CMP_EQ)
		return;
	nft_payload(b, NFT_PAYLOAD_NETWORK_HEADER, nft_address_offset(p->ip.family, side),
		    (uint32_t)size);
	if (masked) {
		memset(ones.ip.b, 0xff, sizeof(ones.ip.b));
		ones = prefix_network(&ones);
		nft_bitwise(b, ones.ip.b, size);
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

/* --- questions -------------------------------------------------------------------------------- */

void nft_get_generation(struct nl_batch *b)
{
	nft_op(b, "read the generation of the rules", NFT_MSG_GETGEN, 0, 0);
}

void nft_get_table(struct nl_batch *b, const struct nft_at *at)
{
	nft_op(b, "read table", NFT_MSG_GETTABLE, 0, at->family);
	nl_str(b, NFTA_TABLE_NAME, at->table);
}

void nft_get_chain(struct nl_batch *b, const struct nft_at *at)
{
	nft_op(b, "read chain", NFT_MSG_GETCHAIN, 0, at->family);
	nl_str(b, NFTA_CHAIN_TABLE, at->table);
	nl_str(b, NFTA_CHAIN_NAME, at->chain);
}

void nft_list_rules(struct nl_batch *b, const struct nft_at *at)
{
	nft_op(b, "list rules", NFT_MSG_GETRULE, NLM_F_DUMP, at->family);
	put_rule_place(b, at);
}

void nft_list_chains(struct nl_batch *b, uint8_t family)
{
	nft_op(b, "list chains", NFT_MSG_GETCHAIN, NLM_F_DUMP, family);
}

bool nft_unsupported(struct err *e)
{
	/* EINVAL is what nfnetlink_rcv_msg answers for a subsystem that is not there. */
	if (e->sys != EINVAL && e->sys != EOPNOTSUPP && e->sys != EPROTONOSUPPORT &&
	    e->sys != EAFNOSUPPORT)
		return false;
	err_clear(e);
	return true;
}
