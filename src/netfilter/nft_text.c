#include "netfilter/nft_text.h"

#include <arpa/inet.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/compiler.h"
#include "netfilter/nft.h"
#include "netfilter/nft_text_state.h"
#include "netlink/attr.h"

void nft_text_add(struct nft_text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (t->n + 1 >= t->size)
		return;
	if (t->n)
		t->out[t->n++] = ' ';
	va_start(ap, fmt);
	n = vsnprintf(t->out + t->n, t->size - t->n, fmt, ap);
	va_end(ap);
	t->n += (size_t)n;
	if (t->n >= t->size)
		t->n = t->size - 1;
}

void nft_text_release(struct nft_text *t)
{
	char value[VALUE_TEXT];

	if (t->nfproto_waits && t->by_ethertype) {
		nft_text_add(t, "meta protocol %s", t->nfproto == NFPROTO_IPV6 ? "ip6" : "ip");
	} else if (t->nfproto_waits) {
		nft_value_format(value, VALUE_NFPROTO, &t->nfproto, 1);
		nft_text_add(t, "meta nfproto %s", value);
	}
	if (t->l4proto_waits) {
		nft_value_format(value, VALUE_PROTOCOL, &t->l4proto, 1);
		nft_text_add(t, "meta l4proto %s", value);
	}
	t->nfproto_waits = t->l4proto_waits = false;
}

/* --- loads ------------------------------------------------------------------------------------ */

static void load(struct nft_text *t, const struct nft_operand *operand, uint32_t reg)
{
	t->operand = *operand;
	t->reg = reg;
	t->mask = t->least = NULL;
	if (operand->kind == VALUE_NONE)
		t->unknown = true;
}

static uint8_t family_of(const struct nft_text *t)
{
	return t->nfproto ? t->nfproto : t->chain->family;
}

static void read_payload(struct nft_text *t, const struct nlattr *data)
{
	const struct nlattr *tb[NFTA_PAYLOAD_MAX + 1];
	struct nft_operand operand;
	uint32_t base;

	nl_attrs_in(tb, NFTA_PAYLOAD_MAX, data);
	base = nl_get_be32(tb[NFTA_PAYLOAD_BASE]);
	operand = nft_payload_operand(family_of(t), t->l4proto, base,
				      nl_get_be32(tb[NFTA_PAYLOAD_OFFSET]),
				      nl_get_be32(tb[NFTA_PAYLOAD_LEN]));
	/* "ip saddr" says IPv4, "tcp dport" says TCP, "icmp type" both. */
	if (base == NFT_PAYLOAD_NETWORK_HEADER || t->l4proto == IPPROTO_ICMP ||
	    t->l4proto == IPPROTO_ICMPV6)
		t->nfproto_waits = false;
	if (base == NFT_PAYLOAD_TRANSPORT_HEADER && t->l4proto)
		t->l4proto_waits = false;
	load(t, &operand, nl_get_be32(tb[NFTA_PAYLOAD_DREG]));
	t->unknown |= !tb[NFTA_PAYLOAD_DREG];
}

static void read_meta(struct nft_text *t, const struct nlattr *data)
{
	const struct nlattr *tb[NFTA_META_MAX + 1];
	struct nft_operand operand;

	nl_attrs_in(tb, NFTA_META_MAX, data);
	operand = nft_meta_operand(nl_get_be32(tb[NFTA_META_KEY]));
	load(t, &operand, nl_get_be32(tb[NFTA_META_DREG]));
	t->unknown |= !tb[NFTA_META_DREG];
}

static void read_ct(struct nft_text *t, const struct nlattr *data)
{
	const struct nlattr *tb[NFTA_CT_MAX + 1];
	struct nft_operand operand;

	nl_attrs_in(tb, NFTA_CT_MAX, data);
	operand = nft_ct_operand(nl_get_be32(tb[NFTA_CT_KEY]));
	load(t, &operand, nl_get_be32(tb[NFTA_CT_DREG]));
	t->unknown |= !tb[NFTA_CT_DREG];
}

static void read_fib(struct nft_text *t, const struct nlattr *data)
{
	const struct nlattr *tb[NFTA_FIB_MAX + 1];
	struct nft_operand operand;

	nl_attrs_in(tb, NFTA_FIB_MAX, data);
	operand =
		nft_fib_operand(nl_get_be32(tb[NFTA_FIB_RESULT]), nl_get_be32(tb[NFTA_FIB_FLAGS]));
	load(t, &operand, nl_get_be32(tb[NFTA_FIB_DREG]));
}

