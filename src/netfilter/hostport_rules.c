#include "netfilter/hostport_rules.h"

#include <stdio.h>
#include <string.h>

#include "netfilter/nft.h"

#define PRIORITY_DNAT	    (-99)
#define PRIORITY_MASQUERADE 98
#define PRIORITY_RAW	    (-300)

#define DESTINATION_PORT 2 /* its offset in TCP, UDP and SCTP */

struct nft_at hostport_at(uint8_t ip_family, const char *chain)
{
	return (struct nft_at){nft_family(ip_family), HOSTPORT_TABLE, chain};
}

/* --- keys and values -------------------------------------------------------------------------- */

static uint8_t *put_ip(uint8_t *p, const struct ip *ip)
{
	memcpy(p, ip->b, ip_size(ip));
	return p + ip_size(ip);
}

static uint8_t *put_port(uint8_t *p, uint16_t port)
{
	p[0] = (uint8_t)(port >> 8);
	p[1] = (uint8_t)port;
	return p + 4;
}

uint32_t hostport_key(uint8_t key[static NFT_KEY_MAX], const struct hostport *p)
{
	uint8_t *end = key;

	memset(key, 0, NFT_KEY_MAX);
	if (p->address.family)
		end = put_ip(end, &p->address);
	*end = p->proto;
	return (uint32_t)(put_port(end + 4, p->host) - key);
}

uint32_t hostport_data(uint8_t data[static NFT_KEY_MAX], const struct ip *pod, uint16_t port)
{
	memset(data, 0, NFT_KEY_MAX);
	return (uint32_t)(put_port(put_ip(data, pod), port) - data);
}

bool hostport_from_key(struct hostport *p, uint8_t ip_family, bool by_address, const uint8_t *key,
		       size_t len)
{
	*p = (struct hostport){.address.family = by_address ? ip_family : 0};
	if (len != (by_address ? ip_size(&p->address) : 0) + 8)
		return false;
	if (by_address) {
		memcpy(p->address.b, key, len - 8);
		key += len - 8;
	}
	p->proto = key[0];
	p->host = (uint16_t)(key[4] << 8 | key[5]);
	return true;
}

const char *hostport_text(char text[static HOSTPORT_TEXT], const struct hostport *p)
{
	static const struct {
		uint8_t proto;
		const char *word;
	} known[] = {{6, "tcp"}, {17, "udp"}, {132, "sctp"}};
	const char *word = "protocol ?";
	char ip[IP_TEXT];

	for (unsigned i = 0; i < ARRAY_SIZE(known); i++)
		if (known[i].proto == p->proto)
			word = known[i].word;
	if (p->address.family)
		snprintf(text, HOSTPORT_TEXT, "%s %u of %s", word, p->host,
			 ip_format(ip, &p->address));
	else
		snprintf(text, HOSTPORT_TEXT, "%s %u", word, p->host);
	return text;
}

/* --- the map's rules -------------------------------------------------------------------------- */

/* Key of the map into registers from the first on: see hostport_key. */
static void put_lookup(struct nl_batch *b, uint8_t ip_family, const char *map, bool by_address,
		       enum nft_lookup what)
{
	uint32_t reg = NFT_REG_1, next = NFT_REG32_01;

	if (by_address) {
		nft_payload(b, NFT_PAYLOAD_NETWORK_HEADER,
			    nft_address_offset(ip_family, NFT_DESTINATION),
			    ip_family == 6 ? 16 : 4);
		reg = ip_family == 6 ? NFT_REG_2 : NFT_REG32_01;
		next = ip_family == 6 ? NFT_REG32_05 : NFT_REG32_02;
	}
	nft_meta_to(b, reg, NFT_META_L4PROTO);
	nft_payload_to(b, next, NFT_PAYLOAD_TRANSPORT_HEADER, DESTINATION_PORT, 2);
	nft_look_up(b, map, what);
}

static void put_conditions(struct nl_batch *b, const struct hostport_settings *set)
{
	for (unsigned i = 0; i < set->condition_count; i++) {
		const struct hostport_condition *c = &set->conditions[i];
		enum nft_cmp_ops cmp = c->negated ? NFT_CMP_NEQ : NFT_CMP_EQ;

		switch (c->what) {
		case HOSTPORT_SOURCE:
			nft_match_prefix(b, NFT_SOURCE, cmp, &c->prefix);
			break;
		case HOSTPORT_DESTINATION:
			nft_match_prefix(b, NFT_DESTINATION, cmp, &c->prefix);
			break;
		case HOSTPORT_IN:
			nft_match_ifname(b, NFT_META_IIFNAME, cmp, c->ifname);
			break;
		}
	}
}

/* The host's own addresses come first: what names one is more than what takes any. */
static void begin_rule(struct nl_batch *b, const char *label, uint8_t ip_family, bool by_address)
{
	struct nft_at at = hostport_at(ip_family, "hostports");

	if (by_address)
		nft_insert_rule(b, label, &at, 0);
	else
		nft_append_rule(b, label, &at);
}

static void put_mark(struct nl_batch *b, const struct hostport_settings *set, const char *map,
		     bool by_address, const struct prefix *source)
{
	begin_rule(b, "mark for the host's address", set->pod.ip.family, by_address);
	nl_nest(b, NFTA_RULE_EXPRESSIONS) {
		put_conditions(b, set);
		if (source)
			nft_match_prefix(b, NFT_SOURCE, NFT_CMP_EQ, source);
		put_lookup(b, set->pod.ip.family, map, by_address, NFT_IN);
		nft_set_mark(b, set->mark);
	}
	nft_mark_rule(b, map);
}

