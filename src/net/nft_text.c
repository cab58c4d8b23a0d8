#include "net/nft_text.h"

#include <arpa/inet.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/compiler.h"
#include "net/nft.h"
#include "net/nft_value.h"
#include "netlink/attr.h"

/* A rule as it is read: what was loaded last waits for the comparison that says what it is for. */
struct text {
	char *out;
	size_t size, n;
	bool unknown; /* an expression or a value that is not known here */
	struct nft_dump *dump;
	const struct nft_chain *chain;

	struct nft_operand operand; /* kind VALUE_NONE: nothing is loaded */
	uint32_t reg;
	const uint8_t *mask;  /* laid over it; NULL: none */
	const uint8_t *least; /* ">=", which with "<=" makes a range */
	size_t value_len;

	/* "meta nfproto", "meta l4proto": not shown where what follows says as much. */
	uint8_t nfproto, l4proto;
	bool nfproto_waits, l4proto_waits;
	bool by_ethertype; /* nfproto is from "meta protocol", as chains of bridges have it */

	struct ip translated; /* an address in a register, for snat */
};

static void add(struct text *t, const char *fmt, ...) print_format(2, 3);
static void add(struct text *t, const char *fmt, ...)
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

/* Show what waited, as nothing that follows implies it. */
static void release(struct text *t)
{
	char value[VALUE_TEXT];

	if (t->nfproto_waits && t->by_ethertype) {
		add(t, "meta protocol %s", t->nfproto == NFPROTO_IPV6 ? "ip6" : "ip");
	} else if (t->nfproto_waits) {
		nft_value_format(value, VALUE_NFPROTO, &t->nfproto, 1);
		add(t, "meta nfproto %s", value);
	}
	if (t->l4proto_waits) {
		nft_value_format(value, VALUE_PROTOCOL, &t->l4proto, 1);
		add(t, "meta l4proto %s", value);
	}
	t->nfproto_waits = t->l4proto_waits = false;
}

/* --- loads ------------------------------------------------------------------------------------ */

static void load(struct text *t, const struct nft_operand *operand, uint32_t reg)
{
	t->operand = *operand;
	t->reg = reg;
	t->mask = t->least = NULL;
	if (operand->kind == VALUE_NONE)
		t->unknown = true;
}

static uint8_t family_of(const struct text *t)
{
	return t->nfproto ? t->nfproto : t->chain->family;
}

static void read_payload(struct text *t, const struct nlattr *data)
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

static void read_meta(struct text *t, const struct nlattr *data)
{
	const struct nlattr *tb[NFTA_META_MAX + 1];
	struct nft_operand operand;

	nl_attrs_in(tb, NFTA_META_MAX, data);
	operand = nft_meta_operand(nl_get_be32(tb[NFTA_META_KEY]));
	load(t, &operand, nl_get_be32(tb[NFTA_META_DREG]));
	t->unknown |= !tb[NFTA_META_DREG];
}

static void read_ct(struct text *t, const struct nlattr *data)
{
	const struct nlattr *tb[NFTA_CT_MAX + 1];
	struct nft_operand operand;

	nl_attrs_in(tb, NFTA_CT_MAX, data);
	operand = nft_ct_operand(nl_get_be32(tb[NFTA_CT_KEY]));
	load(t, &operand, nl_get_be32(tb[NFTA_CT_DREG]));
	t->unknown |= !tb[NFTA_CT_DREG];
}

static void read_fib(struct text *t, const struct nlattr *data)
{
	const struct nlattr *tb[NFTA_FIB_MAX + 1];
	struct nft_operand operand;

	nl_attrs_in(tb, NFTA_FIB_MAX, data);
	operand =
		nft_fib_operand(nl_get_be32(tb[NFTA_FIB_RESULT]), nl_get_be32(tb[NFTA_FIB_FLAGS]));
	load(t, &operand, nl_get_be32(tb[NFTA_FIB_DREG]));
}

static void read_bitwise(struct text *t, const struct nlattr *data)
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
static bool hold_back(struct text *t, uint32_t op, const uint8_t *value, size_t n)
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