static void read_bitwise(struct nft_text *t, const struct nlattr *data)
{
	const struct nlattr *tb[NFTA_BITWISE_MAX + 1];
	const uint8_t *flip;
	size_t n;

	nl_attrs_in(tb, NFTA_BITWISE_MAX, data);
	flip = nft_value(tb[NFTA_BITWISE_XOR], &n);
	for (size_t i = 0; i < n; i++)
		t->unknown |= flip[i] != 0;
	t->mask = nft_value(tb[NFTA_BITWISE_MASK], &n);
	t->unknown |= nl_get_be32(tb[NFTA_BITWISE_OP]) != NFT_BITWISE_MASK_XOR || !t->mask ||
		      nl_get_be32(tb[NFTA_BITWISE_SREG]) != t->reg ||
		      nl_get_be32(tb[NFTA_BITWISE_DREG]) != t->reg;
	t->value_len = n;
}

/* --- conditions ------------------------------------------------------------------------------- */

/* "meta nfproto ipv4", "meta l4proto tcp" are kept back. */
static bool hold_back(struct nft_text *t, uint32_t op, const uint8_t *value, size_t n)
{
	static const uint8_t ip[] = {0x08, 0x00}, ip6[] = {0x86, 0xdd};

	if (op != NFT_CMP_EQ || t->mask)
		return false;
	if (t->operand.kind == VALUE_NFPROTO) {
		t->nfproto = *value;
		t->nfproto_waits = true;
		return true;
	}
	if (t->operand.kind == VALUE_ETHERTYPE && n == 2 &&
	    (memcmp(value, ip, 2) == 0 || memcmp(value, ip6, 2) == 0)) {
		t->nfproto = memcmp(value, ip, 2) == 0 ? NFPROTO_IPV4 : NFPROTO_IPV6;
		t->nfproto_waits = t->by_ethertype = true;
		return true;
	}
	if (t->operand.kind == VALUE_PROTOCOL && t->operand.meta) {
		t->l4proto = *value;
		t->l4proto_waits = true;
		return true;
	}
	return false;
}

static void show_masked(struct nft_text *t, uint32_t op, const uint8_t *value, size_t n)
{
	int bits = nft_mask_bits(t->mask, n);
	char a[VALUE_TEXT], b[VALUE_TEXT];
	const char *words = t->operand.words;

	if ((t->operand.kind == VALUE_ADDRESS4 || t->operand.kind == VALUE_ADDRESS6) && bits >= 0) {
		nft_value_format(a, t->operand.kind, value, n);
		nft_text_add(t, "%s %s%s/%d", words, op == NFT_CMP_NEQ ? "!= " : "", a, bits);
	} else if (t->operand.kind == VALUE_STATE && op == NFT_CMP_NEQ) {
		t->unknown |= !nft_value_format(a, VALUE_STATE, t->mask, n);
		nft_text_add(t, "%s %s", words, a);
	} else {
		t->unknown |= !nft_value_format(a, t->operand.kind, t->mask, n) ||
			      !nft_value_format(b, t->operand.kind, value, n);
		nft_text_add(t, "%s & %s %s %s", words, a, op == NFT_CMP_NEQ ? "!=" : "==", b);
	}
}

static void show_compared(struct nft_text *t, uint32_t op, const uint8_t *value, size_t n)
{
	static const char *const ops[] = {
		[NFT_CMP_EQ] = "",     [NFT_CMP_NEQ] = "!= ", [NFT_CMP_LT] = "< ",
		[NFT_CMP_LTE] = "<= ", [NFT_CMP_GT] = "> ",   [NFT_CMP_GTE] = ">= ",
	};
	char a[VALUE_TEXT], b[VALUE_TEXT];

	if (op == NFT_CMP_LTE && t->least && t->value_len == n) {
		t->unknown |= !nft_value_format(a, t->operand.kind, t->least, n) ||
			      !nft_value_format(b, t->operand.kind, value, n);
		nft_text_add(t, "%s %s-%s", t->operand.words, a, b);
		t->least = NULL;
		return;
	}
	t->unknown |= op >= ARRAY_SIZE(ops) || !nft_value_format(a, t->operand.kind, value, n);
	if (!t->unknown)
		nft_text_add(t, "%s %s%s", t->operand.words, ops[op], a);
}

static void read_cmp(struct nft_text *t, const struct nlattr *data)
{
	const struct nlattr *tb[NFTA_CMP_MAX + 1];
	const uint8_t *value;
	uint32_t op;
	size_t n;

	nl_attrs_in(tb, NFTA_CMP_MAX, data);
	value = nft_value(tb[NFTA_CMP_DATA], &n);
	op = nl_get_be32(tb[NFTA_CMP_OP]);
	if (!value || n == 0 || t->operand.kind == VALUE_NONE ||
	    nl_get_be32(tb[NFTA_CMP_SREG]) != t->reg || (t->mask && t->value_len != n)) {
		t->unknown = true;
		return;
	}
	if (hold_back(t, op, value, n))
		return;
	nft_text_release(t);
	if (op == NFT_CMP_GTE && !t->mask) {
		t->least = value;
		t->value_len = n;
	} else if (t->mask) {
		show_masked(t, op, value, n);
	} else {
		show_compared(t, op, value, n);
	}
}

