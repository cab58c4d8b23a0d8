#include "net/nft_match.h"

#include <arpa/inet.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>

#include "base/compiler.h"
#include "net/nft.h"
#include "net/xt_match.h"
#include "netlink/attr.h"

#define REGISTER_BYTES 64 /* NFT_REG_MAX registers of 16 bytes, or 16 of 4 */
#define NAME_BYTES     16
#define BRIDGE_FAMILY  7 /* NFPROTO_BRIDGE */

struct machine {
	struct nft_dump *dump;
	const struct nft_chain *chain;
	struct packet *packet;
	struct rule_result result;
	uint8_t value[REGISTER_BYTES];
	uint8_t known[REGISTER_BYTES]; /* bits that are */
};

typedef void expression_fn(struct machine *m, const struct nlattr *data);

/* --- registers -------------------------------------------------------------------------------- */

/* Offset of a register of that many bytes; -1: there is none such (or it is the verdict). */
static int place(uint32_t reg, size_t n)
{
	size_t at;

	if (reg >= NFT_REG_1 && reg <= NFT_REG_4)
		at = (reg - NFT_REG_1) * 16;
	else if (reg >= NFT_REG32_00 && reg <= NFT_REG32_15)
		at = (reg - NFT_REG32_00) * 4;
	else
		return -1;
	return n <= REGISTER_BYTES - at ? (int)at : -1;
}

static void forget_all(struct machine *m)
{
	memset(m->known, 0, sizeof(m->known));
}

static void forget(struct machine *m, const struct nlattr *reg, size_t n)
{
	int at = place(nl_get_be32(reg), n);

	if (at >= 0)
		memset(m->known + at, 0, n);
	else
		forget_all(m);
}

/* Load n bytes; the rest of the last word is zero, as the kernel has it. */
static void load(struct machine *m, const struct nlattr *reg, const void *value,
		 const uint8_t *known, size_t n)
{
	size_t whole = (n + 3) & ~(size_t)3;
	int at = place(nl_get_be32(reg), whole);

	if (at < 0) {
		forget_all(m);
		return;
	}
	memset(m->value + at, 0, whole);
	memset(m->known + at, 0xff, whole);
	memcpy(m->value + at, value, n);
	if (known)
		memcpy(m->known + at, known, n);
}

static void condition(struct machine *m, enum answer a)
{
	m->result.holds = answer_and(m->result.holds, a);
	m->result.unconditional = false;
}

static void unknown_condition(struct machine *m, const struct nlattr *data)
{
	(void)data;
	condition(m, ANSWER_MAYBE);
	forget_all(m);
}

static void no_condition(struct machine *m, const struct nlattr *data)
{
	(void)m, (void)data;
}

/* --- loads ------------------------------------------------------------------------------------ */

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

static void load_payload(struct machine *m, const struct nlattr *data)
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
		forget(m, tb[NFTA_PAYLOAD_DREG], len < REGISTER_BYTES ? len : REGISTER_BYTES);
	else
		load(m, tb[NFTA_PAYLOAD_DREG], value + offset, known + offset, len);
}

static void load_name(struct machine *m, const struct nlattr *reg, const char *name)
{
	char padded[NAME_BYTES] = "";

	memcpy(padded, name, strnlen(name, sizeof(padded) - 1));
	load(m, reg, padded, NULL, sizeof(padded));
}

static void set_meta(struct machine *m, uint32_t key, const struct nlattr *reg)
{
	static const uint8_t all[4] = {0xff, 0xff, 0xff, 0xff};
	int at = place(nl_get_be32(reg), 4);

	if (key != NFT_META_MARK || m->result.holds == ANSWER_NO)
		return;
	m->packet->mark_known &=
		m->result.holds == ANSWER_YES && at >= 0 && memcmp(m->known + at, all, 4) == 0;
	if (at >= 0)
		memcpy(&m->packet->mark, m->value + at, 4);
}

