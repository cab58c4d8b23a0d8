#include "netfilter/nft_match.h"

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <string.h>

#include "base/compiler.h"
#include "netfilter/nft.h"
#include "netfilter/nft_machine.h"
#include "netfilter/xt_match.h"
#include "netlink/attr.h"

/* --- conditions ------------------------------------------------------------------------------- */

static enum answer equals(const struct nft_machine *m, int at, const uint8_t *value, size_t n)
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

static bool is_known(const struct nft_machine *m, int at, size_t n)
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

static void compare(struct nft_machine *m, const struct nlattr *data)
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
	at = nft_machine_place(nl_get_be32(tb[NFTA_CMP_SREG]), n);
	if (value && at >= 0 && (op == NFT_CMP_EQ || op == NFT_CMP_NEQ))
		nft_condition(m, op == NFT_CMP_EQ ? equals(m, at, value, n)
						  : answer_not(equals(m, at, value, n)));
	else if (value && at >= 0 && is_known(m, at, n))
		nft_condition(m, answer_of(compares(memcmp(m->value + at, value, n), op)));
	else
		nft_condition(m, ANSWER_MAYBE);
	/* A single byte in the first register after "meta nfproto" is all that an inet rule needs. */
	m->result.unconditional = was && n == 1 && value && m->chain->family == NFPROTO_INET &&
				  (*value == NFPROTO_IPV4 || *value == NFPROTO_IPV6);
}

static void compare_range(struct nft_machine *m, const struct nlattr *data)
{
	const struct nlattr *tb[NFTA_RANGE_MAX + 1];
	const uint8_t *from, *to;
	size_t from_len, to_len;
	bool within;
	int at;

	nl_attrs_in(tb, NFTA_RANGE_MAX, data);
	from = nft_value(tb[NFTA_RANGE_FROM_DATA], &from_len);
	to = nft_value(tb[NFTA_RANGE_TO_DATA], &to_len);
	at = nft_machine_place(nl_get_be32(tb[NFTA_RANGE_SREG]), from_len);
	if (!from || !to || from_len != to_len || at < 0 || !is_known(m, at, from_len)) {
		nft_condition(m, ANSWER_MAYBE);
		return;
	}
	within = memcmp(m->value + at, from, from_len) >= 0 &&
		 memcmp(m->value + at, to, from_len) <= 0;
	nft_condition(m, answer_of(within == (nl_get_be32(tb[NFTA_RANGE_OP]) == NFT_RANGE_EQ)));
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

static void read_verdict(struct nft_machine *m, const struct nlattr *verdict)
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
static void load_element(struct nft_machine *m, const struct nft_kept_element *x,
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
		nft_machine_load(m, reg, value, NULL, n);
	else
		nft_machine_forget_all(m);
}

static bool has_ranges(const struct nft_kept_set *s)
{
	for (const struct nft_kept_element *x = s->first; x; x = x->next)
		if (x->ranged)
			return true;
	return false;
}

static void look_up(struct nft_machine *m, const struct nlattr *data)
{
	const struct nlattr *tb[NFTA_LOOKUP_MAX + 1];
	const struct nft_kept_element *x;
	const struct nft_kept_set *s;
	bool inverted;
	int at;

	nl_attrs_in(tb, NFTA_LOOKUP_MAX, data);
	inverted = nl_get_be32(tb[NFTA_LOOKUP_FLAGS]) & NFT_LOOKUP_F_INV;
	s = nft_dump_set(m->dump, m->chain, nl_get_str(tb[NFTA_LOOKUP_SET]));
	at = nft_machine_place(nl_get_be32(tb[NFTA_LOOKUP_SREG]), s ? s->key_len : 0);
	if (!s || at < 0 || has_ranges(s) || (s->first && !is_known(m, at, s->key_len))) {
		nft_unknown_condition(m, data);
		if (tb[NFTA_LOOKUP_DREG] && nl_get_be32(tb[NFTA_LOOKUP_DREG]) == NFT_REG_VERDICT)
			m->result.action = RULE_UNKNOWN;
		return;
	}
	x = find_element(s, m->value + at);
	nft_condition(m, answer_of((x != NULL) != inverted));
	if (x && tb[NFTA_LOOKUP_DREG])
		load_element(m, x, tb[NFTA_LOOKUP_DREG]);
}

static void ask_match(struct nft_machine *m, const struct nlattr *data)
{
	const struct nlattr *tb[NFTA_MATCH_MAX + 1];
	const char *name;
	const void *info;
	bool was = m->result.unconditional;
	size_t n;

	nl_attrs_in(tb, NFTA_MATCH_MAX, data);
	name = nl_get_str(tb[NFTA_MATCH_NAME]);
	info = nl_data(tb[NFTA_MATCH_INFO], &n);
	nft_condition(m, xt_match_holds(m->packet, name, nl_get_be32(tb[NFTA_MATCH_REV]), info, n));
	m->result.unconditional = was && strcmp(name, "comment") == 0;
}

static void no_condition(struct nft_machine *m, const struct nlattr *data)
{
	(void)m, (void)data;
}

/* --- what the rule does ----------------------------------------------------------------------- */

static void load_immediate(struct nft_machine *m, const struct nlattr *data)
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
		nft_machine_load(m, tb[NFTA_IMMEDIATE_DREG], value, NULL, n);
}

static void reject(struct nft_machine *m, const struct nlattr *data)
{
	(void)data;
	m->result.action = RULE_REJECTS;
}

static void translate(struct nft_machine *m, const struct nlattr *data)
{
	(void)data;
	m->result.action = RULE_TRANSLATES;
}

static void translate_to(struct nft_machine *m, const struct nlattr *data)
{
	const struct nlattr *tb[NFTA_NAT_MAX + 1];

	nl_attrs_in(tb, NFTA_NAT_MAX, data);
	m->result.action =
		nl_get_be32(tb[NFTA_NAT_TYPE]) == NFT_NAT_SNAT ? RULE_TRANSLATES : RULE_UNKNOWN;
}

static void leave(struct nft_machine *m, const struct nlattr *data)
{
	(void)data;
	m->result.action = RULE_UNKNOWN;
}

static void apply_target(struct nft_machine *m, const struct nlattr *data)
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

static nft_expression_fn *evaluator(const char *name)
{
	static const struct {
		const char *name;
		nft_expression_fn *evaluate;
	} known[] = {
		{"payload", nft_load_payload},
		{"meta", nft_load_meta},
		{"ct", nft_load_ct},
		{"fib", nft_load_fib},
		{"bitwise", nft_change_bits},
		{"byteorder", nft_change_order},
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
	return nft_unknown_condition;
}

struct rule_result nft_match_rule(struct nft_dump *d, const struct nft_chain *chain,
				  const struct nlattr *expressions, struct packet *p)
{
	struct nft_machine m = {
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
