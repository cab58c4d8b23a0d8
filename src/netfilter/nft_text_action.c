/* nft_text.h: what a rule does, in nft's words. */
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <string.h>

#include "netfilter/nft.h"
#include "netfilter/nft_text_state.h"
#include "netlink/attr.h"

static void show_verdict(struct nft_text *t, const struct nlattr *verdict)
{
	const struct nlattr *tb[NFTA_VERDICT_MAX + 1];
	const char *chain;
	int32_t code;

	nl_attrs_in(tb, NFTA_VERDICT_MAX, verdict);
	code = (int32_t)nl_get_be32(tb[NFTA_VERDICT_CODE]);
	chain = nl_get_str(tb[NFTA_VERDICT_CHAIN]);
	if (code == NFT_JUMP || code == NFT_GOTO)
		nft_text_add(t, "%s %s", code == NFT_JUMP ? "jump" : "goto", chain);
	else if (code == NFT_RETURN)
		nft_text_add(t, "return");
	else if (code == NFT_CONTINUE)
		nft_text_add(t, "continue");
	else if (code == NF_ACCEPT)
		nft_text_add(t, "accept");
	else if (code >= 0 && (code & 0xff) == NF_DROP)
		nft_text_add(t, "drop");
	else
		t->unknown = true;
}

void nft_text_immediate(struct nft_text *t, const struct nlattr *data)
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
		nft_text_release(t);
		show_verdict(t, in[NFTA_DATA_VERDICT]);
	} else if (value && (n == 4 || n == 16)) {
		t->translated.family = n == 4 ? 4 : 6;
		memcpy(t->translated.b, value, n);
	}
}

void nft_text_nat(struct nft_text *t, const struct nlattr *data)
{
	const struct nlattr *tb[NFTA_NAT_MAX + 1];
	char text[IP_TEXT];

	nl_attrs_in(tb, NFTA_NAT_MAX, data);
	t->unknown |= !t->translated.family || tb[NFTA_NAT_REG_PROTO_MIN] ||
		      (tb[NFTA_NAT_REG_ADDR_MAX] && nl_get_be32(tb[NFTA_NAT_REG_ADDR_MIN]) !=
							    nl_get_be32(tb[NFTA_NAT_REG_ADDR_MAX]));
	nft_text_release(t);
	nft_text_add(t, "%s to %s",
		     nl_get_be32(tb[NFTA_NAT_TYPE]) == NFT_NAT_SNAT ? "snat" : "dnat",
		     ip_format(text, &t->translated));
}

void nft_text_masq(struct nft_text *t, const struct nlattr *data)
{
	const struct nlattr *tb[NFTA_MASQ_MAX + 1];

	nl_attrs_in(tb, NFTA_MASQ_MAX, data);
	nft_text_release(t);
	t->unknown |= tb[NFTA_MASQ_REG_PROTO_MIN] != NULL;
	nft_text_add(t, nl_get_be32(tb[NFTA_MASQ_FLAGS]) & NF_NAT_RANGE_PROTO_RANDOM_FULLY
				? "masquerade fully-random"
				: "masquerade");
}

void nft_text_reject(struct nft_text *t, const struct nlattr *data)
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
	nft_text_release(t);
	if (type == NFT_REJECT_TCP_RST)
		nft_text_add(t, "reject with tcp reset");
	else if (type == NFT_REJECT_ICMPX_UNREACH && code < ARRAY_SIZE(icmpx) && code != 1)
		nft_text_add(t, "reject with icmpx %s", icmpx[code]);
	else
		nft_text_add(t, "reject");
}

void nft_text_log(struct nft_text *t, const struct nlattr *data)
{
	const struct nlattr *tb[NFTA_LOG_MAX + 1];

	nl_attrs_in(tb, NFTA_LOG_MAX, data);
	nft_text_release(t);
	if (tb[NFTA_LOG_PREFIX])
		nft_text_add(t, "log prefix \"%s\"", nl_get_str(tb[NFTA_LOG_PREFIX]));
	else
		nft_text_add(t, "log");
}

void nft_text_counter(struct nft_text *t, const struct nlattr *data)
{
	(void)data;
	nft_text_release(t);
	nft_text_add(t, "counter");
}

void nft_text_target(struct nft_text *t, const struct nlattr *data)
{
	static const struct {
		const char *target, *words;
	} known[] = {{"REJECT", "reject"}, {"MASQUERADE", "masquerade"}, {"LOG", "log"}};
	const struct nlattr *tb[NFTA_TARGET_MAX + 1];
	const char *name;

	nl_attrs_in(tb, NFTA_TARGET_MAX, data);
	name = nl_get_str(tb[NFTA_TARGET_NAME]);
	nft_text_release(t);
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (strcmp(name, known[i].target) == 0) {
			nft_text_add(t, "%s", known[i].words);
			return;
		}
	}
	nft_text_add(t, "xt target %s", name);
}