static void show_masked(struct text *t, uint32_t op, const uint8_t *value, size_t n)
{
	int bits = nft_mask_bits(t->mask, n);
	char a[VALUE_TEXT], b[VALUE_TEXT];
	const char *words = t->operand.words;

	if ((t->operand.kind == VALUE_ADDRESS4 || t->operand.kind == VALUE_ADDRESS6) && bits >= 0) {
		nft_value_format(a, t->operand.kind, value, n);
		add(t, "%s %s%s/%d", words, op == NFT_CMP_NEQ ? "!= " : "", a, bits);
	} else if (t->operand.kind == VALUE_STATE && op == NFT_CMP_NEQ) {
		t->unknown |= !nft_value_format(a, VALUE_STATE, t->mask, n);
		add(t, "%s %s", words, a);
	} else {
		t->unknown |= !nft_value_format(a, t->operand.kind, t->mask, n) ||
			      !nft_value_format(b, t->operand.kind, value, n);
		add(t, "%s & %s %s %s", words, a, op == NFT_CMP_NEQ ? "!=" : "==", b);
	}
}

static void show_compared(struct text *t, uint32_t op, const uint8_t *value, size_t n)
{
	static const char *const ops[] = {
		[NFT_CMP_EQ] = "",     [NFT_CMP_NEQ] = "!= ", [NFT_CMP_LT] = "< ",
		[NFT_CMP_LTE] = "<= ", [NFT_CMP_GT] = "> ",   [NFT_CMP_GTE] = ">= ",
	};
	char a[VALUE_TEXT], b[VALUE_TEXT];

	if (op == NFT_CMP_LTE && t->least && t->value_len == n) {
		t->unknown |= !nft_value_format(a, t->operand.kind, t->least, n) ||
			      !nft_value_format(b, t->operand.kind, value, n);
		add(t, "%s %s-%s", t->operand.words, a, b);
		t->least = NULL;
		return;
	}
	t->unknown |= op >= ARRAY_SIZE(ops) || !nft_value_format(a, t->operand.kind, value, n);
	if (!t->unknown)
		add(t, "%s %s%s", t->operand.words, ops[op], a);
}

static void read_cmp(struct text *t, const struct nlattr *data)
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
	release(t);
	if (op == NFT_CMP_GTE && !t->mask) {
		t->least = value;
		t->value_len = n;
	} else if (t->mask) {
		show_masked(t, op, value, n);
	} else {
		show_compared(t, op, value, n);
	}
}

static void read_range(struct text *t, const struct nlattr *data)
{
	const struct nlattr *tb[NFTA_RANGE_MAX + 1];
	char a[VALUE_TEXT], b[VALUE_TEXT];
	const uint8_t *from, *to;
	size_t from_len, to_len;

	nl_attrs_in(tb, NFTA_RANGE_MAX, data);
	from = nft_value(tb[NFTA_RANGE_FROM_DATA], &from_len);
	to = nft_value(tb[NFTA_RANGE_TO_DATA], &to_len);
	release(t);
	t->unknown |= !from || !to || t->mask ||
		      !nft_value_format(a, t->operand.kind, from, from_len) ||
		      !nft_value_format(b, t->operand.kind, to, to_len);
	if (!t->unknown)
		add(t, "%s %s%s-%s", t->operand.words,
		    nl_get_be32(tb[NFTA_RANGE_OP]) == NFT_RANGE_NEQ ? "!= " : "", a, b);
}

