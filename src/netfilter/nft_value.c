#include "netfilter/nft_value.h"

#include <linux/netfilter/nf_tables.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "base/compiler.h"
#include "netfilter/nft.h"

/* Two addresses. */
#define INTERVAL_TEXT ((size_t)2 * VALUE_TEXT)

/* Protocols of layer 4 by IANA's numbers. */
enum { ICMP = 1, TCP = 6, UDP = 17, ICMP6 = 58, SCTP = 132 };

static const struct nft_operand none = {.words = "", .kind = VALUE_NONE};

/* --- operands --------------------------------------------------------------------------------- */

static struct nft_operand of(const char *words, enum value_kind kind)
{
	return (struct nft_operand){.words = words, .kind = kind};
}

static struct nft_operand network_operand(bool v6, uint32_t offset, uint32_t len)
{
	uint32_t source = nft_address_offset(v6 ? 6 : 4, NFT_SOURCE);
	uint32_t destination = nft_address_offset(v6 ? 6 : 4, NFT_DESTINATION);
	enum value_kind address = v6 ? VALUE_ADDRESS6 : VALUE_ADDRESS4;

	if (offset == source && len <= (v6 ? 16 : 4))
		return of(v6 ? "ip6 saddr" : "ip saddr", address);
	if (offset == destination && len <= (v6 ? 16 : 4))
		return of(v6 ? "ip6 daddr" : "ip daddr", address);
	if (len != 1)
		return none;
	if (offset == (v6 ? 6 : 9))
		return of(v6 ? "ip6 nexthdr" : "ip protocol", VALUE_PROTOCOL);
	if (offset == (v6 ? 7 : 8))
		return of(v6 ? "ip6 hoplimit" : "ip ttl", VALUE_NUMBER);
	return none;
}

static struct nft_operand transport_operand(uint8_t l4proto, uint32_t offset, uint32_t len)
{
	static const struct {
		uint8_t l4proto;
		const char *source, *destination;
	} ports[] = {
		{TCP, "tcp sport", "tcp dport"},
		{UDP, "udp sport", "udp dport"},
		{SCTP, "sctp sport", "sctp dport"},
		{0, "th sport", "th dport"},
	};

	if (l4proto == ICMP && offset == 0 && len == 1)
		return of("icmp type", VALUE_ICMP);
	if (l4proto == ICMP6 && offset == 0 && len == 1)
		return of("icmpv6 type", VALUE_ICMP6);
	for (size_t i = 0; i < ARRAY_SIZE(ports) && len == 2 && offset <= 2; i++)
		if (ports[i].l4proto == l4proto && offset % 2 == 0)
			return of(offset ? ports[i].destination : ports[i].source, VALUE_NUMBER);
	return none;
}

struct nft_operand nft_payload_operand(uint8_t nfproto, uint8_t l4proto, uint32_t base,
				       uint32_t offset, uint32_t len)
{
	if (base == NFT_PAYLOAD_TRANSPORT_HEADER)
		return transport_operand(l4proto, offset, len);
	if (base == NFT_PAYLOAD_NETWORK_HEADER &&
	    (nfproto == NFPROTO_IPV4 || nfproto == NFPROTO_IPV6))
		return network_operand(nfproto == NFPROTO_IPV6, offset, len);
	return none;
}

