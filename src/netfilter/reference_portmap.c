#include "netfilter/reference_portmap.h"

#include <linux/netfilter/nf_tables.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>

#include "netfilter/nft.h"
#include "netfilter/nft_read.h"
#include "netfilter/reference.h"
#include "netfilter/reference_collect.h"
#include "netfilter/xtables.h"

#define PREFIX	    "CNI-DN-"
#define HASH_DIGITS 21
_Static_assert(REFERENCE_CHAIN == sizeof(PREFIX) + HASH_DIGITS, "a name's size");

static const char table[] = "nat", entries[] = REFERENCE_ENTRIES;
static const char newer_table[] = "cni_hostport";

void reference_portmap_chain(char chain[static REFERENCE_CHAIN], const char *network,
			     const char *container_id)
{
	strcpy(chain, PREFIX);
	reference_hash(chain + strlen(PREFIX), HASH_DIGITS, network, container_id);
}

/* --- legacy iptables -------------------------------------------------------------------------- */

static unsigned change_to_drop(struct xt_table *t, void *chain)
{
	return reference_drop(t, &reference_ports, chain);
}

static int remove_legacy(uint8_t family, char *chain, struct err *e)
{
	unsigned changes;

	if (!(xtables_in_use(family) & XTABLES_NAT))
		return 0;
	return xtables_change(family, XTABLES_NAT, change_to_drop, chain, &changes, e);
}

/* --- the newer table -------------------------------------------------------------------------- */

struct sweep {
	uint8_t family;
	const char *container_id;
	struct nl_batch *change;
	bool any;
};

static int take_newer(const struct nlmsghdr *h, unsigned op, void *arg, struct err *e)
{
	struct sweep *s = arg;
	struct nft_rule rule;

	(void)op, (void)e;
	if ((h->nlmsg_type & 0xff) == NFT_MSG_NEWGEN) {
		nft_begin(s->change, nft_read_generation(h));
	} else if (nft_read_rule(&rule, h) && rule.comment &&
		   strcmp(rule.comment, s->container_id) == 0) {
		struct nft_at at = {s->family, newer_table, rule.chain};

		nft_delete_rule(s->change, "delete the reference's rule", &at, rule.handle);
		s->any = true;
	}
	return 0;
}

static int sweep_newer(struct nl_sock *nf, struct sweep *s, struct err *e)
{
	struct nft_at at = {s->family, newer_table, NULL};
	struct nl_batch q;

	s->any = false;
	nl_batch_init(s->change);
	nl_batch_init(&q);
	nft_get_generation(&q);
	nft_list_rules(&q, &at);
	if (nl_ask(nf, &q, take_newer, s, e))
		return nft_unsupported(e) ? 0 : -1;
	if (!s->any)
		return 0;
	return nft_commit(nf, s->change, e);
}

int reference_portmap_remove(struct nl_sock *nf, uint8_t family, const char *network,
			     const char *container_id, struct err *e)
{
	struct nl_batch change;
	struct sweep s = {nft_family(family), container_id, &change, false};
	struct nft_at at = {s.family, table, entries};
	char chain[REFERENCE_CHAIN];
	unsigned tries = 0;

	reference_portmap_chain(chain, network, container_id);
	if (reference_chain_remove(nf, &at, chain, e) || remove_legacy(family, chain, e))
		return -1;
	while (sweep_newer(nf, &s, e))
		if (!nft_again(&tries, e))
			return -1;
	return 0;
}