/* Sets are shown by their names, those that nft made for one rule as such: "{ ... }" is long. */
static void read_lookup(struct text *t, const struct nlattr *data)
{
	const struct nlattr *tb[NFTA_LOOKUP_MAX + 1];
	const struct nft_kept_set *s;
	const char *name, *not ;
	char list[160];

	nl_attrs_in(tb, NFTA_LOOKUP_MAX, data);
	name = nl_get_str(tb[NFTA_LOOKUP_SET]);
	not = nl_get_be32(tb[NFTA_LOOKUP_FLAGS]) & NFT_LOOKUP_F_INV ? "!= " : "";
	release(t);
	if (t->mask || tb[NFTA_LOOKUP_DREG] || t->operand.kind == VALUE_NONE ||
	    nl_get_be32(tb[NFTA_LOOKUP_SREG]) != t->reg) {
		t->unknown = true;
		return;
	}
	s = nft_dump_set(t->dump, t->chain, name);
	if (s && s->flags & NFT_SET_ANONYMOUS &&
	    nft_set_format(list, sizeof(list), t->operand.kind, s))
		add(t, "%s %s%s", t->operand.words, not, list);
	else
		add(t, "%s %s@%s", t->operand.words, not, name);
}

static void read_match(struct text *t, const struct nlattr *data)
{
	const struct nlattr *tb[NFTA_MATCH_MAX + 1];
	const char *name;

	nl_attrs_in(tb, NFTA_MATCH_MAX, data);
	name = nl_get_str(tb[NFTA_MATCH_NAME]);
	release(t);
	if (strcmp(name, "comment") != 0)
		add(t, "xt match %s", name);
}

/* --- what the rule does ----------------------------------------------------------------------- */

static void show_verdict(struct text *t, const struct nlattr *verdict)
{
	const struct nlattr *tb[NFTA_VERDICT_MAX + 1];
	const char *chain;
	int32_t code;

	nl_attrs_in(tb, NFTA_VERDICT_MAX, verdict);
	code = (int32_t)nl_get_be32(tb[NFTA_VERDICT_CODE]);
	chain = nl_get_str(tb[NFTA_VERDICT_CHAIN]);
	if (code == NFT_JUMP || code == NFT_GOTO)
		add(t, "%s %s", code == NFT_JUMP ? "jump" : "goto", chain);
	else if (code == NFT_RETURN)
		add(t, "return");
	else if (code == NFT_CONTINUE)
		add(t, "continue");
	else if (code == NF_ACCEPT)
		add(t, "accept");
	else if (code >= 0 && (code & 0xff) == NF_DROP)
		add(t, "drop");
	else
		t->unknown = true;
}

static void read_immediate(struct text *t, const struct nlattr *data)
{
	const struct nlattr *tb[NFTA_IMMEDIATE_MAX + 1];
	const struct nlattr *in[NFTA_DATA_MAX + 1];
	const void *value;
	size_t n;

	nl_attrs_in(tb, NFTA_IMMEDIATE_MAX, data);
	nl_attrs_in(in, NFTA_DATA_MAX, tb[NFTA_IMMEDIATE_DATA]);
	value = nl_data(in[NFTA_DATA_VALUE], &n);
	t->translated = (struct ip){0};
	if (in[NFTA_DATA_VERDICT]) {
		release(t);
		show_verdict(t, in[NFTA_DATA_VERDICT]);
	} else if (value && (n == 4 || n == 16)) {
		t->translated.family = n == 4 ? 4 : 6;
		memcpy(t->translated.b, value, n);
	}
}

static void read_nat(struct text *t, const struct nlattr *data)
{
	const struct nlattr *tb[NFTA_NAT_MAX + 1];
	char text[IP_TEXT];

	nl_attrs_in(tb, NFTA_NAT_MAX, data);
	t->unknown |= !t->translated.family || tb[NFTA_NAT_REG_PROTO_MIN] ||
		      (tb[NFTA_NAT_REG_ADDR_MAX] && nl_get_be32(tb[NFTA_NAT_REG_ADDR_MIN]) !=
							    nl_get_be32(tb[NFTA_NAT_REG_ADDR_MAX]));
	release(t);
	add(t, "%s to %s", nl_get_be32(tb[NFTA_NAT_TYPE]) == NFT_NAT_SNAT ? "snat" : "dnat",
	    ip_format(text, &t->translated));
}