static void read_range(struct nft_text *t, const struct nlattr *data)
{
	const struct nlattr *tb[NFTA_RANGE_MAX + 1];
	char a[VALUE_TEXT], b[VALUE_TEXT];
	const uint8_t *from, *to;
	size_t from_len, to_len;

	nl_attrs_in(tb, NFTA_RANGE_MAX, data);
	from = nft_value(tb[NFTA_RANGE_FROM_DATA], &from_len);
	to = nft_value(tb[NFTA_RANGE_TO_DATA], &to_len);
	nft_text_release(t);
	t->unknown |= !from || !to || t->mask ||
		      !nft_value_format(a, t->operand.kind, from, from_len) ||
		      !nft_value_format(b, t->operand.kind, to, to_len);
	if (!t->unknown)
		nft_text_add(t, "%s %s%s-%s", t->operand.words,
			     nl_get_be32(tb[NFTA_RANGE_OP]) == NFT_RANGE_NEQ ? "!= " : "", a, b);
}

/* Sets are shown by their names, those that nft made for one rule as such: "{ ... }" is long. */
static void read_lookup(struct nft_text *t, const struct nlattr *data)
{
	const struct nlattr *tb[NFTA_LOOKUP_MAX + 1];
	const struct nft_kept_set *s;
	const char *name, *not ;
	char list[160];

	nl_attrs_in(tb, NFTA_LOOKUP_MAX, data);
	name = nl_get_str(tb[NFTA_LOOKUP_SET]);
	not = nl_get_be32(tb[NFTA_LOOKUP_FLAGS]) & NFT_LOOKUP_F_INV ? "!= " : "";
	nft_text_release(t);
	if (t->mask || tb[NFTA_LOOKUP_DREG] || t->operand.kind == VALUE_NONE ||
	    nl_get_be32(tb[NFTA_LOOKUP_SREG]) != t->reg) {
		t->unknown = true;
		return;
	}
	s = nft_dump_set(t->dump, t->chain, name);
	if (s && s->flags & NFT_SET_ANONYMOUS &&
	    nft_set_format(list, sizeof(list), t->operand.kind, s))
		nft_text_add(t, "%s %s%s", t->operand.words, not, list);
	else
		nft_text_add(t, "%s %s@%s", t->operand.words, not, name);
}

static void read_match(struct nft_text *t, const struct nlattr *data)
{
	const struct nlattr *tb[NFTA_MATCH_MAX + 1];
	const char *name;

	nl_attrs_in(tb, NFTA_MATCH_MAX, data);
	name = nl_get_str(tb[NFTA_MATCH_NAME]);
	nft_text_release(t);
	if (strcmp(name, "comment") != 0)
		nft_text_add(t, "xt match %s", name);
}

static void read_expression(struct nft_text *t, const char *name, const struct nlattr *data)
{
	static const struct {
		const char *name;
		nft_text_fn *read;
	} known[] = {
		{"payload", read_payload},
		{"meta", read_meta},
		{"ct", read_ct},
		{"fib", read_fib},
		{"bitwise", read_bitwise},
		{"cmp", read_cmp},
		{"range", read_range},
		{"lookup", read_lookup},
		{"match", read_match},
		{"immediate", nft_text_immediate},
		{"nat", nft_text_nat},
		{"masq", nft_text_masq},
		{"reject", nft_text_reject},
		{"log", nft_text_log},
		{"counter", nft_text_counter},
		{"target", nft_text_target},
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (strcmp(name, known[i].name) == 0) {
			known[i].read(t, data);
			return;
		}
	}
	t->unknown = true;
}

void nft_text_rule(char *out, size_t size, struct nft_dump *d, const struct nft_chain *chain,
		   const struct nft_kept_rule *rule)
{
	struct nft_text t = {.out = out, .size = size, .dump = d, .chain = chain};

	*out = '\0';
	for (const struct nlattr *x = nl_first(rule->expressions); x;
	     x = nl_following(rule->expressions, x)) {
		const struct nlattr *tb[NFTA_EXPR_MAX + 1];

		nl_attrs_in(tb, NFTA_EXPR_MAX, x);
		read_expression(&t, nl_get_str(tb[NFTA_EXPR_NAME]), tb[NFTA_EXPR_DATA]);
	}
	nft_text_release(&t);
	if (t.unknown || t.least)
		snprintf(out, size, "a rule that cannot be shown, handle %llu",
			 (unsigned long long)rule->handle);
}
