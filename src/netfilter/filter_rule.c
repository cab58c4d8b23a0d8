#include "netfilter/filter_rule.h"

#include <stdio.h>
#include <string.h>

#define XT_COMMENT_LEN 256 /* struct xt_comment_info: XT_MAX_COMMENT_LEN */

struct nft_at filter_at(uint8_t ip_family, const char *chain)
{
	return (struct nft_at){nft_family(ip_family), "filter", chain};
}

/* --- write ------------------------------------------------------------------------------------ */

static void put_state(struct nl_batch *b, enum xt_state state)
{
	unsigned char info[XT_STATE_BYTES];

	xt_state_write(info, state);
	nft_match_extension(b, "conntrack", XT_STATE_REVISION, info, sizeof(info));
}

static void put_comment(struct nl_batch *b, const char *comment)
{
	char info[XT_COMMENT_LEN] = {0}; /* to its end: the kernel compares all of it */

	snprintf(info, sizeof(info), "%s", comment);
	nft_match_extension(b, "comment", 0, info, sizeof(info));
}

static void put_action(struct nl_batch *b, const struct filter_rule *rule)
{
	if (rule->action == NFT_ACTION_JUMP)
		nft_jump(b, rule->target);
	else if (rule->action == NFT_ACTION_RETURN)
		nft_verdict(b, (uint32_t)NFT_RETURN);
	else
		nft_verdict(b, rule->action == NFT_ACTION_DROP ? NF_DROP : NF_ACCEPT);
}

void put_filter_rule(struct nl_batch *b, uint8_t ip_family, const struct filter_rule *rule,
		     const struct owner_tag *owner)
{
	static const char label[] = "add rule to iptables' filter";
	struct nft_at at = filter_at(ip_family, rule->chain);

	if (rule->first)
		nft_insert_rule(b, label, &at, 0);
	else
		nft_append_rule(b, label, &at);
	nl_nest(b, NFTA_RULE_EXPRESSIONS) {
		if (rule->in)
			nft_match_ifname_short(b, NFT_META_IIFNAME, NFT_CMP_EQ, rule->in);
		if (rule->out)
			nft_match_ifname_short(b, NFT_META_OIFNAME,
					       rule->not_out ? NFT_CMP_NEQ : NFT_CMP_EQ, rule->out);
		if (rule->source.ip.family)
			nft_match_prefix(b, NFT_SOURCE, NFT_CMP_EQ, &rule->source);
		if (rule->destination.ip.family)
			nft_match_prefix(b, NFT_DESTINATION, NFT_CMP_EQ, &rule->destination);
		if (rule->state != XT_STATE_ANY)
			put_state(b, rule->state);
		if (rule->comment)
			put_comment(b, rule->comment);
		nft_counter(b); /* iptables has one in each rule, and counts on it */
		put_action(b, rule);
	}
	nft_own_rule(b, NULL, owner);
}

void put_filter_chain(struct nl_batch *b, uint8_t ip_family, const char *chain)
{
	struct nft_at at = filter_at(ip_family, chain);

	nft_table(b, &at);
	if (strcmp(chain, "FORWARD") == 0)
		nft_base_chain(b, &at, "filter", NF_INET_FORWARD, 0);
	else
		nft_chain(b, &at);
}

/* --- recognise -------------------------------------------------------------------------------- */

static bool same_name(const struct nft_match_name *m, const char *name, bool negated)
{
	if (!m->name || !name)
		return !m->name && !name;
	return strcmp(m->name, name) == 0 && m->negated == negated;
}

static bool same_address(const struct nft_match_address *m, const struct prefix *p)
{
	if (!m->set || !p->ip.family)
		return !m->set && !p->ip.family;
	return !m->negated && prefix_equal(&m->prefix, p);
}

bool filter_rule_has_state(const struct nft_rule *found, enum xt_state state)
{
	unsigned char info[XT_STATE_BYTES];

	if (state == XT_STATE_ANY)
		return !found->other;
	xt_state_write(info, state);
	return found->extension && strcmp(found->extension, "conntrack") == 0 &&
	       found->extension_len >= XT_STATE_USED &&
	       memcmp(found->extension_data, info, XT_STATE_USED) == 0;
}

bool filter_rule_is(const struct nft_rule *found, const struct filter_rule *rule)
{
	if (found->action != rule->action || strcmp(found->chain, rule->chain) != 0 ||
	    (rule->action == NFT_ACTION_JUMP && strcmp(found->target, rule->target) != 0))
		return false;
	if (!filter_rule_has_state(found, rule->state))
		return false;
	return same_name(&found->iifname, rule->in, false) &&
	       same_name(&found->oifname, rule->out, rule->not_out) &&
	       same_address(&found->source, &rule->source) &&
	       same_address(&found->destination, &rule->destination);
}
