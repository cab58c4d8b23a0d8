#include "netfilter/reference.h"

#include <bearssl.h>
#include <errno.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>

#include "netfilter/nft.h"
#include "netfilter/nft_read.h"
#include "netfilter/xtables.h"

#define CHAIN_DIGITS   24
#define COMMENT_DIGITS 16

/* The mark of a rule of the nftables backend: two hashes with a hyphen, and whatever else. */
#define COMMENT_MARK (2 * COMMENT_DIGITS + 1)

static const struct nft_at masq_checks = {NFPROTO_INET, "cni_plugins_masquerade", "masq_checks"};

void reference_hash(char *out, size_t digits, const char *a, const char *b)
{
	uint8_t hash[br_sha512_SIZE];
	br_sha512_context h;

	br_sha512_init(&h);
	br_sha512_update(&h, a, strlen(a));
	br_sha512_update(&h, b, strlen(b));
	br_sha512_out(&h, hash);
	for (size_t i = 0; i < digits; i++)
		out[i] = "0123456789abcdef"[i % 2 ? hash[i / 2] & 15 : hash[i / 2] >> 4];
	out[digits] = '\0';
}

/* --- a chain, and the jumps to it ---------------------------------------------------------------- */

struct removal {
	struct nft_at base;
	const char *chain;
	struct nl_batch *change;
	bool there;
};

static int take_answer(const struct nlmsghdr *h, unsigned op, void *arg, struct err *e)
{
	struct removal *r = arg;
	struct nft_rule rule;

	(void)op, (void)e;
	switch (h->nlmsg_type & 0xff) {
	case NFT_MSG_NEWGEN:
		nft_begin(r->change, nft_read_generation(h));
		break;
	case NFT_MSG_NEWCHAIN:
		r->there = true;
		break;
	case NFT_MSG_NEWRULE:
		if (nft_read_rule(&rule, h) && rule.action == NFT_ACTION_JUMP &&
		    strcmp(rule.target, r->chain) == 0)
			nft_delete_rule(r->change, "delete the reference plugin's jump", &r->base,
					rule.handle);
		break;
	}
	return 0;
}

static int remove_once(struct nl_sock *nf, struct removal *r, struct err *e)
{
	struct nft_at at = {r->base.family, r->base.table, r->chain};
	struct nl_batch q;

	r->there = false;
	nl_batch_init(r->change);
	nl_batch_init(&q);
	nft_get_generation(&q);
	nft_get_chain(&q, &at);
	nft_list_rules(&q, &r->base);
	if (nl_ask(nf, &q, take_answer, r, e))
		return nft_unsupported(e) ? 0 : -1;
	if (!r->there)
		return 0;
	nft_flush_chain(r->change, &at);
	nft_delete_chain(r->change, &at);
	return nft_commit(nf, r->change, e);
}

int reference_chain_remove(struct nl_sock *nf, const struct nft_at *base, const char *chain,
			   struct err *e)
{
	struct nl_batch change;
	struct removal r = {.base = *base, .chain = chain, .change = &change};
	unsigned tries = 0;

	while (remove_once(nf, &r, e)) {
		if (e->sys == ENOENT)
			e->sys = EINTR; /* somebody else has removed it */
		if (!nft_again(&tries, e))
			return -1;
	}
	return 0;
}

/* --- ipMasq ------------------------------------------------------------------------------------- */

struct search {
	char mark[COMMENT_MARK + 1];
	bool chain[2]; /* IPv4, IPv6 */
	unsigned rules;
	struct nl_batch *change;
};

static int take_found(const struct nlmsghdr *h, unsigned op, void *arg, struct err *e)
{
	struct search *s = arg;
	struct nft_rule rule;

	(void)e;
	if ((h->nlmsg_type & 0xff) == NFT_MSG_NEWCHAIN && op < 2)
		s->chain[op] = true;
	if ((h->nlmsg_type & 0xff) != NFT_MSG_NEWRULE || !nft_read_rule(&rule, h) ||
	    !rule.comment || strncmp(rule.comment, s->mark, COMMENT_MARK) != 0)
		return 0;
	nft_delete_rule(s->change, "delete the reference plugin's rule", &masq_checks, rule.handle);
	s->rules++;
	return 0;
}

/* Most pods have none of it: that is found out by one question. */
static int find(struct nl_sock *nf, struct search *s, const char *chain, struct err *e)
{
	struct nl_batch q;

	nl_batch_init(&q);
	nl_batch_init(s->change);
	nft_begin(s->change, 0);
	for (unsigned i = 0; i < 2; i++) {
		struct nft_at at = {i ? NFPROTO_IPV6 : NFPROTO_IPV4, "nat", chain};

		nft_get_chain(&q, &at);
	}
	nft_list_rules(&q, &masq_checks);
	return nl_ask(nf, &q, take_found, s, e);
}

static unsigned drop_chain(struct xt_table *t, void *chain)
{
	return xt_chain_remove(t, chain);
}

int reference_masquerade_remove(struct nl_sock *nf, unsigned legacy, const char *network,
				const char *container_id, const char *ifname, struct err *e)
{
	char chain[4 + CHAIN_DIGITS + 1] = "CNI-", attachment[512];
	struct nl_batch change;
	struct search s = {.change = &change};
	unsigned changes;

	reference_hash(chain + 4, CHAIN_DIGITS, network, container_id);
	snprintf(attachment, sizeof(attachment), "%s:", ifname);
	reference_hash(s.mark, COMMENT_DIGITS, network, "");
	s.mark[COMMENT_DIGITS] = '-';
	reference_hash(s.mark + COMMENT_DIGITS + 1, COMMENT_DIGITS, attachment, container_id);
	for (uint8_t family = 4; family <= 6; family += 2)
		if (legacy & 1u << family &&
		    xtables_change(family, XTABLES_NAT, drop_chain, chain, &changes, e))
			return -1;
	if (find(nf, &s, chain, e))
		return nft_unsupported(e) || nft_overtaken(e) ? 0 : -1;
	for (unsigned i = 0; i < 2; i++) {
		struct nft_at base = {i ? NFPROTO_IPV6 : NFPROTO_IPV4, "nat", "POSTROUTING"};

		if (s.chain[i] && reference_chain_remove(nf, &base, chain, e))
			return -1;
	}
	if (s.rules == 0)
		return 0;
	if (nft_commit(nf, s.change, e) && e->sys != ENOENT)
		return -1;
	err_clear(e);
	return 0;
}

/* --- macspoofchk -------------------------------------------------------------------------------- */

int reference_spoofcheck_remove(struct nl_sock *nf, const char *container_id, const char *ifname,
				struct err *e)
{
	char first[256], second[256 + 4]; /* as long as a chain's name may be, and more */
	struct nft_at base = {NFPROTO_BRIDGE, "nat", "PREROUTING"};

	snprintf(first, sizeof(first), "cni-br-iface-%s-%s", container_id, ifname);
	snprintf(second, sizeof(second), "%s-mac", first);
	if (reference_chain_remove(nf, &base, first, e))
		return -1;
	base.chain = first; /* which is gone, and with it the jump from there */
	return reference_chain_remove(nf, &base, second, e);
}