struct nft_operand nft_meta_operand(uint32_t key)
{
	static const struct {
		uint32_t key;
		struct nft_operand operand;
	} known[] = {
		{NFT_META_IIFNAME, {"iifname", VALUE_NAME, true}},
		{NFT_META_OIFNAME, {"oifname", VALUE_NAME, true}},
		{NFT_META_IIF, {"iif", VALUE_INDEX, true}},
		{NFT_META_OIF, {"oif", VALUE_INDEX, true}},
		{NFT_META_MARK, {"meta mark", VALUE_MARK, true}},
		{NFT_META_NFPROTO, {"meta nfproto", VALUE_NFPROTO, true}},
		{NFT_META_PROTOCOL, {"meta protocol", VALUE_ETHERTYPE, true}},
		{NFT_META_L4PROTO, {"meta l4proto", VALUE_PROTOCOL, true}},
		{NFT_META_PKTTYPE, {"meta pkttype", VALUE_PACKET_TYPE, true}},
		{NFT_META_BRI_IIFNAME, {"meta ibrname", VALUE_NAME, true}},
		{NFT_META_BRI_OIFNAME, {"meta obrname", VALUE_NAME, true}},
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (known[i].key == key)
			return known[i].operand;
	return none;
}

struct nft_operand nft_ct_operand(uint32_t key)
{
	if (key == NFT_CT_STATE)
		return of("ct state", VALUE_STATE);
	return key == NFT_CT_MARK ? of("ct mark", VALUE_MARK) : none;
}

struct nft_operand nft_fib_operand(uint32_t result, uint32_t flags)
{
	if (result != NFT_FIB_RESULT_ADDRTYPE)
		return none;
	if (flags == NFTA_FIB_F_DADDR)
		return of("fib daddr type", VALUE_ADDRESS_TYPE);
	return flags == NFTA_FIB_F_SADDR ? of("fib saddr type", VALUE_ADDRESS_TYPE) : none;
}

/* --- values ----------------------------------------------------------------------------------- */

struct word {
	uint32_t value;
	const char *text;
};

/* The word for a value among those up to the one without a text; numbers where there is none. */
static bool put_word(char text[static VALUE_TEXT], const struct word *words, uint32_t value)
{
	for (; words->text; words++) {
		if (words->value == value) {
			snprintf(text, VALUE_TEXT, "%s", words->text);
			return true;
		}
	}
	snprintf(text, VALUE_TEXT, "%u", value);
	return true;
}

static bool put_address(char text[static VALUE_TEXT], uint8_t family, const uint8_t *value,
			size_t n)
{
	struct ip ip = {.family = family};
	size_t size = ip_size(&ip);
	char ip_text[IP_TEXT];

	if (n > size)
		return false;
	memcpy(ip.b, value, n);
	ip_format(ip_text, &ip);
	if (n == size)
		snprintf(text, VALUE_TEXT, "%s", ip_text);
	else /* a prefix of whole bytes is compared without a mask */
		snprintf(text, VALUE_TEXT, "%s/%u", ip_text, (unsigned)n * 8);
	return true;
}

/* Of the first letters of names only the begin is compared. */
static bool put_name(char text[static VALUE_TEXT], const uint8_t *value, size_t n)
{
	snprintf(text, VALUE_TEXT, "\"%.*s%s\"", (int)strnlen((const char *)value, n), value,
		 memchr(value, 0, n) || n == IFNAMSIZ ? "" : "*");
	return n <= IFNAMSIZ;
}

static uint32_t host_number(const uint8_t *value, size_t n)
{
	uint32_t v = 0;

	memcpy(&v, value, n < sizeof(v) ? n : sizeof(v));
	return v;
}

static bool put_number(char text[static VALUE_TEXT], const uint8_t *value, size_t n)
{
	uint32_t v = 0;

	for (size_t i = 0; i < n; i++)
		v = v << 8 | value[i];
	snprintf(text, VALUE_TEXT, "%u", v);
	return n <= sizeof(v);
}

static bool put_index(char text[static VALUE_TEXT], const uint8_t *value, size_t n)
{
	char name[IF_NAMESIZE];

	if (n != sizeof(uint32_t))
		return false;
	if (if_indextoname(host_number(value, n), name))
		snprintf(text, VALUE_TEXT, "\"%s\"", name);
	else
		snprintf(text, VALUE_TEXT, "%u", host_number(value, n));
	return true;
}

static bool put_states(char text[static VALUE_TEXT], uint32_t bits)
{
	/* In nft's order; the bits are those of nf_conntrack_common.h. */
	static const struct word states[] = {
		{1 << 0, "invalid"}, {1 << 1, "established"}, {1 << 2, "related"},
		{1 << 3, "new"},     {1 << 6, "untracked"},
	};
	size_t n = 0;

	*text = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		if (!(bits & states[i].value))
			continue;
		n += (size_t)snprintf(text + n, VALUE_TEXT - n, "%s%s", n ? "," : "",
				      states[i].text);
		bits &= ~states[i].value;
	}
	return n && !bits;
}