static void put_marks(struct nl_batch *b, const struct hostport_settings *set, const char *map,
		      bool by_address)
{
	static const struct prefix loopback = {.ip = {4, {127}}, .len = 8};

	if (!set->snat)
		return;
	put_mark(b, set, map, by_address, set->masquerade_all ? NULL : &set->pod);
	if (!set->masquerade_all && set->pod.ip.family == 4)
		put_mark(b, set, map, by_address, &loopback);
}

void put_hostport_rules(struct nl_batch *b, const struct hostport_settings *set, const char *map,
			bool by_address)
{
	uint8_t family = set->pod.ip.family;

	if (!by_address)
		put_marks(b, set, map, by_address);
	begin_rule(b, "map ports of the host", family, by_address);
	nl_nest(b, NFTA_RULE_EXPRESSIONS) {
		put_conditions(b, set);
		put_lookup(b, family, map, by_address, NFT_VALUE);
		nft_dnat(b, nft_family(family), NFT_REG_1, family == 6 ? NFT_REG_2 : NFT_REG32_01);
	}
	nft_mark_rule(b, map);
	/* Each before all others: the marks come to stand before what they are for. */
	if (by_address)
		put_marks(b, set, map, by_address);
}

void hostport_map_name(char name[static NFT_SET_NAME], const struct hostport_settings *set,
		       bool by_address)
{
	static struct nl_batch b;
	uint64_t h = 0xcbf29ce484222325u;

	/* What tells settings apart are the rules that they make. */
	nl_batch_init(&b);
	put_hostport_rules(&b, set, "", by_address);
	for (size_t i = 0; i < b.len; i++)
		h = (h ^ b.buf[i]) * 0x100000001b3u;
	snprintf(name, NFT_SET_NAME, "%s%016llx" HOSTPORT_INDEXED,
		 by_address ? HOSTPORT_ADDRESSES : HOSTPORT_PORTS, (unsigned long long)h);
}

void put_hostport_map(struct nl_batch *b, uint8_t ip_family, const char *name, bool by_address)
{
	struct nft_at at = hostport_at(ip_family, NULL);
	uint32_t address = ip_family == 6 ? NFT_TYPE_IPV6 : NFT_TYPE_IPV4;
	uint32_t address_len = ip_family == 6 ? 16 : 4;
	uint32_t before = by_address ? NFT_TYPE_THEN(address, NFT_TYPE_INET_PROTOCOL)
				     : NFT_TYPE_INET_PROTOCOL;
	struct nft_set_kind map = {
		.name = name,
		.key_type = NFT_TYPE_THEN(before, NFT_TYPE_INET_SERVICE),
		.key_len = (by_address ? address_len : 0) + 8,
		.data_type = NFT_TYPE_THEN(address, NFT_TYPE_INET_SERVICE),
		.data_len = address_len + 4,
	};

	nft_set(b, &at, &map);
}

/* --- the table's rules ------------------------------------------------------------------------ */

void put_hostport_chains(struct nl_batch *b, uint8_t ip_family)
{
	static const struct {
		const char *name, *type;
		uint32_t hook;
		int32_t priority;
	} chains[] = {
		{"prerouting", "nat", NF_INET_PRE_ROUTING, PRIORITY_DNAT},
		{"output", "nat", NF_INET_LOCAL_OUT, PRIORITY_DNAT},
		{"postrouting", "nat", NF_INET_POST_ROUTING, PRIORITY_MASQUERADE},
		{"spoofed", "filter", NF_INET_PRE_ROUTING, PRIORITY_RAW},
	};
	struct nft_at at = hostport_at(ip_family, "hostports");

	nft_table(b, &at);
	nft_chain(b, &at);
	for (unsigned i = 0; i < ARRAY_SIZE(chains) - (ip_family == 6);
	     i++) { /* the last is IPv4's */
		at.chain = chains[i].name;
		nft_base_chain(b, &at, chains[i].type, chains[i].hook, chains[i].priority);
	}
}

static void put_entry(struct nl_batch *b, uint8_t ip_family, const char *chain)
{
	struct nft_at at = hostport_at(ip_family, chain);

	nft_append_rule(b, "look at packets to the host", &at);
	nl_nest(b, NFTA_RULE_EXPRESSIONS) {
		nft_match_local(b);
		nft_jump(b, "hostports");
	}
	nft_mark_rule(b, HOSTPORT_TABLE);
}

void put_hostport_base(struct nl_batch *b, uint8_t ip_family)
{
	static const struct prefix loopback = {.ip = {4, {127}}, .len = 8};
	struct nft_at at = hostport_at(ip_family, "spoofed");

	put_entry(b, ip_family, "prerouting");
	put_entry(b, ip_family, "output");
	if (ip_family == 6)
		return;
	nft_append_rule(b, "drop spoofed packets", &at);
	nl_nest(b, NFTA_RULE_EXPRESSIONS) {
		/* Every packet comes by here: the address first, which hardly any has, and is cheaper. */
		nft_match_prefix(b, NFT_DESTINATION, NFT_CMP_EQ, &loopback);
		nft_match_ifname(b, NFT_META_IIFNAME, NFT_CMP_NEQ, "lo");
		nft_verdict(b, NF_DROP);
	}
	nft_mark_rule(b, HOSTPORT_TABLE);
}

const char *put_hostport_masquerade(struct nl_batch *b, uint8_t ip_family, uint32_t mark)
{
	static char comment[NFT_SET_NAME];
	struct nft_at at = hostport_at(ip_family, "postrouting");

	snprintf(comment, sizeof(comment), "mark 0x%x", mark);

	nft_append_rule(b, "masquerade what is marked", &at);
	nl_nest(b, NFTA_RULE_EXPRESSIONS) {
		nft_match_mark(b, mark);
		nft_masq(b, NF_NAT_RANGE_PROTO_RANDOM_FULLY);
	}
	nft_mark_rule(b, comment);
	return comment;
}