static void load_meta(struct machine *m, const struct nlattr *data)
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
		load(m, reg, &ethertype, NULL, sizeof(ethertype));
		return;
	case NFT_META_NFPROTO:
		load(m, reg, &nfproto, NULL, 1);
		return;
	case NFT_META_L4PROTO:
		load(m, reg, &l4proto, NULL, 1);
		return;
	case NFT_META_IIF:
		load(m, reg, &p->iif_index, NULL, sizeof(p->iif_index));
		return;
	case NFT_META_OIF:
		load(m, reg, &p->oif_index, NULL, sizeof(p->oif_index));
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
		load(m, reg, &p->mark, p->mark_known ? NULL : (const uint8_t[4]){0}, 4);
		return;
	default:
		forget(m, reg, NAME_BYTES);
	}
}

/* Of nf_conntrack_common.h, which the state bits and the status bits come of. */
enum { STATE_ESTABLISHED = 1 << 1, STATE_NEW = 1 << 3, STATUS_DST_NAT = 1 << 5 };

static void load_ct(struct machine *m, const struct nlattr *data)
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
		load(m, reg, &state, p->untracked ? (const uint8_t *)&none : NULL, 4);
		return;
	case NFT_CT_DIRECTION:
		load(m, reg, &direction, NULL, 1);
		return;
	case NFT_CT_STATUS: /* nothing translates its destination; the rest may be */
		load(m, reg, &none, (const uint8_t *)&status_known, 4);
		return;
	default:
		forget(m, reg, NAME_BYTES);
	}
}

static void load_fib(struct machine *m, const struct nlattr *data)
{
	const struct nlattr *tb[NFTA_FIB_MAX + 1];
	uint32_t flags, type;

	nl_attrs_in(tb, NFTA_FIB_MAX, data);
	flags = nl_get_be32(tb[NFTA_FIB_FLAGS]);
	if (nl_get_be32(tb[NFTA_FIB_RESULT]) != NFT_FIB_RESULT_ADDRTYPE ||
	    (flags != NFTA_FIB_F_SADDR && flags != NFTA_FIB_F_DADDR)) {
		forget(m, tb[NFTA_FIB_DREG], 4);
		return;
	}
	type = (flags == NFTA_FIB_F_DADDR ? m->packet->to_local : m->packet->from_local)
		       ? RTN_LOCAL
		       : RTN_UNICAST;
	load(m, tb[NFTA_FIB_DREG], &type, NULL, 4);
}

/* --- changes ---------------------------------------------------------------------------------- */

