#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <string.h>

#include "base/compiler.h"
#include "netfilter/nft.h"
#include "netfilter/nft_read.h"
#include "netlink/attr.h"

/* What register reg holds, as far as it is known: loads are followed by their comparison. */
struct load {
	enum { LOAD_NOTHING, LOAD_SOURCE, LOAD_DESTINATION, LOAD_META } what;
	uint32_t reg;
	uint32_t key;  /* of meta */
	uint32_t size; /* bytes of an address that were loaded */
	uint8_t bits;  /* of it that are compared */
};

struct reading {
	struct nft_rule *rule;
	struct load load;
};

typedef void read_fn(struct reading *r, const struct nlattr *data);

static const void *value_of(const struct nlattr *nest, size_t *len)
{
	const struct nlattr *tb[NFTA_DATA_MAX + 1];

	nl_attrs_in(tb, NFTA_DATA_MAX, nest);
	return nl_data(tb[NFTA_DATA_VALUE], len);
}

/* --- loads ------------------------------------------------------------------------------------ */

static bool load_address(struct load *l, uint32_t offset, uint32_t size, uint8_t ip_family)
{
	if (size == 0 || size > (ip_family == 6 ? 16u : 4u))
		return false;
	if (offset == nft_address_offset(ip_family, NFT_SOURCE))
		l->what = LOAD_SOURCE;
	else if (offset == nft_address_offset(ip_family, NFT_DESTINATION))
		l->what = LOAD_DESTINATION;
	else
		return false;
	l->size = size;
	l->bits = (uint8_t)(size * 8);
	return true;
}

static void read_payload(struct reading *r, const struct nlattr *data)
{
	const struct nlattr *tb[NFTA_PAYLOAD_MAX + 1];
	uint8_t ip_family = nft_rule_ip_family(r->rule);

	nl_attrs_in(tb, NFTA_PAYLOAD_MAX, data);
	r->load = (struct load){.reg = nl_get_be32(tb[NFTA_PAYLOAD_DREG])};
	if (!tb[NFTA_PAYLOAD_DREG] || ip_family == 0 ||
	    nl_get_be32(tb[NFTA_PAYLOAD_BASE]) != NFT_PAYLOAD_NETWORK_HEADER ||
	    !load_address(&r->load, nl_get_be32(tb[NFTA_PAYLOAD_OFFSET]),
			  nl_get_be32(tb[NFTA_PAYLOAD_LEN]), ip_family))
		r->rule->other = true;
}

static void read_meta(struct reading *r, const struct nlattr *data)
{
	const struct nlattr *tb[NFTA_META_MAX + 1];

	nl_attrs_in(tb, NFTA_META_MAX, data);
	r->load = (struct load){.what = LOAD_META,
				.reg = nl_get_be32(tb[NFTA_META_DREG]),
				.key = nl_get_be32(tb[NFTA_META_KEY])};
}

int nft_mask_bits(const uint8_t *mask, size_t len)
{
	size_t bits = 0;

	while (bits < len * 8 && mask[bits / 8] & 0x80 >> bits % 8)
		bits++;
	for (size_t i = bits; i < len * 8; i++)
		if (mask[i / 8] & 0x80 >> i % 8)
			return -1;
	return (int)bits;
}

static bool all_zero(const uint8_t *p, size_t len)
{
	while (len > 0 && *p == 0)
		p++, len--;
	return len == 0;
}

/* The mask of a prefix laid over a loaded address. */
static bool apply_mask(struct load *l, const struct nlattr **tb)
{
	size_t mask_len, xor_len;
	const uint8_t *mask = value_of(tb[NFTA_BITWISE_MASK], &mask_len);
	const uint8_t *flip = value_of(tb[NFTA_BITWISE_XOR], &xor_len);
	int bits;

	if ((l->what != LOAD_SOURCE && l->what != LOAD_DESTINATION) ||
	    nl_get_be32(tb[NFTA_BITWISE_SREG]) != l->reg ||
	    nl_get_be32(tb[NFTA_BITWISE_DREG]) != l->reg || mask_len != l->size ||
	    !all_zero(flip, xor_len))
		return false;
	bits = nft_mask_bits(mask, mask_len);
	if (bits < 0)
		return false;
	l->bits = (uint8_t)bits;
	return true;
}

