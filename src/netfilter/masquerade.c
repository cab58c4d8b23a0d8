#include "netfilter/masquerade.h"

#include "net/names.h"
#include "netfilter/legacy.h"
#include "netfilter/xtables.h"

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

/* What one address needs. */
struct order {
	const char *network, *owner;
	struct prefix subnet; /* without host bits */
	struct ip ip;
};

static struct order order_for(const char *network, const char *owner, const struct prefix *address)
{
	return (struct order){network, owner, prefix_network(address), address->ip};
}

static void put_rule(struct nl_batch *b, const void *arg)
{
	static const struct prefix multicast4 = {.ip = {4, {224}}, .len = 4};
	static const struct prefix multicast6 = {.ip = {6, {0xff}}, .len = 8};
	const struct order *o = arg;
	const struct prefix *subnet = &o->subnet;
	struct nft_at at = chain_at(subnet->ip.family);
	char comment[NAMES_NETWORK];

	names_network(comment, o->network);
	nft_append_rule(b, "masquerade pods", &at);
	nl_nest(b, NFTA_RULE_EXPRESSIONS) {
		nft_match_prefix(b, NFT_SOURCE, NFT_CMP_EQ, subnet);
		nft_payload(b, NFT_PAYLOAD_NETWORK_HEADER,
			    nft_address_offset(subnet->ip.family, NFT_SOURCE),
			    (uint32_t)ip_size(&subnet->ip));
		nft_look_up(b, SET, NFT_IN);
		nft_match_prefix(b, NFT_DESTINATION, NFT_CMP_NEQ, subnet);
		nft_match_prefix(b, NFT_DESTINATION, NFT_CMP_NEQ,
				 subnet->ip.family == 6 ? &multicast6 : &multicast4);
		nft_masq(b, NF_NAT_RANGE_PROTO_RANDOM_FULLY);
	}
	nft_mark_rule(b, comment);
}

static void put_chains(struct nl_batch *b, const void *arg)
{
	static const struct nft_set_kind kind4 = {SET, NFT_TYPE_IPV4, 4, 2, 0, 0};
	static const struct nft_set_kind kind6 = {SET, NFT_TYPE_IPV6, 16, 2, 0, 0};
	const struct order *o = arg;
	uint8_t ip_family = o->ip.family;
	struct nft_at at = chain_at(ip_family);

	nft_table(b, &at);
	nft_base_chain(b, &at, "nat", NF_INET_POST_ROUTING, PRIORITY);
	nft_set(b, &at, ip_family == 6 ? &kind6 : &kind4);
}

static void put_elements(struct nl_batch *b, bool replace, const void *arg)
{
	const struct order *o = arg;
	struct nft_at table = place(o->ip.family).table;
	struct nft_element x = {.key = o->ip.b, .len = ip_size(&o->ip), .comment = o->owner};

	if (replace)
		nft_element(b, "stop masquerading for an earlier pod", &table, NFT_DELETE, SET, &x);
	nft_element(b, "masquerade for the pod", &table, NFT_ADD, SET, &x);
}

static const struct nft_owned_parts parts = {put_chains, put_rule, put_elements};

int masquerade_add(struct nl_sock *nf, const char *network, const char *owner,
		   const struct prefix *address, struct err *e)
{
	struct order order = order_for(network, owner, address);
	struct nft_owned o = place(address->ip.family);
	struct err why = {0};

	if (nft_owned_add(nf, &o, &parts, &order, e) == 0)
		return 0;
	why = *e;
	if (!ruleset_unsupported(&why))
		return -1;
	if (legacy_masquerade_pod(owner, address, &why) == 0) {
		err_clear(e);
		return 0;
	}
	if (!xtables_unsupported(&why)) {
		*e = why;
		return -1;
	}
	err_hint(
		e,
		"\"ipMasq\": the kernel needs nf_tables with nat (CONFIG_NF_TABLES, CONFIG_NFT_NAT, "
		"CONFIG_NFT_MASQ) or iptables' (CONFIG_IP_NF_NAT, CONFIG_IP6_NF_NAT)");
	return -1;
}

/* Is it masqueraded, by its own rule or another's, in legacy iptables? */
static int look_at_legacy(const struct prefix *address, bool *there, struct err *e)
{
	struct prefix host = {address->ip, (uint8_t)(8 * ip_size(&address->ip))};

	return legacy_masquerades(&host, there, e);
}

int masquerade_look(struct nl_sock *nf, const char *network, const char *owner,
		    const struct prefix *address, bool *there, struct err *e)
{
	struct order order = order_for(network, owner, address);
	struct nft_owned o = place(address->ip.family);
	unsigned count = 0;

	if (nft_owned_has_rule(nf, &o, &parts, &order, there, e))
		return -1;
	if (!*there)
		return look_at_legacy(address, there, e);
	if (nft_owned_count(nf, &o, owner, &count, e))
		return -1;
	*there = count > 0;
	return 0;
}

int masquerade_sweep(struct nl_sock *nf, unsigned legacy, const char *network, nft_keep_fn *keep,
		     void *arg, struct err *e)
{
	for (uint8_t family = 4; family <= 6; family += 2) {
		struct nft_owned o = place(family);

		if (nft_owned_remove(nf, &o, network, keep, arg, e) ||
		    (legacy & 1u << family &&
		     legacy_masquerade_sweep(family, network, keep, arg, e)))
			return -1;
	}
	return 0;
}