bool nft_value_format(char text[static VALUE_TEXT], enum value_kind kind, const uint8_t *value,
		      size_t n)
{
	static const struct word nfprotos[] = {{NFPROTO_IPV4, "ipv4"}, {NFPROTO_IPV6, "ipv6"}, {0}};
	static const struct word ethertypes[] = {
		{0x0800, "ip"}, {0x86dd, "ip6"}, {0x0806, "arp"}, {0}};
	static const struct word protocols[] = {
		{ICMP, "icmp"}, {TCP, "tcp"}, {UDP, "udp"}, {ICMP6, "ipv6-icmp"},
		{SCTP, "sctp"}, {50, "esp"},  {51, "ah"},   {0},
	};
	static const struct word icmp[] = {
		{0, "echo-reply"},   {3, "destination-unreachable"}, {5, "redirect"},
		{8, "echo-request"}, {11, "time-exceeded"},	     {0},
	};
	static const struct word icmp6[] = {
		{1, "destination-unreachable"},
		{2, "packet-too-big"},
		{3, "time-exceeded"},
		{128, "echo-request"},
		{129, "echo-reply"},
		{133, "nd-router-solicit"},
		{134, "nd-router-advert"},
		{135, "nd-neighbor-solicit"},
		{136, "nd-neighbor-advert"},
		{0},
	};
	static const struct word packets[] = {
		{0, "host"}, {1, "broadcast"}, {2, "multicast"}, {3, "other"}, {0}};
	static const struct word types[] = {
		{RTN_UNICAST, "unicast"},
		{RTN_LOCAL, "local"},
		{RTN_BROADCAST, "broadcast"},
		{RTN_MULTICAST, "multicast"},
		{0},
	};

	switch (kind) {
	case VALUE_NONE:
		return false;
	case VALUE_ADDRESS4:
		return put_address(text, 4, value, n);
	case VALUE_ADDRESS6:
		return put_address(text, 6, value, n);
	case VALUE_NAME:
		return put_name(text, value, n);
	case VALUE_INDEX:
		return put_index(text, value, n);
	case VALUE_NUMBER:
		return put_number(text, value, n);
	case VALUE_MARK:
		snprintf(text, VALUE_TEXT, "0x%08x", host_number(value, n));
		return n == 4;
	case VALUE_NFPROTO:
		return put_word(text, nfprotos, *value);
	case VALUE_ETHERTYPE:
		return n == 2 && put_word(text, ethertypes, (uint32_t)(value[0] << 8 | value[1]));
	case VALUE_PROTOCOL:
		return put_word(text, protocols, *value);
	case VALUE_ICMP:
		return put_word(text, icmp, *value);
	case VALUE_ICMP6:
		return put_word(text, icmp6, *value);
	case VALUE_STATE:
		return n == 4 && put_states(text, host_number(value, n));
	case VALUE_PACKET_TYPE:
		return put_word(text, packets, *value);
	case VALUE_ADDRESS_TYPE:
		return put_word(text, types, host_number(value, n));
	}
	return false;
}

/* --- sets ------------------------------------------------------------------------------------- */

/* The least key above that of x; NULL: there is none. */
static const struct nft_kept_element *following(const struct nft_kept_set *s, const uint8_t *key)
{
	const struct nft_kept_element *best = NULL;

	for (const struct nft_kept_element *x = s->first; x; x = x->next)
		if (x->key && x->key_len == s->key_len &&
		    (!key || memcmp(x->key, key, s->key_len) > 0) &&
		    (!best || memcmp(x->key, best->key, s->key_len) < 0))
			best = x;
	return best;
}

/* "10.0.0.0/8", "10.0.0.1" or "10.0.0.1-10.0.0.9": what lies from one key up to before another. */
static bool put_interval(char text[static INTERVAL_TEXT], enum value_kind kind, const uint8_t *from,
			 const uint8_t *end, size_t n)
{
	struct ip first = {.family = kind == VALUE_ADDRESS6 ? 6 : 4}, last = first, seen;
	char a[VALUE_TEXT], b[VALUE_TEXT];
	struct prefix p;

	if ((kind != VALUE_ADDRESS4 && kind != VALUE_ADDRESS6) || n != ip_size(&first))
		return false;
	memcpy(first.b, from, n);
	memset(last.b, 0xff, n);
	if (end) {
		memcpy(last.b, end, n);
		if (!ip_previous(&last))
			return false;
	}
	for (p = (struct prefix){.ip = first, .len = (uint8_t)(n * 8)};; p.len--) {
		struct prefix network = prefix_network(&p);

		seen = prefix_last(&p);
		if (!ip_equal(&network.ip, &first) || ip_compare(&seen, &last) > 0) {
			ip_format(a, &first);
			ip_format(b, &last);
			snprintf(text, INTERVAL_TEXT, "%s-%s", a, b);
			return true;
		}
		if (ip_equal(&seen, &last)) {
			ip_format(a, &first);
			if (p.len == n * 8)
				snprintf(text, INTERVAL_TEXT, "%s", a);
			else
				snprintf(text, INTERVAL_TEXT, "%s/%u", a, p.len);
			return true;
		}
		if (p.len == 0)
			return false;
	}
}

bool nft_set_format(char *out, size_t size, enum value_kind kind, const struct nft_kept_set *s)
{
	const struct nft_kept_element *x = NULL, *end;
	size_t n = (size_t)snprintf(out, size, "{");
	bool any = false;

	while ((x = following(s, x ? x->key : NULL))) {
		char text[INTERVAL_TEXT];

		if (x->ranged || x->data || x->flags & NFT_SET_ELEM_CATCHALL)
			return false;
		if (s->flags & NFT_SET_INTERVAL) {
			if (x->flags & NFT_SET_ELEM_INTERVAL_END)
				continue;
			end = following(s, x->key);
			if (!put_interval(text, kind, x->key, end ? end->key : NULL, s->key_len))
				return false;
		} else if (!nft_value_format(text, kind, x->key, x->key_len)) {
			return false;
		}
		n += (size_t)snprintf(out + n, size - n, "%s %s", any ? "," : "", text);
		if (n + 3 > size)
			return false;
		any = true;
	}
	snprintf(out + n, size - n, " }");
	return any;
}
