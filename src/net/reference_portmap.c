#include "net/reference_portmap.h"

#include <linux/netfilter/nf_tables.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>

#include "net/nft.h"
#include "net/nft_read.h"
#include "net/reference.h"
#include "net/xtables.h"

#define PREFIX	    "CNI-DN-"
#define HASH_DIGITS 21
_Static_assert(REFERENCE_CHAIN == sizeof(PREFIX) + HASH_DIGITS, "a name's size");

/* Chains that one look notes; more take another. */
#define CHAINS_MAX 64

static const char table[] = "nat", entries[] = REFERENCE_ENTRIES;
static const char newer_table[] = "cni_hostport";

void reference_portmap_chain(char chain[static REFERENCE_CHAIN], const char *network,
			     const char *container_id)
{
	strcpy(chain, PREFIX);
	reference_hash(chain + strlen(PREFIX), HASH_DIGITS, network, container_id);
}

/* --- legacy iptables -------------------------------------------------------------------------- */

/* An entry that is not ours. */
static bool read_entry(struct nft_rule *rule, const struct xt_table *t, uint32_t at)
{
	xt_read(rule, t, 0, at);
	return rule->action == NFT_ACTION_JUMP && !rule->owned;
}

unsigned reference_portmap_drop(struct xt_table *t, const char *chain)
{
	unsigned changes = 0;
	struct nft_rule rule;
	struct xt_chain c;

	if (!xt_chain(t, entries, &c))
		return 0;
	for (uint32_t at = c.begin; at < c.end;) {
		uint32_t next = xt_next(t, at);

		if (read_entry(&rule, t, at) && strcmp(rule.target, chain) == 0) {
			xt_remove(t, at);
			c.end -= next - at;
			next = at;
			changes++;
		}
		at = next;
	}
	return changes + (xt_chain_used(t, chain) ? 0 : xt_chain_remove(t, chain));
}

static unsigned change_to_drop(struct xt_table *t, void *chain)
{
	return reference_portmap_drop(t, chain);
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
	struct nl_batch change;
	bool any;
};

static int take_newer(const struct nlmsghdr *h, unsigned op, void *arg, struct err *e)
{
	struct sweep *s = arg;
	struct nft_rule rule;

	(void)op, (void)e;
	if ((h->nlmsg_type & 0xff) == NFT_MSG_NEWGEN) {
		nft_begin(&s->change, nft_read_generation(h));
	} else if (nft_read_rule(&rule, h) && rule.comment &&
		   strcmp(rule.comment, s->container_id) == 0) {
		struct nft_at at = {s->family, newer_table, rule.chain};

		nft_delete_rule(&s->change, "delete the reference's rule", &at, rule.handle);
		s->any = true;
	}
	return 0;
}

static int sweep_newer(struct nl_sock *nf, struct sweep *s, struct err *e)
{
	struct nft_at at = {s->family, newer_table, NULL};
	struct nl_batch q;

	s->any = false;
	nl_batch_init(&s->change);
	nl_batch_init(&q);
	nft_get_generation(&q);
	nft_list_rules(&q, &at);
	if (nl_ask(nf, &q, take_newer, s, e))
		return -1;
	if (!s->any)
		return 0;
	nft_end(&s->change);
	return nl_apply(nf, &s->change, e);
}

int reference_portmap_remove(struct nl_sock *nf, uint8_t family, const char *network,
			     const char *container_id, struct err *e)
{
	static struct sweep s;
	char chain[REFERENCE_CHAIN];
	unsigned tries = 0;

	reference_portmap_chain(chain, network, container_id);
	if (reference_chain_remove(nf, family, table, entries, chain, e) ||
	    remove_legacy(family, chain, e))
		return -1;
	s = (struct sweep){.family = nft_family(family), .container_id = container_id};
	while (sweep_newer(nf, &s, e) && !nft_unsupported(e))
		if (!nft_again(&tries, e))
			return -1;
	return 0;
}

/* --- collecting ------------------------------------------------------------------------------- */

struct collection {
	const char *network;
	bool (*keep)(const char *container_id, void *arg);
	void *arg;
	char chain[CHAINS_MAX][REFERENCE_CHAIN];
	unsigned count;
};

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

/* A container has an entry for each protocol: one chain. */
static bool is_noted(const struct collection *c, const char *chain)
{
	for (unsigned i = 0; i < c->count; i++)
		if (strcmp(c->chain[i], chain) == 0)
			return true;
	return false;
}

/* Is it one whose chain has to go? */
static bool is_stale(const struct collection *c, const struct nft_rule *rule)
{
	char id[256];

	return rule->action == NFT_ACTION_JUMP &&
	       strncmp(rule->target, PREFIX, strlen(PREFIX)) == 0 &&
	       strlen(rule->target) < REFERENCE_CHAIN &&
	       read_comment(id, sizeof(id), rule->xt_comment, c->network) && !c->keep(id, c->arg);
}

static int take_entry(const struct nlmsghdr *h, unsigned op, void *arg, struct err *e)
{
	struct collection *c = arg;
	struct nft_rule rule;

	(void)op, (void)e;
	if (nft_read_rule(&rule, h) && c->count < CHAINS_MAX && !is_noted(c, rule.target) &&
	    is_stale(c, &rule))
		snprintf(c->chain[c->count++], REFERENCE_CHAIN, "%s", rule.target);
	return 0;
}

static unsigned change_to_collect(struct xt_table *t, void *arg)
{
	const struct collection *c = arg;
	unsigned changes = 0;
	struct nft_rule rule;
	struct xt_chain x;

	if (!xt_chain(t, entries, &x))
		return 0;
	for (uint32_t at = x.begin; at < x.end;) {
		char chain[REFERENCE_CHAIN];

		if (!read_entry(&rule, t, at) || !is_stale(c, &rule)) {
			at = xt_next(t, at);
			continue;
		}
		snprintf(chain, sizeof(chain), "%s", rule.target);
		changes += reference_portmap_drop(t, chain);
		if (!xt_chain(t, entries, &x))
			return changes;
		at = x.begin; /* chains come before this one, too */
	}
	return changes;
}

/* Gives 0, also where there is no nf_tables; -1 with e set. */
static int note_chains(struct nl_sock *nf, uint8_t family, struct collection *c, struct err *e)
{
	struct nft_at at = {nft_family(family), table, entries};
	struct nl_batch q;
	unsigned tries = 0;

	do {
		c->count = 0;
		nl_batch_init(&q);
		nft_list_rules(&q, &at);
		if (nl_dump(nf, &q, take_entry, c, e) == 0 || nft_unsupported(e))
			return 0;
	} while (nft_again(&tries, e));
	return -1;
}

int reference_portmap_collect(struct nl_sock *nf, uint8_t family, const char *network,
			      bool (*keep)(const char *container_id, void *arg), void *arg,
			      struct err *e)
{
	static struct collection c;

	c = (struct collection){.network = network, .keep = keep, .arg = arg};
	do {
		if (note_chains(nf, family, &c, e))
			return -1;
		for (unsigned i = 0; i < c.count; i++)
			if (reference_chain_remove(nf, family, table, entries, c.chain[i], e))
				return -1;
	} while (c.count == CHAINS_MAX);
	if (!(xtables_in_use(family) & XTABLES_NAT))
		return 0;
	return xtables_change(family, XTABLES_NAT, change_to_collect, &c, &c.count, e);
}
