#include "base/ip.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static const uint8_t v4_mapped[12] = {[10] = 0xff, [11] = 0xff};

size_t ip_size(const struct ip *ip)
{
	return ip->family == 6 ? 16 : 4;
}

bool ip_parse(struct ip *ip, const char *text)
{
	struct ip got = {0};

	if (inet_pton(AF_INET, text, got.b) == 1) {
		got.family = 4;
	} else if (inet_pton(AF_INET6, text, got.b) == 1) {
		got.family = 6;
		if (memcmp(got.b, v4_mapped, sizeof(v4_mapped)) == 0) {
			memmove(got.b, got.b + 12, 4);
			memset(got.b + 4, 0, 12);
			got.family = 4;
		}
	} else {
		return false;
	}
	*ip = got;
	return true;
}

/* One to three digits without a leading zero, at most max. */
static bool parse_length(uint8_t *out, const char *text, unsigned max)
{
	unsigned n = 0;
	size_t i;

	for (i = 0; text[i] >= '0' && text[i] <= '9' && i < 3; i++)
		n = n * 10 + (unsigned)(text[i] - '0');
	if (i == 0 || text[i] || n > max || (text[0] == '0' && i > 1))
		return false;
	*out = (uint8_t)n;
	return true;
}

bool prefix_parse(struct prefix *p, const char *text)
{
	const char *slash = strchr(text, '/');
	char address[IP_TEXT];
	struct prefix got = {0};
	size_t n = slash ? (size_t)(slash - text) : 0;

	if (!slash || n >= sizeof(address))
		return false;
	memcpy(address, text, n);
	address[n] = '\0';
	if (!ip_parse(&got.ip, address))
		return false;
	if (got.ip.family == 4 && strchr(address, ':'))
		return false;
	if (!parse_length(&got.len, slash + 1, got.ip.family == 4 ? 32 : 128))
		return false;
	*p = got;
	return true;
}

static unsigned group(const struct ip *ip, size_t i)
{
	return (unsigned)ip->b[2 * i] << 8 | ip->b[2 * i + 1];
}

/*
 * RFC 5952, section 4: the first of the longest runs of two or more zero groups becomes "::". Not
 * left to inet_ntop: musl's may choose a later run, glibc's writes ::102:304 as ::1.2.3.4.
 */
static void format_v6(char *buf, const struct ip *ip)
{
	unsigned best = 8, longest = 1;
	size_t n = 0;

	for (unsigned i = 0; i < 8; i++) {
		unsigned run = 0;

		while (i + run < 8 && group(ip, i + run) == 0)
			run++;
		if (run > longest) {
			best = i;
			longest = run;
		}
	}
	for (unsigned i = 0; i < 8; i++) {
		if (i == best) {
			n += (size_t)snprintf(buf + n, IP_TEXT - n, "::");
			i += longest - 1;
		} else {
			const char *colon = i == 0 || i == best + longest ? "" : ":";

			n += (size_t)snprintf(buf + n, IP_TEXT - n, "%s%x", colon, group(ip, i));
		}
	}
}

const char *ip_format(char buf[static IP_TEXT], const struct ip *ip)
{
	if (ip->family == 6)
		format_v6(buf, ip);
	else
		snprintf(buf, IP_TEXT, "%u.%u.%u.%u", ip->b[0], ip->b[1], ip->b[2], ip->b[3]);
	return buf;
}

const char *prefix_format(char buf[static PREFIX_TEXT], const struct prefix *p)
{
	char ip[IP_TEXT];

	snprintf(buf, PREFIX_TEXT, "%s/%u", ip_format(ip, &p->ip), p->len);
	return buf;
}

int ip_compare(const struct ip *a, const struct ip *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return memcmp(a->b, b->b, ip_size(a));
}

bool ip_equal(const struct ip *a, const struct ip *b)
{
	return ip_compare(a, b) == 0;
}

bool ip_add(struct ip *ip, uint32_t n)
{
	uint64_t carry = n;

	for (size_t i = ip_size(ip); i-- > 0 && carry;) {
		carry += ip->b[i];
		ip->b[i] = (uint8_t)carry;
		carry >>= 8;
	}
	return carry == 0;
}

bool ip_previous(struct ip *ip)
{
	for (size_t i = ip_size(ip); i-- > 0;)
		if (ip->b[i]--)
			return true;
	return false;
}

uint64_t ip_distance(const struct ip *a, const struct ip *b)
{
	size_t size = ip_size(a);
	uint64_t n = 0;
	uint8_t diff[16] = {0};
	int borrow = 0;

	for (size_t i = size; i-- > 0;) {
		int d = b->b[i] - a->b[i] - borrow;

		borrow = d < 0;
		diff[i] = (uint8_t)d;
	}
	for (size_t i = 0; i < size; i++) {
		if (n >> 56)
			return UINT64_MAX;
		n = n << 8 | diff[i];
	}
	return n;
}

/* The prefix's address with every host bit clear, or set. */
static struct ip fill_host_bits(const struct prefix *p, bool ones)
{
	struct ip ip = p->ip;

	for (size_t i = 0; i < ip_size(&ip); i++) {
		unsigned before = (unsigned)i * 8;
		unsigned host = p->len <= before       ? 8
				: p->len >= before + 8 ? 0
						       : before + 8 - p->len;
		uint8_t mask = (uint8_t)((1u << host) - 1);

		ip.b[i] = (uint8_t)(ones ? ip.b[i] | mask : ip.b[i] & ~mask);
	}
	return ip;
}

struct ip prefix_first(const struct prefix *p)
{
	return fill_host_bits(p, false);
}

struct ip prefix_last(const struct prefix *p)
{
	return fill_host_bits(p, true);
}

struct prefix prefix_network(const struct prefix *p)
{
	return (struct prefix){.ip = prefix_first(p), .len = p->len};
}

bool prefix_contains(const struct prefix *p, const struct ip *ip)
{
	struct prefix other = {.ip = *ip, .len = p->len};
	struct ip a = prefix_first(p);
	struct ip b = prefix_first(&other);

	return ip_equal(&a, &b);
}

bool prefix_equal(const struct prefix *a, const struct prefix *b)
{
	return a->len == b->len && ip_equal(&a->ip, &b->ip);
}
