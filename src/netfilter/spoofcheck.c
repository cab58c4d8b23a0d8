#include "netfilter/spoofcheck.h"

#include <errno.h>
#include <string.h>

#define TABLE	 "cnibox-macspoofchk"
#define PORTS	 "ports"
#define MACS	 "macs"
#define PRIORITY (-300) /* that of the reference plugin: before ebtables' own */

/* Of an Ethernet header. */
#define SOURCE_OFFSET 6

static const struct nft_owned place = {
	.table = {NFPROTO_BRIDGE, TABLE, NULL},
	.set = {PORTS, MACS},
	.sets = 2,
};
static const struct nft_at chain = {NFPROTO_BRIDGE, TABLE, "prerouting"};

struct order {
	const char *owner;
	/* The key of the second set; the first half is that of the first one. */
	char port[LINK_NAME];
	uint8_t mac[8]; /* in registers of 4 bytes */
};
_Static_assert(offsetof(struct order, mac) - offsetof(struct order, port) == LINK_NAME, "one key");

static void put_chains(struct nl_batch *b, const void *arg)
{
	static const struct nft_set_kind ports = {PORTS, NFT_TYPE_IFNAME, LINK_NAME, 1, 0, 0};
	static const struct nft_set_kind macs = {
		MACS, NFT_TYPE_THEN(NFT_TYPE_IFNAME, NFT_TYPE_ETHER), LINK_NAME + 8, 0, 0, 0};

	(void)arg;
	nft_table(b, &chain);
	nft_base_chain(b, &chain, "filter", NF_BR_PRE_ROUTING, PRIORITY);
	nft_set(b, &chain, &ports);
	nft_set(b, &chain, &macs);
}

static void put_rule(struct nl_batch *b, const void *arg)
{
	(void)arg;
	nft_append_rule(b, "drop what comes from other MAC addresses", &chain);
	nl_nest(b, NFTA_RULE_EXPRESSIONS) {
		nft_meta(b, NFT_META_IIFNAME);
		nft_look_up(b, PORTS, NFT_IN);
		nft_meta(b, NFT_META_IIFNAME);
		nft_payload_to(b, NFT_REG_2, NFT_PAYLOAD_LL_HEADER, SOURCE_OFFSET, MAC_BYTES);
		nft_look_up(b, MACS, NFT_NOT_IN);
		nft_verdict(b, NF_DROP);
	}
	nft_mark_rule(b, NULL);
}

static void put_elements(struct nl_batch *b, bool replace, const void *arg)
{
	const struct order *o = arg;

	struct nft_element x = {.key = o->port, .len = LINK_NAME, .comment = o->owner};

	(void)replace; /* the owner's own are gone, and the port's name is nobody else's */
	nft_element(b, "check the pod's port", &chain, NFT_ADD, PORTS, &x);
	x.len = LINK_NAME + sizeof(o->mac);
	nft_element(b, "allow the pod's MAC address", &chain, NFT_ADD, MACS, &x);
}

static const struct nft_owned_parts parts = {put_chains, put_rule, put_elements};

static int say_what_lacks(struct err *e)
{
	if (e->sys == EOPNOTSUPP || e->sys == EAFNOSUPPORT || e->sys == EINVAL ||
	    e->sys == ENOENT || e->sys == EPROTONOSUPPORT)
		err_prefix(e, "\"macspoofchk\": the kernel lacks CONFIG_NF_TABLES, "
			      "CONFIG_NF_TABLES_BRIDGE or a part of it");
	return -1;
}

int spoofcheck_add(struct nl_sock *nf, const char *network, const char *owner, const char *port,
		   const uint8_t mac[static MAC_BYTES], struct err *e)
{
	struct order order = {.owner = owner};

	strncat(order.port, port, LINK_NAME - 1);
	memcpy(order.mac, mac, MAC_BYTES);
	if (spoofcheck_sweep(nf, network, nft_keep_others, (void *)owner, e))
		return -1;
	return nft_owned_add(nf, &place, &parts, &order, e) ? say_what_lacks(e) : 0;
}

int spoofcheck_try(struct nl_sock *nf, struct err *e)
{
	return nft_owned_try(nf, &parts, NULL, e) ? say_what_lacks(e) : 0;
}

int spoofcheck_look(struct nl_sock *nf, const char *owner, bool *there, struct err *e)
{
	unsigned count = 0;

	if (nft_owned_has_rule(nf, &place, &parts, NULL, there, e) ||
	    (*there && nft_owned_count(nf, &place, owner, &count, e)))
		return -1;
	*there = count == place.sets;
	return 0;
}

int spoofcheck_sweep(struct nl_sock *nf, const char *network, nft_keep_fn *keep, void *arg,
		     struct err *e)
{
	return nft_owned_remove(nf, &place, network, keep, arg, e);
}
