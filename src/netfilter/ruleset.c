#include "netfilter/ruleset.h"

#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>

#include "netfilter/nft.h"
#include "netfilter/nft_read.h"

#define TABLE	  "cnibox"
#define PRIORITY  99 /* see ruleset.h */
#define RULES_MAX 3  /* of one network in one family: masquerade, accept from, accept to */

/* Its rules carry the network's name; a longer one is cut, and told from its like by a number. */
static void name_comment(char text[static NFT_COMMENT_MAX + 1], const char *network)
{
	uint64_t h = 0;

	if (strlen(network) <= NFT_COMMENT_MAX) {
		snprintf(text, NFT_COMMENT_MAX + 1, "%s", network);
		return;
	}
	for (const char *p = network; *p; p++)
		h = h * 31 + (unsigned char)*p;
	snprintf(text, NFT_COMMENT_MAX + 1, "%.*s-%016llx", NFT_COMMENT_MAX - 17, network,
		 (unsigned long long)h);
}

static struct nft_at chain_at(uint8_t ip_family, const char *chain)
{
	return (struct nft_at){nft_family(ip_family), TABLE, chain};
}

/* --- what is wanted --------------------------------------------------------------------------- */

static void put_masquerade(struct nl_batch *b, const struct ruleset *want, const char *comment)
{
	static const struct prefix multicast4 = {.ip = {4, {224}}, .len = 4};
	static const struct prefix multicast6 = {.ip = {6, {0xff}}, .len = 8};
	struct nft_at at = chain_at(want->subnet.ip.family, "postrouting");

	nft_append_rule(b, "masquerade pods", &at);
	nl_nest(b, NFTA_RULE_EXPRESSIONS) {
		if (want->masquerade == MASQUERADE_ALL)
			nft_match_ifname(b, NFT_META_OIFNAME, NFT_CMP_NEQ, want->bridge);
		nft_match_prefix(b, NFT_SOURCE, NFT_CMP_EQ, &want->subnet);
		if (want->masquerade == MASQUERADE_OUTSIDE) {
			nft_match_prefix(b, NFT_DESTINATION, NFT_CMP_NEQ, &want->network);
			nft_match_prefix(b, NFT_DESTINATION, NFT_CMP_NEQ,
					 want->subnet.ip.family == 6 ? &multicast6 : &multicast4);
		}
		nft_masq(b, NF_NAT_RANGE_PROTO_RANDOM_FULLY);
	}
	nft_mark_rule(b, comment);
}

static void put_accept(struct nl_batch *b, const struct ruleset *want, enum nft_side side,
		       const char *comment)
{
	struct nft_at at = chain_at(want->subnet.ip.family, "forward");

	nft_append_rule(b, "accept forwarded packets of pods", &at);
	nl_nest(b, NFTA_RULE_EXPRESSIONS) {
		nft_match_prefix(b, side, NFT_CMP_EQ, &want->network);
		nft_verdict(b, NF_ACCEPT);
	}
	nft_mark_rule(b, comment);
}

static void put_rules(struct nl_batch *b, const struct ruleset *want, const char *comment)
{
	if (want->masquerade != MASQUERADE_NONE)
		put_masquerade(b, want, comment);
	if (want->accept) {
		put_accept(b, want, NFT_SOURCE, comment);
		put_accept(b, want, NFT_DESTINATION, comment);
	}
}

static void put_chains(struct nl_batch *b, const struct ruleset *want)
{
	uint8_t family = want->subnet.ip.family;
	struct nft_at postrouting = chain_at(family, "postrouting");
	struct nft_at forward = chain_at(family, "forward");

	nft_table(b, &postrouting);
	if (want->masquerade != MASQUERADE_NONE)
		nft_base_chain(b, &postrouting, "nat", NF_INET_POST_ROUTING, PRIORITY);
	if (want->accept)
		nft_base_chain(b, &forward, "filter", NF_INET_FORWARD, 0);
}

/* --- what is found ---------------------------------------------------------------------------- */

struct finding {
	uint8_t ip_family;
	char comment[NFT_COMMENT_MAX + 1]; /* of this network's rules */
	uint64_t wanted[RULES_MAX];	   /* digests */
	unsigned wants;
	unsigned missing;	 /* bit i: wanted[i] was not met yet */
	unsigned own, odd;	 /* rules of this network, and those among them that are unwanted */
	unsigned others;	 /* rules that are not of this network */
	bool table;		 /* the table is there, if that was asked */
	uint32_t generation;	 /* if it was asked */
	struct nl_batch *change; /* NULL, or where rules of this network are deleted */
};

/* The wanted rules are built and read back, so that both sides are seen through the same eyes. */
static void expect(struct finding *f, const struct ruleset *want)
{
	struct nl_batch b;
	struct nft_rule rule;
	unsigned op;

	nl_batch_init(&b);
	put_rules(&b, want, f->comment);
	if (nl_batch_finish(&b, &op))
		return; /* the same fault comes when they are sent */
	for (unsigned i = 0; i < b.ops && i < RULES_MAX; i++)
		if (nft_read_rule(&rule, (const void *)(b.buf + b.start[i]))) {
			f->missing |= 1u << f->wants;
			f->wanted[f->wants++] = rule.digest;
		}
}