static void read_masq(struct text *t, const struct nlattr *data)
{
	const struct nlattr *tb[NFTA_MASQ_MAX + 1];

	nl_attrs_in(tb, NFTA_MASQ_MAX, data);
	release(t);
	t->unknown |= tb[NFTA_MASQ_REG_PROTO_MIN] != NULL;
	add(t, nl_get_be32(tb[NFTA_MASQ_FLAGS]) & NF_NAT_RANGE_PROTO_RANDOM_FULLY
		       ? "masquerade fully-random"
		       : "masquerade");
}

static void read_reject(struct text *t, const struct nlattr *data)
{
	const struct nlattr *tb[NFTA_REJECT_MAX + 1];
	static const char *const icmpx[] = {"no-route", "port-unreachable", "host-unreachable",
					    "admin-prohibited"};
	uint32_t type, code;

	nl_attrs_in(tb, NFTA_REJECT_MAX, data);
	type = nl_get_be32(tb[NFTA_REJECT_TYPE]);
	code = nl_get_u8(tb[NFTA_REJECT_ICMP_CODE]);
	if (type == NFT_REJECT_TCP_RST && t->chain->family != NFPROTO_INET)
		t->l4proto_waits = false;
	release(t);
	if (type == NFT_REJECT_TCP_RST)
		add(t, "reject with tcp reset");
	else if (type == NFT_REJECT_ICMPX_UNREACH && code < ARRAY_SIZE(icmpx) && code != 1)
		add(t, "reject with icmpx %s", icmpx[code]);
	else
		add(t, "reject");
}

static void read_log(struct text *t, const struct nlattr *data)
{
	const struct nlattr *tb[NFTA_LOG_MAX + 1];

	nl_attrs_in(tb, NFTA_LOG_MAX, data);
	release(t);
	if (tb[NFTA_LOG_PREFIX])
		add(t, "log prefix \"%s\"", nl_get_str(tb[NFTA_LOG_PREFIX]));
	else
		add(t, "log");
}

static void read_counter(struct text *t, const struct nlattr *data)
{
	(void)data;
	release(t);
	add(t, "counter");
}

static void read_target(struct text *t, const struct nlattr *data)
{
	static const struct {
		const char *target, *words;
	} known[] = {{"REJECT", "reject"}, {"MASQUERADE", "masquerade"}, {"LOG", "log"}};
	const struct nlattr *tb[NFTA_TARGET_MAX + 1];
	const char *name;

	nl_attrs_in(tb, NFTA_TARGET_MAX, data);
	name = nl_get_str(tb[NFTA_TARGET_NAME]);
	release(t);
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (strcmp(name, known[i].target) == 0) {
			add(t, "%s", known[i].words);
			return;
		}
	}
	add(t, "xt target %s", name);
}

static void read_expression(struct text *t, const char *name, const struct nlattr *data)
{
	static const struct {
		const char *name;
		void (*read)(struct text *t, const struct nlattr *data);
	} known[] = {
		{"payload", read_payload}, {"meta", read_meta},
		{"ct", read_ct},	   {"fib", read_fib},
		{"bitwise", read_bitwise}, {"cmp", read_cmp},
		{"range", read_range},	   {"lookup", read_lookup},
		{"match", read_match},	   {"immediate", read_immediate},
		{"nat", read_nat},	   {"masq", read_masq},
		{"reject", read_reject},   {"log", read_log},
		{"counter", read_counter}, {"target", read_target},
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
	struct text t = {.out = out, .size = size, .dump = d, .chain = chain};

	*out = '\0';
	for (const struct nlattr *x = nl_first(rule->expressions); x;
	     x = nl_following(rule->expressions, x)) {
		const struct nlattr *tb[NFTA_EXPR_MAX + 1];

		nl_attrs_in(tb, NFTA_EXPR_MAX, x);
		read_expression(&t, nl_get_str(tb[NFTA_EXPR_NAME]), tb[NFTA_EXPR_DATA]);
	}
	release(&t);
	if (t.unknown || t.least)
		snprintf(out, size, "a rule that cannot be shown, handle %llu",
			 (unsigned long long)rule->handle);
}
