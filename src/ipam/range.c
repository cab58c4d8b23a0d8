#include "ipam/range.h"

#include <stdio.h>

static bool in_range(const struct ip_range *r, const struct ip *ip)
{
	return ip->family == r->start.family && ip_compare(&r->start, ip) <= 0 &&
	       ip_compare(ip, &r->end) <= 0;
}

static bool overlap(const struct ip_range *a, const struct ip_range *b)
{
	return in_range(a, &b->start) || in_range(a, &b->end) || in_range(b, &a->start);
}

static int check_subnet(const struct prefix *subnet, struct err *e)
{
	struct ip first = prefix_first(subnet);
	char text[PREFIX_TEXT];

	if (!subnet->ip.family)
		return err_set(e, ERR_CONFIG, NULL, "IP <nil> not v4 nor v6");
	if (subnet->len > ip_size(&subnet->ip) * 8 - 2)
		return err_set(e, ERR_CONFIG, NULL, "Network %s too small to allocate from",
			       prefix_format(text, subnet));
	if (!ip_equal(&first, &subnet->ip))
		return err_set(e, ERR_CONFIG, NULL,
			       "Network has host bits set. For a subnet mask of length %u the "
			       "network address is %s",
			       subnet->len, ip_format(text, &first));
	return 0;
}

static int outside(const char *what, const struct ip *ip, const struct prefix *subnet,
		   struct err *e)
{
	char ip_text[IP_TEXT], subnet_text[PREFIX_TEXT];

	return err_set(e, ERR_CONFIG, NULL, "%s %s not in network %s", what, ip_format(ip_text, ip),
		       prefix_format(subnet_text, subnet));
}

/* Move explicit bounds inwards to what a pod can use; refuse a range of which nothing is left. */
static int keep_usable(struct ip_range *r, struct err *e)
{
	struct ip first = r->subnet.ip;
	struct ip last = prefix_last(&r->subnet);
	struct ip start = r->start, end = r->end;
	char from[IP_TEXT], to[IP_TEXT];

	/* Neither can wrap: the subnet has at least four addresses. */
	if (ip_equal(&start, &first))
		ip_add(&start, 1);
	if (end.family == 4 && ip_equal(&end, &last))
		ip_previous(&end);
	if (ip_compare(&start, &end) > 0)
		return err_set(e, ERR_CONFIG, NULL,
			       "no usable address from RangeStart %s to RangeEnd %s",
			       ip_format(from, &r->start), ip_format(to, &r->end));
	r->start = start;
	r->end = end;
	return 0;
}

int ip_range_complete(struct ip_range *r, struct err *e)
{
	struct ip second;

	if (check_subnet(&r->subnet, e))
		return -1;
	second = r->subnet.ip;
	ip_add(&second, 1);
	if (!r->gateway.family)
		r->gateway = second;
	if (!r->start.family)
		r->start = second;
	else if (!prefix_contains(&r->subnet, &r->start) ||
		 (r->end.family && ip_compare(&r->start, &r->end) > 0))
		return outside("RangeStart", &r->start, &r->subnet, e);
	if (!r->end.family)
		r->end = prefix_last(&r->subnet); /* IPv4's broadcast is cut off below */
	else if (!prefix_contains(&r->subnet, &r->end) || ip_compare(&r->end, &r->start) < 0)
		return outside("RangeEnd", &r->end, &r->subnet, e);
	return keep_usable(r, e);
}

int range_set_check(const struct range_set *s, struct err *e)
{
	if (s->count == 0)
		return err_set(e, ERR_CONFIG, NULL, "empty range set");
	for (unsigned i = 1; i < s->count; i++)
		if (s->range[i].start.family != s->range[0].start.family)
			return err_set(e, ERR_CONFIG, NULL, "mixed address families");
	for (unsigned i = 0; i < s->count; i++) {
		for (unsigned j = i + 1; j < s->count; j++) {
			struct range_set a = {&s->range[i], 1}, b = {&s->range[j], 1};
			char a_text[2 * IP_TEXT], b_text[2 * IP_TEXT];

			if (overlap(a.range, b.range))
				return err_set(e, ERR_CONFIG, NULL, "subnets %s and %s overlap",
					       range_set_format(&a, a_text, sizeof(a_text)),
					       range_set_format(&b, b_text, sizeof(b_text)));
		}
	}
	return 0;
}

bool range_sets_overlap(const struct range_set *a, const struct range_set *b)
{
	for (unsigned i = 0; i < a->count; i++)
		for (unsigned j = 0; j < b->count; j++)
			if (overlap(&a->range[i], &b->range[j]))
				return true;
	return false;
}

const struct ip_range *range_set_find(const struct range_set *s, const struct ip *ip)
{
	for (unsigned i = 0; i < s->count; i++)
		if (in_range(&s->range[i], ip))
			return &s->range[i];
	return NULL;
}

bool range_set_is_gateway(const struct range_set *s, const struct ip *ip)
{
	for (unsigned i = 0; i < s->count; i++)
		if (ip_equal(&s->range[i].gateway, ip))
			return true;
	return false;
}

bool range_set_contains(const struct range_set *s, const struct ip *ip)
{
	return range_set_find(s, ip) && !range_set_is_gateway(s, ip);
}

/* One step round the pool, gateways included. */
static void step(const struct range_set *s, struct ip *ip)
{
	const struct ip_range *r = range_set_find(s, ip);

	if (!r)
		*ip = s->range[0].start;
	else if (ip_equal(ip, &r->end) || !ip_add(ip, 1))
		*ip = s->range[(unsigned)(r - s->range + 1) % s->count].start;
}

bool range_set_next(const struct range_set *s, struct ip *ip)
{
	/* A pool has at most a gateway for each range, so more in a row means all the way round. */
	for (unsigned gateways = 0; gateways <= s->count; gateways++) {
		step(s, ip);
		if (!range_set_is_gateway(s, ip))
			return true;
	}
	return false;
}

const char *range_set_format(const struct range_set *s, char *buf, size_t size)
{
	size_t n = 0;

	buf[0] = '\0';
	for (unsigned i = 0; i < s->count && n < size; i++) {
		char from[IP_TEXT], to[IP_TEXT];

		n += (size_t)snprintf(buf + n, size - n, "%s%s-%s", i ? "," : "",
				      ip_format(from, &s->range[i].start),
				      ip_format(to, &s->range[i].end));
	}
	return buf;
}
