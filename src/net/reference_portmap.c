#include "net/reference_portmap.h"

#include <linux/netfilter/nf_tables.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>

#include "net/names.h"
#include "net/nft.h"
#include "net/nft_read.h"

#define CHAIN_NAME 29 /* "CNI-DN-", 21 digits, NUL */

/* Of one round: a container has an entry for each protocol. */
#define ENTRIES_MAX 32

static const char entry_chain[] = "CNI-HOSTPORT-DNAT";
static const char newer_table[] = "cni_hostport";

struct sweep {
	uint8_t family;
	const char *network;
	const char *container_id; /* NULL: all but those that are kept */
	char chain[CHAIN_NAME];	  /* of that container */
	bool (*keep)(const char *container_id, void *arg);
	void *arg;

	struct nl_batch change;
	bool any, chain_there;
	char chains[ENTRIES_MAX][CHAIN_NAME]; /* that entries led to */
	unsigned chain_count;
};

static struct nft_at nat_at(const struct sweep *s, const char *chain)
{
	return (struct nft_at){nft_family(s->family), "nat", chain};
}

/* The ID in "dnat name: "NETWORK" id: "ID"", if the network is that one. */
static bool read_comment(char *id, size_t size, const char *comment, const char *network)
{
	char begin[300];
	size_t n = (size_t)snprintf(begin, sizeof(begin), "dnat name: \"%s\" id: \"", network);
	size_t len;

	if (!comment || n >= sizeof(begin) || strncmp(comment, begin, n) != 0)
		return false;
	len = strcspn(comment + n, "\"");
	if (len >= size || comment[n + len] != '"') /* it was too long, and cut */
		return false;
	memcpy(id, comment + n, len);
	id[len] = '\0';
	return true;
}

static bool is_meant(const struct sweep *s, const struct nft_rule *rule)
{
	char id[256];

	if (s->container_id)
		return strcmp(rule->target, s->chain) == 0;
	return read_comment(id, sizeof(id), rule->xt_comment, s->network) && !s->keep(id, s->arg);
}

static void note_chain(struct sweep *s, const char *name)
{
	for (unsigned i = 0; i < s->chain_count; i++)
		if (strcmp(s->chains[i], name) == 0)
			return;
	snprintf(s->chains[s->chain_count++], CHAIN_NAME, "%s", name);
}

static int take_entry(const struct nlmsghdr *h, unsigned op, void *arg, struct err *e)
{
	struct sweep *s = arg;
	struct nft_at at = nat_at(s, entry_chain);
	struct nft_rule rule;

	(void)op, (void)e;
	switch (h->nlmsg_type & 0xff) {
	case NFT_MSG_NEWGEN:
		nft_begin(&s->change, nft_read_generation(h));
		break;
	case NFT_MSG_NEWCHAIN:
		s->chain_there = true;
		break;
	case NFT_MSG_NEWRULE:
		if (!nft_read_rule(&rule, h) || rule.action != NFT_ACTION_JUMP ||
		    strncmp(rule.target, "CNI-DN-", 7) != 0 || strlen(rule.target) >= CHAIN_NAME ||
		    s->chain_count == ENTRIES_MAX || !is_meant(s, &rule))
			break;
		nft_delete_rule(&s->change, "delete the reference's rule", &at, rule.handle);
		note_chain(s, rule.target);
		break;
	}
	return 0;
}

static int sweep_iptables(struct nl_sock *nf, struct sweep *s, struct err *e)
{
	struct nft_at entries = nat_at(s, entry_chain), own = nat_at(s, s->chain);
	struct nl_batch q;

	s->chain_count = 0;
	s->chain_there = false;
	nl_batch_init(&s->change);
	nl_batch_init(&q);
	nft_get_generation(&q);
	if (s->container_id)
		nft_get_chain(&q, &own);
	nft_list_rules(&q, &entries);
	if (nl_ask(nf, &q, take_entry, s, e))
		return -1;
	if (s->chain_there)
		note_chain(s, s->chain);
	if (s->chain_count == 0)
		return 0;
	for (unsigned i = 0; i < s->chain_count; i++) {
		struct nft_at at = nat_at(s, s->chains[i]);

		nft_delete_chain(&s->change, &at);
	}
	nft_end(&s->change);
	return nl_apply(nf, &s->change, e);
}

static int take_newer(const struct nlmsghdr *h, unsigned op, void *arg, struct err *e)
{
	struct sweep *s = arg;
	struct nft_rule rule;

	(void)op, (void)e;
	if ((h->nlmsg_type & 0xff) == NFT_MSG_NEWGEN) {
		nft_begin(&s->change, nft_read_generation(h));
	} else if (nft_read_rule(&rule, h) && rule.comment &&
		   strcmp(rule.comment, s->container_id) == 0) {
		struct nft_at at = {nft_family(s->family), newer_table, rule.chain};

		nft_delete_rule(&s->change, "delete the reference's rule", &at, rule.handle);
		s->any = true;
	}
	return 0;
}

static int sweep_nftables(struct nl_sock *nf, struct sweep *s, struct err *e)
{
	struct nft_at table = {nft_family(s->family), newer_table, NULL};
	struct nl_batch q;

	s->any = false;
	nl_batch_init(&s->change);
	nl_batch_init(&q);
	nft_get_generation(&q);
	nft_list_rules(&q, &table);
	if (nl_ask(nf, &q, take_newer, s, e))
		return -1;
	if (!s->any)
		return 0;
	nft_end(&s->change);
	return nl_apply(nf, &s->change, e);
}

static int sweep(struct nl_sock *nf, struct sweep *s, struct err *e)
{
	for (int i = 0; i < NFT_TRIES; i++) {
		if (sweep_iptables(nf, s, e) == 0 &&
		    (!s->container_id || sweep_nftables(nf, s, e) == 0))
			return 0;
		if (nft_unsupported(e))
			return 0;
		if (!nft_overtaken(e))
			return -1;
	}
	return err_set(e, ERR_TRY_AGAIN, "remove the reference's rules",
		       "others changed the ruleset %d times meanwhile", NFT_TRIES);
}

int reference_portmap_remove(struct nl_sock *nf, uint8_t family, const char *network,
			     const char *container_id, struct err *e)
{
	static struct sweep s;

	s = (struct sweep){.family = family, .network = network, .container_id = container_id};
	memcpy(s.chain, "CNI-DN-", 7);
	names_reference_hash(s.chain + 7, sizeof(s.chain) - 7, network, container_id);
	return sweep(nf, &s, e);
}

int reference_portmap_collect(struct nl_sock *nf, uint8_t family, const char *network,
			      bool (*keep)(const char *container_id, void *arg), void *arg,
			      struct err *e)
{
	static struct sweep s;

	s = (struct sweep){.family = family, .network = network, .keep = keep, .arg = arg};
	return sweep(nf, &s, e);
}