static void read_bitwise(struct reading *r, const struct nlattr *data)
{
	const struct nlattr *tb[NFTA_BITWISE_DATA + 1];

	nl_attrs_in(tb, NFTA_BITWISE_DATA, data);
	if (nl_get_be32(tb[NFTA_BITWISE_OP]) == NFT_BITWISE_BOOL && apply_mask(&r->load, tb))
		return;
	r->load.what = LOAD_NOTHING;
	r->rule->other = true;
}

/* --- conditions ------------------------------------------------------------------------------- */

static bool note_address(struct nft_match_address *m, const struct load *l, uint8_t ip_family,
			 bool negated, const void *value, size_t len)
{
	struct prefix p = {.ip.family = ip_family, .len = l->bits};
	struct prefix network;

	if (m->set || len != l->size)
		return false;
	memcpy(p.ip.b, value, len);
	network = prefix_network(&p);
	if (!prefix_equal(&network, &p)) /* bits that the mask clears: equal to nothing */
		return false;
	*m = (struct nft_match_address){.set = true, .negated = negated, .prefix = p};
	return true;
}

/* nft pads a name with zeros, iptables ends it with one; without any it is the begin of names. */
static bool note_name(struct nft_match_name *m, bool negated, const char *value, size_t len)
{
	if (m->name || len == 0 || value[len - 1] != '\0')
		return false;
	m->negated = negated;
	m->name = value;
	return true;
}

static bool note_meta(struct nft_rule *rule, uint32_t key, bool negated, const void *value,
		      size_t len)
{
	if (key == NFT_META_IIFNAME)
		return note_name(&rule->iifname, negated, value, len);
	if (key == NFT_META_OIFNAME)
		return note_name(&rule->oifname, negated, value, len);
	if (key != NFT_META_NFPROTO || negated || rule->only || len == 0)
		return false;
	rule->only = *(const uint8_t *)value;
	return rule->only == NFPROTO_IPV4 || rule->only == NFPROTO_IPV6;
}

static bool note_condition(struct reading *r, const struct nlattr **tb)
{
	size_t len;
	const void *value = value_of(tb[NFTA_CMP_DATA], &len);
	uint32_t op = nl_get_be32(tb[NFTA_CMP_OP]);
	bool negated = op == NFT_CMP_NEQ;

	if (!value || !tb[NFTA_CMP_OP] || nl_get_be32(tb[NFTA_CMP_SREG]) != r->load.reg ||
	    (op != NFT_CMP_EQ && op != NFT_CMP_NEQ))
		return false;
	switch (r->load.what) {
	case LOAD_NOTHING:
		return false;
	case LOAD_SOURCE:
		return note_address(&r->rule->source, &r->load, nft_rule_ip_family(r->rule),
				    negated, value, len);
	case LOAD_DESTINATION:
		return note_address(&r->rule->destination, &r->load, nft_rule_ip_family(r->rule),
				    negated, value, len);
	case LOAD_META:
		return note_meta(r->rule, r->load.key, negated, value, len);
	}
	return false;
}

static void read_cmp(struct reading *r, const struct nlattr *data)
{
	const struct nlattr *tb[NFTA_CMP_MAX + 1];

	nl_attrs_in(tb, NFTA_CMP_MAX, data);
	if (!note_condition(r, tb))
		r->rule->other = true;
}

void nft_read_match(struct nft_rule *rule, const char *name, const void *data, size_t len)
{
	if (strcmp(name, "comment") == 0) {
		if (data && memchr(data, '\0', len))
			rule->xt_comment = data;
		return;
	}
	rule->other = true;
	rule->extension = name;
	rule->extension_data = data;
	rule->extension_len = len;
}

static void read_match(struct reading *r, const struct nlattr *data)
{
	const struct nlattr *tb[NFTA_MATCH_MAX + 1];
	const void *info;
	size_t len;

	nl_attrs_in(tb, NFTA_MATCH_MAX, data);
	info = nl_data(tb[NFTA_MATCH_INFO], &len);
	nft_read_match(r->rule, nl_get_str(tb[NFTA_MATCH_NAME]), info, len);
}

/* --- what the rule does ----------------------------------------------------------------------- */

