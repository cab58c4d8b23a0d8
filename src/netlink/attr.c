#include "netlink/attr.h"

#include <arpa/inet.h>
#include <endian.h>
#include <linux/netlink.h>
#include <string.h>

/* Size of a fixed header as it lies in the message. */
#define ALIGNED(n) (((n) + 3u) & ~(size_t)3u)
#define HEADER	   sizeof(struct nlattr)

/* The attribute at p if it is whole within end, else NULL. */
static const struct nlattr *whole(const unsigned char *p, const unsigned char *end)
{
	const struct nlattr *a = (const struct nlattr *)(const void *)p;

	if (p > end || (size_t)(end - p) < HEADER || a->nla_len < HEADER ||
	    a->nla_len > (size_t)(end - p))
		return NULL;
	return a;
}

static const unsigned char *end_of(const struct nlattr *a)
{
	return (const unsigned char *)a + a->nla_len;
}

static const struct nlattr *next_within(const struct nlattr *a, const unsigned char *end)
{
	return whole((const unsigned char *)a + ALIGNED(a->nla_len), end);
}

void nl_attrs(const struct nlattr **tb, uint16_t max, const void *data, size_t len)
{
	const unsigned char *end;

	memset(tb, 0, (max + (size_t)1) * sizeof(*tb));
	if (!data)
		return;
	end = (const unsigned char *)data + len;
	for (const struct nlattr *a = whole(data, end); a; a = next_within(a, end))
		if (nl_type(a) <= max)
			tb[nl_type(a)] = a;
}

void nl_attrs_of(const struct nlattr **tb, uint16_t max, const struct nlmsghdr *h, size_t head)
{
	size_t skip = sizeof(*h) + ALIGNED(head);
	size_t len = h->nlmsg_len > skip ? h->nlmsg_len - skip : 0;

	nl_attrs(tb, max, (const unsigned char *)h + skip, len);
}

void nl_attrs_in(const struct nlattr **tb, uint16_t max, const struct nlattr *nest)
{
	size_t len;
	const void *data = nl_data(nest, &len);

	nl_attrs(tb, max, data, len);
}

const struct nlmsghdr *nl_message(const void *buf, size_t len, const struct nlmsghdr *h)
{
	const unsigned char *start = buf;
	size_t at = h ? (size_t)((const unsigned char *)h - start) + ALIGNED(h->nlmsg_len) : 0;

	if (at > len || len - at < sizeof(*h))
		return NULL;
	h = (const struct nlmsghdr *)(const void *)(start + at);
	return h->nlmsg_len >= sizeof(*h) && h->nlmsg_len <= len - at ? h : NULL;
}

const void *nl_head_of(const struct nlmsghdr *h, size_t n)
{
	return h->nlmsg_len >= sizeof(*h) + n ? h + 1 : NULL;
}

const void *nl_data(const struct nlattr *a, size_t *len)
{
	*len = a ? a->nla_len - HEADER : 0;
	return a ? a + 1 : NULL;
}

/* n bytes of payload into out; zeroes unless that many are there. */
static void get(const struct nlattr *a, void *out, size_t n)
{
	size_t len;
	const void *data = nl_data(a, &len);

	memset(out, 0, n);
	if (data && len >= n)
		memcpy(out, data, n);
}

uint8_t nl_get_u8(const struct nlattr *a)
{
	uint8_t v;

	get(a, &v, sizeof(v));
	return v;
}

uint32_t nl_get_u32(const struct nlattr *a)
{
	uint32_t v;

	get(a, &v, sizeof(v));
	return v;
}

uint32_t nl_get_be32(const struct nlattr *a)
{
	return ntohl(nl_get_u32(a));
}

uint64_t nl_get_be64(const struct nlattr *a)
{
	uint64_t v;

	get(a, &v, sizeof(v));
	return be64toh(v);
}

const char *nl_get_str(const struct nlattr *a)
{
	size_t len;
	const char *s = nl_data(a, &len);

	return len && s[len - 1] == '\0' ? s : "";
}

const struct nlattr *nl_first(const struct nlattr *nest)
{
	size_t len;
	const unsigned char *data = nl_data(nest, &len);

	return data ? whole(data, data + len) : NULL;
}

const struct nlattr *nl_following(const struct nlattr *nest, const struct nlattr *a)
{
	return next_within(a, end_of(nest));
}

uint16_t nl_type(const struct nlattr *a)
{
	return (uint16_t)(a->nla_type & ~(NLA_F_NESTED | NLA_F_NET_BYTEORDER));
}
