#include "netfilter/nft_read.h"

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

#include "netfilter/nft.h"
#include "netlink/attr.h"

static void read_entry(struct nft_userdata *out, uint8_t type, const uint8_t *value, size_t n)
{
	struct nft_mark mark;

	if (type == NFT_UDATA_COMMENT && n > 0 && value[n - 1] == '\0') {
		out->comment = (const char *)value;
	} else if (type == NFT_UDATA_MARK && n == sizeof(mark)) {
		memcpy(&mark, value, sizeof(mark));
		out->ours = memcmp(mark.magic, NFT_MARK_MAGIC, sizeof(NFT_MARK_MAGIC)) == 0;
		out->digest = mark.digest;
	} else if (type == NFT_UDATA_OWNER && n == sizeof(out->owner)) {
		memcpy(&out->owner, value, sizeof(out->owner));
		out->owned = true;
	} else if (type == NFT_UDATA_NOTE) {
		out->note = value;
		out->note_len = n;
	}
}

void nft_read_userdata(struct nft_userdata *out, const void *data, size_t len)
{
	const uint8_t *p = data;

	*out = (struct nft_userdata){0};
	while (len >= 2 && p[1] <= len - 2) {
		size_t n = p[1];

		read_entry(out, p[0], p + 2, n);
		p += 2 + n;
		len -= 2 + n;
	}
}

/* --- messages --------------------------------------------------------------------------------- */

bool nft_read_rule(struct nft_rule *rule, const struct nlmsghdr *h)
{
	const struct nlattr *tb[NFTA_RULE_MAX + 1];
	const struct nfgenmsg *head = nl_head_of(h, sizeof(*head));
	struct nft_userdata found;
	const void *userdata;
	size_t len;

	*rule = (struct nft_rule){.table = "", .chain = "", .target = ""};
	if (!head)
		return false;
	nl_attrs_of(tb, NFTA_RULE_MAX, h, sizeof(*head));
	rule->family = head->nfgen_family;
	rule->table = nl_get_str(tb[NFTA_RULE_TABLE]);
	rule->chain = nl_get_str(tb[NFTA_RULE_CHAIN]);
	rule->handle = nl_get_be64(tb[NFTA_RULE_HANDLE]);
	nft_read_expressions(rule, tb[NFTA_RULE_EXPRESSIONS]);
	userdata = nl_data(tb[NFTA_RULE_USERDATA], &len);
	nft_read_userdata(&found, userdata, len);
	rule->comment = found.comment;
	rule->ours = found.ours;
	rule->digest = found.digest;
	rule->owned = found.owned;
	rule->owner = found.owner;
	return true;
}

bool nft_read_chain(struct nft_chain *chain, const struct nlmsghdr *h)
{
	const struct nlattr *tb[NFTA_CHAIN_MAX + 1];
	const struct nlattr *hook[NFTA_HOOK_MAX + 1];
	const struct nfgenmsg *head = nl_head_of(h, sizeof(*head));

	*chain = (struct nft_chain){.table = "", .name = "", .type = ""};
	if (!head)
		return false;
	nl_attrs_of(tb, NFTA_CHAIN_MAX, h, sizeof(*head));
	chain->family = head->nfgen_family;
	chain->table = nl_get_str(tb[NFTA_CHAIN_TABLE]);
	chain->name = nl_get_str(tb[NFTA_CHAIN_NAME]);
	if (!tb[NFTA_CHAIN_HOOK])
		return true;
	nl_attrs_in(hook, NFTA_HOOK_MAX, tb[NFTA_CHAIN_HOOK]);
	chain->base = true;
	chain->type = nl_get_str(tb[NFTA_CHAIN_TYPE]);
	chain->hook = nl_get_be32(hook[NFTA_HOOK_HOOKNUM]);
	chain->priority = (int32_t)nl_get_be32(hook[NFTA_HOOK_PRIORITY]);
	chain->drops = tb[NFTA_CHAIN_POLICY] && nl_get_be32(tb[NFTA_CHAIN_POLICY]) == NF_DROP;
	return true;
}

uint32_t nft_read_generation(const struct nlmsghdr *h)
{
	const struct nlattr *tb[NFTA_GEN_MAX + 1];

	nl_attrs_of(tb, NFTA_GEN_MAX, h, sizeof(struct nfgenmsg));
	return nl_get_be32(tb[NFTA_GEN_ID]);
}

/* --- what it means for a prefix --------------------------------------------------------------- */

uint8_t nft_rule_ip_family(const struct nft_rule *rule)
{
	uint8_t family = rule->family == NFPROTO_INET ? rule->only : rule->family;

	if (family == NFPROTO_IPV4)
		return 4;
	return family == NFPROTO_IPV6 ? 6 : 0;
}

bool nft_rule_concerns(const struct nft_rule *rule, uint8_t ip_family)
{
	uint8_t family = nft_rule_ip_family(rule);

	return family == 0 || family == ip_family;
}

bool nft_rule_narrowed(const struct nft_rule *rule)
{
	return rule->other || rule->iifname.name || rule->oifname.name;
}

bool nft_rule_unconditional(const struct nft_rule *rule)
{
	return !nft_rule_narrowed(rule) && !rule->source.set && !rule->destination.set;
}

bool nft_address_covers(const struct nft_match_address *m, const struct prefix *p)
{
	return !m->set ||
	       (!m->negated && m->prefix.len <= p->len && prefix_contains(&m->prefix, &p->ip));
}

bool nft_rule_admits_source(const struct nft_rule *rule, const struct prefix *p)
{
	return !nft_rule_narrowed(rule) && !rule->destination.set &&
	       nft_address_covers(&rule->source, p);
}

bool nft_rule_admits_destination(const struct nft_rule *rule, const struct prefix *p)
{
	return !nft_rule_narrowed(rule) && !rule->source.set &&
	       nft_address_covers(&rule->destination, p);
}