static void change_bits(struct machine *m, const struct nlattr *data)
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
	from = place(nl_get_be32(tb[NFTA_BITWISE_SREG]), len);
	to = place(nl_get_be32(tb[NFTA_BITWISE_DREG]), len);
	if (nl_get_be32(tb[NFTA_BITWISE_OP]) != NFT_BITWISE_MASK_XOR || from < 0 || to < 0 ||
	    mask_len != len || flip_len != len) {
		forget_all(m);
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

static void change_order(struct machine *m, const struct nlattr *data)
{
	const struct nlattr *tb[NFTA_BYTEORDER_MAX + 1];
	uint32_t len, size;
	int from, to;

	nl_attrs_in(tb, NFTA_BYTEORDER_MAX, data);
	len = nl_get_be32(tb[NFTA_BYTEORDER_LEN]);
	size = nl_get_be32(tb[NFTA_BYTEORDER_SIZE]);
	from = place(nl_get_be32(tb[NFTA_BYTEORDER_SREG]), len);
	to = place(nl_get_be32(tb[NFTA_BYTEORDER_DREG]), len);
	if (from < 0 || to < 0 || (size != 2 && size != 4 && size != 8)) {
		forget_all(m);
		return;
	}
	memmove(m->value + to, m->value + from, len);
	memmove(m->known + to, m->known + from, len);
	for (uint32_t i = 0; i + size <= len; i += size) {
		reverse(m->value + to + i, size);
		reverse(m->known + to + i, size);
	}
}

/* --- conditions ------------------------------------------------------------------------------- */

static enum answer equals(const struct machine *m, int at, const uint8_t *value, size_t n)
{
	enum answer a = ANSWER_YES;

	for (size_t i = 0; i < n; i++) {
		if ((m->value[(size_t)at + i] ^ value[i]) & m->known[(size_t)at + i])
			return ANSWER_NO;
		if (m->known[(size_t)at + i] != 0xff)
			a = ANSWER_MAYBE;
	}
	return a;
}

static bool is_known(const struct machine *m, int at, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (m->known[(size_t)at + i] != 0xff)
			return false;
	return true;
}

static bool compares(int order, uint32_t op)
{
	switch (op) {
	case NFT_CMP_LT:
		return order < 0;
	case NFT_CMP_LTE:
		return order <= 0;
	case NFT_CMP_GT:
		return order > 0;
	default:
		return order >= 0;
	}
}

static void compare(struct machine *m, const struct nlattr *data)
{
	const struct nlattr *tb[NFTA_CMP_MAX + 1];
	bool was = m->result.unconditional;
	const uint8_t *value;
	uint32_t op;
	size_t n;
	int at;

	nl_attrs_in(tb, NFTA_CMP_MAX, data);
	value = nft_value(tb[NFTA_CMP_DATA], &n);
	op = nl_get_be32(tb[NFTA_CMP_OP]);
	at = place(nl_get_be32(tb[NFTA_CMP_SREG]), n);
	if (!value || at < 0)
		condition(m, ANSWER_MAYBE);
	else if (op == NFT_CMP_EQ || op == NFT_CMP_NEQ)
		condition(m, op == NFT_CMP_EQ ? equals(m, at, value, n)
					      : answer_not(equals(m, at, value, n)));
	else if (!is_known(m, at, n))
		condition(m, ANSWER_MAYBE);
	else
		condition(m, answer_of(compares(memcmp(m->value + at, value, n), op)));
	/* A single byte in the first register after "meta nfproto" is all that an inet rule needs. */
	m->result.unconditional = was && n == 1 && value && m->chain->family == NFPROTO_INET &&
				  (*value == NFPROTO_IPV4 || *value == NFPROTO_IPV6);
}

static void compare_range(struct machine *m, const struct nlattr *data)
{
	const struct nlattr *tb[NFTA_RANGE_MAX + 1];
	const uint8_t *from, *to;
	size_t from_len, to_len;
	bool within;
	int at;

	nl_attrs_in(tb, NFTA_RANGE_MAX, data);
	from = nft_value(tb[NFTA_RANGE_FROM_DATA], &from_len);
	to = nft_value(tb[NFTA_RANGE_TO_DATA], &to_len);
	at = place(nl_get_be32(tb[NFTA_RANGE_SREG]), from_len);
	if (!from || !to || from_len != to_len || at < 0 || !is_known(m, at, from_len)) {
		condition(m, ANSWER_MAYBE);
		return;
	}
	within = memcmp(m->value + at, from, from_len) >= 0 &&
		 memcmp(m->value + at, to, from_len) <= 0;
	condition(m, answer_of(within == (nl_get_be32(tb[NFTA_RANGE_OP]) == NFT_RANGE_EQ)));
}

/* The element that the key is, or in an interval set lies behind; NULL: none. */
static const struct nft_kept_element *find_element(const struct nft_kept_set *s, const uint8_t *key)
{
	const struct nft_kept_element *best = NULL, *rest = NULL;

	for (const struct nft_kept_element *x = s->first; x; x = x->next) {
		int order;

		if (x->flags & NFT_SET_ELEM_CATCHALL)
			rest = x;
		if (!x->key || x->key_len != s->key_len)
			continue;
		order = memcmp(x->key, key, s->key_len);
		if (order == 0 && !(s->flags & NFT_SET_INTERVAL))
			return x;
		/* Where one interval ends another may begin. */
		if (!(s->flags & NFT_SET_INTERVAL) || order > 0)
			continue;
		order = best ? memcmp(x->key, best->key, s->key_len) : 1;
		if (order > 0 || (order == 0 && best->flags & NFT_SET_ELEM_INTERVAL_END))
			best = x;
	}
	return best && !(best->flags & NFT_SET_ELEM_INTERVAL_END) ? best : rest;
}

static void read_verdict(struct machine *m, const struct nlattr *verdict)
{
	const struct nlattr *tb[NFTA_VERDICT_MAX + 1];
	int32_t code;

	nl_attrs_in(tb, NFTA_VERDICT_MAX, verdict);
	code = (int32_t)nl_get_be32(tb[NFTA_VERDICT_CODE]);
	m->result.target = nl_get_str(tb[NFTA_VERDICT_CHAIN]);
	if (code == NFT_JUMP)
		m->result.action = RULE_JUMPS;
	else if (code == NFT_GOTO)
		m->result.action = RULE_GOES_TO;
	else if (code == NFT_RETURN)
		m->result.action = RULE_RETURNS;
	else if (code == NFT_CONTINUE)
		m->result.action = RULE_GOES_ON;
	else if (code == NF_ACCEPT)
		m->result.action = RULE_ACCEPTS;
	else if (code >= 0 && (code & 0xff) == NF_DROP) /* NF_DROP_ERR above */
		m->result.action = RULE_DROPS;
	else
		m->result.action = RULE_UNKNOWN;
}

/* The value that a map has for the key. */
static void load_element(struct machine *m, const struct nft_kept_element *x,
			 const struct nlattr *reg)
{
	const struct nlattr *tb[NFTA_DATA_MAX + 1];
	const void *value;
	size_t n;

	nl_attrs_in(tb, NFTA_DATA_MAX, x->data);
	value = nl_data(tb[NFTA_DATA_VALUE], &n);
	if (tb[NFTA_DATA_VERDICT])
		read_verdict(m, tb[NFTA_DATA_VERDICT]);
	else if (value && n <= REGISTER_BYTES)
		load(m, reg, value, NULL, n);
	else
		forget_all(m);
}

static bool has_ranges(const struct nft_kept_set *s)
{
	for (const struct nft_kept_element *x = s->first; x; x = x->next)
		if (x->ranged)
			return true;
	return false;
}

static void look_up(struct machine *m, const struct nlattr *data)
{
	const struct nlattr *tb[NFTA_LOOKUP_MAX + 1];
	const struct nft_kept_element *x;
	const struct nft_kept_set *s;
	bool inverted;
	int at;

	nl_attrs_in(tb, NFTA_LOOKUP_MAX, data);
	inverted = nl_get_be32(tb[NFTA_LOOKUP_FLAGS]) & NFT_LOOKUP_F_INV;
	s = nft_dump_set(m->dump, m->chain, nl_get_str(tb[NFTA_LOOKUP_SET]));
	at = place(nl_get_be32(tb[NFTA_LOOKUP_SREG]), s ? s->key_len : 0);
	if (!s || at < 0 || has_ranges(s) || (s->first && !is_known(m, at, s->key_len))) {
		unknown_condition(m, data);
		if (tb[NFTA_LOOKUP_DREG] && nl_get_be32(tb[NFTA_LOOKUP_DREG]) == NFT_REG_VERDICT)
			m->result.action = RULE_UNKNOWN;
		return;
	}
	x = find_element(s, m->value + at);
	condition(m, answer_of((x != NULL) != inverted));
	if (x && tb[NFTA_LOOKUP_DREG])
		load_element(m, x, tb[NFTA_LOOKUP_DREG]);
}

static void ask_match(struct machine *m, const struct nlattr *data)
{
	const struct nlattr *tb[NFTA_MATCH_MAX + 1];
	const char *name;
	const void *info;
	bool was = m->result.unconditional;
	size_t n;

	nl_attrs_in(tb, NFTA_MATCH_MAX, data);
	name = nl_get_str(tb[NFTA_MATCH_NAME]);
	info = nl_data(tb[NFTA_MATCH_INFO], &n);
	condition(m, xt_match_holds(m->packet, name, nl_get_be32(tb[NFTA_MATCH_REV]), info, n));
	m->result.unconditional = was && strcmp(name, "comment") == 0;
}

/* --- what the rule does ----------------------------------------------------------------------- */

static void load_immediate(struct machine *m, const struct nlattr *data)
{
	const struct nlattr *tb[NFTA_IMMEDIATE_MAX + 1];
	const struct nlattr *in[NFTA_DATA_MAX + 1];
	const void *value;
	size_t n;

	nl_attrs_in(tb, NFTA_IMMEDIATE_MAX, data);
	nl_attrs_in(in, NFTA_DATA_MAX, tb[NFTA_IMMEDIATE_DATA]);
	value = nl_data(in[NFTA_DATA_VALUE], &n);
	if (in[NFTA_DATA_VERDICT])
		read_verdict(m, in[NFTA_DATA_VERDICT]);
	else if (value && n <= REGISTER_BYTES)
		load(m, tb[NFTA_IMMEDIATE_DREG], value, NULL, n);
}

static void reject(struct machine *m, const struct nlattr *data)
{
	(void)data;
	m->result.action = RULE_REJECTS;
}

static void translate(struct machine *m, const struct nlattr *data)
{
	(void)data;
	m->result.action = RULE_TRANSLATES;
}

static void translate_to(struct machine *m, const struct nlattr *data)
{
	const struct nlattr *tb[NFTA_NAT_MAX + 1];

	nl_attrs_in(tb, NFTA_NAT_MAX, data);
	m->result.action =
		nl_get_be32(tb[NFTA_NAT_TYPE]) == NFT_NAT_SNAT ? RULE_TRANSLATES : RULE_UNKNOWN;
}

static void leave(struct machine *m, const struct nlattr *data)
{
	(void)data;
	m->result.action = RULE_UNKNOWN;
}

static void apply_target(struct machine *m, const struct nlattr *data)
{
	static const enum rule_action actions[] = {
		[XT_GOES_ON] = RULE_GOES_ON,
		[XT_REJECTS] = RULE_REJECTS,
		[XT_TRANSLATES] = RULE_TRANSLATES,
		[XT_UNKNOWN] = RULE_UNKNOWN,
	};
	const struct nlattr *tb[NFTA_TARGET_MAX + 1];
	struct packet before = *m->packet;
	const void *info;
	size_t n;

	nl_attrs_in(tb, NFTA_TARGET_MAX, data);
	info = nl_data(tb[NFTA_TARGET_INFO], &n);
	m->result.action = actions[xt_target_effect(m->packet, nl_get_str(tb[NFTA_TARGET_NAME]),
						    nl_get_be32(tb[NFTA_TARGET_REV]), info, n)];
	if (m->result.holds == ANSWER_NO)
		*m->packet = before;
	else if (m->result.holds == ANSWER_MAYBE && m->packet->mark != before.mark)
		m->packet->mark_known = false;
}

static expression_fn *evaluator(const char *name)
{
	static const struct {
		const char *name;
		expression_fn *evaluate;
	} known[] = {
		{"payload", load_payload},
		{"meta", load_meta},
		{"ct", load_ct},
		{"fib", load_fib},
		{"bitwise", change_bits},
		{"byteorder", change_order},
		{"cmp", compare},
		{"range", compare_range},
		{"lookup", look_up},
		{"match", ask_match},
		{"immediate", load_immediate},
		{"reject", reject},
		{"masq", translate},
		{"nat", translate_to},
		{"redir", leave},
		{"queue", leave},
		{"tproxy", leave},
		{"target", apply_target},
		{"counter", no_condition},
		{"log", no_condition},
		{"last", no_condition},
		{"objref", no_condition},
		{"notrack", no_condition},
		{"dup", no_condition},
		{"flow_offload", no_condition},
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (strcmp(name, known[i].name) == 0)
			return known[i].evaluate;
	return unknown_condition;
}

struct rule_result nft_match_rule(struct nft_dump *d, const struct nft_chain *chain,
				  const struct nlattr *expressions, struct packet *p)
{
	struct machine m = {
		.dump = d,
		.chain = chain,
		.packet = p,
		.result = {.holds = ANSWER_YES, .target = "", .unconditional = true},
	};

	for (const struct nlattr *x = nl_first(expressions); x && m.result.holds != ANSWER_NO;
	     x = nl_following(expressions, x)) {
		const struct nlattr *tb[NFTA_EXPR_MAX + 1];

		nl_attrs_in(tb, NFTA_EXPR_MAX, x);
		evaluator(nl_get_str(tb[NFTA_EXPR_NAME]))(&m, tb[NFTA_EXPR_DATA]);
	}
	return m.result;
}