static bool meet(struct finding *f, const struct nft_rule *rule)
{
	for (unsigned i = 0; i < f->wants; i++)
		if (rule->ours && f->missing & 1u << i && rule->digest == f->wanted[i]) {
			f->missing &= ~(1u << i);
			return true;
		}
	return false;
}

static void take_rule(struct finding *f, const struct nlmsghdr *h)
{
	struct nft_rule rule;

	if (!nft_read_rule(&rule, h))
		return;
	if (!rule.comment || strcmp(rule.comment, f->comment) != 0) {
		f->others++;
		return;
	}
	f->own++;
	if (!meet(f, &rule))
		f->odd++;
	if (f->change) {
		struct nft_at at = chain_at(f->ip_family, rule.chain);

		nft_delete_rule(f->change, "delete the network's rule", &at, rule.handle);
	}
}

static int take_answer(const struct nlmsghdr *h, unsigned op, void *arg, struct err *e)
{
	struct finding *f = arg;

	(void)op;
	(void)e;
	switch (h->nlmsg_type & 0xff) {
	case NFT_MSG_NEWGEN:
		f->generation = nft_read_generation(h);
		if (f->change)
			nft_begin(f->change, f->generation);
		break;
	case NFT_MSG_NEWTABLE:
		f->table = true;
		break;
	case NFT_MSG_NEWRULE:
		take_rule(f, h);
		break;
	}
	return 0;
}

static enum ruleset_state state_of(const struct finding *f)
{
	if (f->missing == 0 && f->odd == 0)
		return RULESET_PRESENT;
	return f->own == 0 ? RULESET_ABSENT : RULESET_DIFFERENT;
}

static void begin_finding(struct finding *f, uint8_t ip_family, const char *name,
			  const struct ruleset *want, struct nl_batch *change)
{
	*f = (struct finding){.ip_family = ip_family, .change = change};
	name_comment(f->comment, name);
	if (want)
		expect(f, want);
	if (change)
		nl_batch_init(change);
}

/* Ask for the rules; with a change in mind also for the generation (first) and the table. */
static int find(struct nl_sock *nf, struct finding *f, struct err *e)
{
	struct nft_at table = chain_at(f->ip_family, NULL);
	struct nl_batch q;

	nl_batch_init(&q);
	if (f->change) {
		nft_get_generation(&q);
		nft_get_table(&q, &table);
	}
	nft_list_rules(&q, &table);
	return nl_ask(nf, &q, take_answer, f, e);
}

/* --- the contract ----------------------------------------------------------------------------- */

int ruleset_look(struct nl_sock *nf, const struct ruleset *want, enum ruleset_state *state,
		 struct err *e)
{
	struct finding f;
	unsigned tries = 0;

	do {
		begin_finding(&f, want->subnet.ip.family, want->name, want, NULL);
		if (find(nf, &f, e) == 0 || nft_unsupported(e)) {
			*state = state_of(&f);
			return 0;
		}
	} while (nft_again(&tries, e));
	return -1;
}

/* One attempt: look, and if need be replace this network's rules. */
static int set_once(struct nl_sock *nf, const struct ruleset *want, struct err *e)
{
	struct nl_batch change;
	struct finding f;

	begin_finding(&f, want->subnet.ip.family, want->name, want, &change);
	if (find(nf, &f, e))
		return -1;
	if (state_of(&f) == RULESET_PRESENT)
		return 0;
	put_chains(&change, want);
	put_rules(&change, want, f.comment);
	return nft_commit(nf, &change, e);
}

bool ruleset_unsupported(struct err *e)
{
	if (e->sys != ENOENT)
		return nft_unsupported(e);
	err_clear(e); /* no nat chains in this family, or no masquerade expression */
	return true;
}

int ruleset_set(struct nl_sock *nf, const struct ruleset *want, struct err *e)
{
	unsigned tries = 0;
	bool removed;

	if (want->masquerade == MASQUERADE_NONE && !want->accept)
		return ruleset_remove(nf, want->subnet.ip.family, want->name, &removed, e);
	while (set_once(nf, want, e))
		if (!nft_again(&tries, e))
			return -1;
	return 0;
}

static int remove_once(struct nl_sock *nf, uint8_t ip_family, const char *name, bool *removed,
		       struct err *e)
{
	struct nft_at table = chain_at(ip_family, NULL);
	struct nl_batch change;
	struct finding f;

	*removed = false;
	begin_finding(&f, ip_family, name, NULL, &change);
	if (find(nf, &f, e))
		return nft_unsupported(e) ? 0 : -1;
	if (!f.table || (f.own == 0 && f.others > 0))
		return 0;
	if (f.others == 0) { /* its rules go with it */
		nl_batch_init(&change);
		nft_begin(&change, f.generation);
		nft_delete_table(&change, &table);
	}
	if (nft_commit(nf, &change, e))
		return -1;
	*removed = true;
	return 0;
}

int ruleset_remove(struct nl_sock *nf, uint8_t family, const char *name, bool *removed,
		   struct err *e)
{
	unsigned tries = 0;

	while (remove_once(nf, family, name, removed, e))
		if (!nft_again(&tries, e))
			return -1;
	return 0;
}
