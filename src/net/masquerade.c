#include "net/masquerade.h"

#include <errno.h>
#include <linux/netlink.h>
#include <string.h>

#include "net/names.h"
#include "net/nft_read.h"

#define TABLE	 "cnibox-masquerade"
#define SET	 "pods"
#define PRIORITY 99 /* one before iptables' and kube-proxy's: the first nat chain binds a flow */

static struct nft_owned place(uint8_t ip_family)
{
	return (struct nft_owned){
		.table = {nft_family(ip_family), TABLE, NULL}, .set = {SET}, .sets = 1};
}

static struct nft_at chain_at(uint8_t ip_family)
{
	return (struct nft_at){nft_family(ip_family), TABLE, "postrouting"};
}

static void put_rule(struct nl_batch *b, const char *network, const struct prefix *subnet)
{
	static const struct prefix multicast4 = {.ip = {4, {224}}, .len = 4};
	static const struct prefix multicast6 = {.ip = {6, {0xff}}, .len = 8};
	struct nft_at at = chain_at(subnet->ip.family);
	char comment[NAMES_NETWORK];

	names_network(comment, network);
	nft_append_rule(b, "masquerade pods", &at);
	nl_nest(b, NFTA_RULE_EXPRESSIONS) {
		nft_match_prefix(b, NFT_SOURCE, NFT_CMP_EQ, subnet);
		nft_payload(b, NFT_PAYLOAD_NETWORK_HEADER,
			    nft_address_offset(subnet->ip.family, NFT_SOURCE),
			    (uint32_t)ip_size(&subnet->ip));
		nft_lookup(b, SET, false);
		nft_match_prefix(b, NFT_DESTINATION, NFT_CMP_NEQ, subnet);
		nft_match_prefix(b, NFT_DESTINATION, NFT_CMP_NEQ,
				 subnet->ip.family == 6 ? &multicast6 : &multicast4);
		nft_masq(b, NF_NAT_RANGE_PROTO_RANDOM_FULLY);
	}
	nft_mark_rule(b, comment);
}

static void put_chain(struct nl_batch *b, uint8_t ip_family)
{
	static const struct nft_set_kind kind4 = {SET, NFT_TYPE_IPV4, 4, 2};
	static const struct nft_set_kind kind6 = {SET, NFT_TYPE_IPV6, 16, 2};
	struct nft_at at = chain_at(ip_family);

	nft_table(b, &at);
	nft_base_chain(b, &at, "nat", NF_INET_POST_ROUTING, PRIORITY);
	nft_set(b, &at, ip_family == 6 ? &kind6 : &kind4);
}

/* --- looking ----------------------------------------------------------------------------------- */

struct finding {
	uint64_t digest; /* of the rule that is wanted */
	bool found;
	uint32_t generation;
};

/* The wanted rule is built and read back, so that both are seen through the same eyes. */
static uint64_t digest_of(const char *network, const struct prefix *subnet)
{
	struct nft_rule rule = {.digest = 0};
	struct nl_batch b;
	unsigned op;

	nl_batch_init(&b);
	put_rule(&b, network, subnet);
	if (nl_batch_finish(&b, &op) || !nft_read_rule(&rule, (const void *)b.buf))
		return 0; /* the same fault comes when it is sent */
	return rule.digest;
}

static int take_answer(const struct nlmsghdr *h, unsigned op, void *arg, struct err *e)
{
	struct finding *f = arg;
	struct nft_rule rule;

	(void)op, (void)e;
	if ((h->nlmsg_type & 0xff) == NFT_MSG_NEWGEN)
		f->generation = nft_read_generation(h);
	else if ((h->nlmsg_type & 0xff) == NFT_MSG_NEWRULE && nft_read_rule(&rule, h))
		f->found |= rule.ours && rule.digest == f->digest;
	return 0;
}

static int find_rule(struct nl_sock *nf, struct finding *f, const char *network,
		     const struct prefix *subnet, struct err *e)
{
	struct nft_at table = place(subnet->ip.family).table;
	struct nl_batch q;

	*f = (struct finding){.digest = digest_of(network, subnet)};
	nl_batch_init(&q);
	nft_get_generation(&q);
	nft_list_rules(&q, &table);
	return nl_ask(nf, &q, take_answer, f, e);
}

/* --- changing ---------------------------------------------------------------------------------- */

static int add_once(struct nl_sock *nf, const char *network, const char *owner,
		    const struct prefix *address, bool replace, struct err *e)
{
	struct prefix subnet = prefix_network(address);
	struct nft_at table = place(address->ip.family).table;
	size_t len = ip_size(&address->ip);
	struct finding f;
	struct nl_batch b;

	if (find_rule(nf, &f, network, &subnet, e))
		return -1;
	nl_batch_init(&b);
	/* With its rule there, an element disturbs nobody and nobody disturbs it. */
	nft_begin(&b, f.found ? 0 : f.generation);
	if (!f.found) {
		put_chain(&b, address->ip.family);
		put_rule(&b, network, &subnet);
	}
	if (replace)
		nft_delete_element(&b, "stop masquerading for an earlier pod", &table, SET,
				   address->ip.b, len);
	nft_add_element(&b, "masquerade for the pod", &table, SET, address->ip.b, len, owner);
	nft_end(&b);
	return nl_apply(nf, &b, e);
}

int masquerade_add(struct nl_sock *nf, const char *network, const char *owner,
		   const struct prefix *address, struct err *e)
{
	bool replace = false;

	for (int i = 0; i < NFT_TRIES; i++) {
		if (add_once(nf, network, owner, address, replace, e) == 0)
			return 0;
		if (e->sys == EEXIST || e->sys == ENOENT) {
			replace = e->sys == EEXIST;
			err_clear(
				e); /* ENOENT: the rule went with its last pod, or the element did */
		} else if (!nft_overtaken(e)) {
			return -1;
		}
	}
	return nft_never_quiet(TABLE, e);
}

int masquerade_look(struct nl_sock *nf, const char *network, const char *owner,
		    const struct prefix *address, bool *there, struct err *e)
{
	struct prefix subnet = prefix_network(address);
	struct nft_owned o = place(address->ip.family);
	struct finding f = {0};
	unsigned count = 0;

	if (find_rule(nf, &f, network, &subnet, e) && !nft_unsupported(e))
		return -1;
	if (f.found && nft_owned_count(nf, &o, owner, &count, e))
		return -1;
	*there = count > 0;
	return 0;
}

int masquerade_sweep(struct nl_sock *nf, const char *network, nft_keep_fn *keep, void *arg,
		     struct err *e)
{
	for (uint8_t family = 4; family <= 6; family += 2) {
		struct nft_owned o = place(family);

		if (nft_owned_remove(nf, &o, network, keep, arg, NULL, e))
			return -1;
	}
	return 0;
}