static void read_immediate(struct reading *r, const struct nlattr *data)
{
	const struct nlattr *tb[NFTA_IMMEDIATE_MAX + 1];
	const struct nlattr *in[NFTA_DATA_MAX + 1];
	const struct nlattr *verdict[NFTA_VERDICT_MAX + 1];
	int32_t code;

	nl_attrs_in(tb, NFTA_IMMEDIATE_MAX, data);
	nl_attrs_in(in, NFTA_DATA_MAX, tb[NFTA_IMMEDIATE_DATA]);
	nl_attrs_in(verdict, NFTA_VERDICT_MAX, in[NFTA_DATA_VERDICT]);
	if (!verdict[NFTA_VERDICT_CODE]) /* an operand, of snat for one */
		return;
	code = (int32_t)nl_get_be32(verdict[NFTA_VERDICT_CODE]);
	if (code == NF_ACCEPT) {
		r->rule->action = NFT_ACTION_ACCEPT;
	} else if (code >= 0 && (code & 0xff) == NF_DROP) { /* NF_DROP_ERR above */
		r->rule->action = NFT_ACTION_DROP;
	} else if (code == NFT_JUMP || code == NFT_GOTO) {
		r->rule->action = NFT_ACTION_JUMP;
		r->rule->target = nl_get_str(verdict[NFTA_VERDICT_CHAIN]);
	} else if (code == NFT_RETURN) {
		r->rule->action = NFT_ACTION_RETURN;
	}
}

static void read_reject(struct reading *r, const struct nlattr *data)
{
	(void)data;
	r->rule->action = NFT_ACTION_REJECT;
}

static void read_masq(struct reading *r, const struct nlattr *data)
{
	(void)data;
	r->rule->action = NFT_ACTION_MASQUERADE;
}

static void read_nat(struct reading *r, const struct nlattr *data)
{
	const struct nlattr *tb[NFTA_NAT_MAX + 1];

	nl_attrs_in(tb, NFTA_NAT_MAX, data);
	if (tb[NFTA_NAT_TYPE] && nl_get_be32(tb[NFTA_NAT_TYPE]) == NFT_NAT_SNAT)
		r->rule->action = NFT_ACTION_SNAT;
}

void nft_read_target(struct nft_rule *rule, const char *name)
{
	static const struct {
		const char *name;
		enum nft_action action;
	} known[] = {
		{"REJECT", NFT_ACTION_REJECT},
		{"MASQUERADE", NFT_ACTION_MASQUERADE},
		{"SNAT", NFT_ACTION_SNAT},
	};

	rule->action = NFT_ACTION_TARGET;
	rule->target = name;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (strcmp(name, known[i].name) == 0)
			rule->action = known[i].action;
}

static void read_target(struct reading *r, const struct nlattr *data)
{
	const struct nlattr *tb[NFTA_TARGET_MAX + 1];

	nl_attrs_in(tb, NFTA_TARGET_MAX, data);
	nft_read_target(r->rule, nl_get_str(tb[NFTA_TARGET_NAME]));
}

static void read_nothing(struct reading *r, const struct nlattr *data)
{
	(void)r;
	(void)data;
}

void nft_read_expressions(struct nft_rule *rule, const struct nlattr *expressions)
{
	static const struct {
		const char *name;
		read_fn *read;
	} known[] = {
		{"payload", read_payload}, {"meta", read_meta},	      {"bitwise", read_bitwise},
		{"cmp", read_cmp},	   {"match", read_match},     {"immediate", read_immediate},
		{"reject", read_reject},   {"masq", read_masq},	      {"nat", read_nat},
		{"target", read_target},   {"counter", read_nothing}, {"log", read_nothing},
		{"last", read_nothing},
	};
	struct reading r = {.rule = rule};

	for (const struct nlattr *x = nl_first(expressions); x; x = nl_following(expressions, x)) {
		const struct nlattr *tb[NFTA_EXPR_MAX + 1];
		size_t i;

		nl_attrs_in(tb, NFTA_EXPR_MAX, x);
		for (i = 0; i < ARRAY_SIZE(known); i++)
			if (strcmp(nl_get_str(tb[NFTA_EXPR_NAME]), known[i].name) == 0)
				break;
		if (i < ARRAY_SIZE(known))
			known[i].read(&r, tb[NFTA_EXPR_DATA]);
		else
			rule->other = true;
	}
}
