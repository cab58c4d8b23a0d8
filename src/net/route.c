#include "net/route.h"

#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "netlink/attr.h"

/* IP6_RT_PRIO_USER in the kernel's include/linux/ipv6_route.h: what a route has that names none. */
#define IPV6_METRIC 1024u

static uint8_t af_of(const struct prefix *p)
{
	return p->ip.family == 6 ? AF_INET6 : AF_INET;
}

static void put_ip(struct nl_batch *b, uint16_t type, const struct ip *ip)
{
	if (ip->family)
		nl_put(b, type, ip->b, ip_size(ip));
}

/*
 * IPv4 keeps routes of one prefix in the order they came (NLM_F_APPEND). IPv6 would join those of
 * one metric into a multipath route, and half of the flows would take the wrong link.
 */
static uint32_t metric_of(const struct route_spec *r, int link)
{
	if (r->priority == 0 && r->dst.ip.family == 6 && r->dst.len == 0)
		return IPV6_METRIC + (uint32_t)link;
	return r->priority;
}

void put_route(struct nl_batch *b, int link, const struct route_spec *r)
{
	struct prefix dst = prefix_network(&r->dst);
	uint32_t table = r->table ? r->table : RT_TABLE_MAIN;
	uint32_t metric = metric_of(r, link);
	struct rtmsg head = {.rtm_family = af_of(&dst),
			     .rtm_dst_len = dst.len,
			     .rtm_table = table < 256 ? (uint8_t)table : RT_TABLE_UNSPEC,
			     .rtm_protocol = RTPROT_BOOT,
			     .rtm_scope = r->scope,
			     .rtm_type = RTN_UNICAST};

	nl_op(b, dst.len ? "add route" : "add default route", RTM_NEWROUTE,
	      NLM_F_CREATE | NLM_F_APPEND);
	nl_head(b, &head, sizeof(head));
	if (dst.len)
		put_ip(b, RTA_DST, &dst.ip);
	if (table > 255)
		nl_u32(b, RTA_TABLE, table);
	if (metric)
		nl_u32(b, RTA_PRIORITY, metric);
	nl_u32(b, RTA_OIF, (uint32_t)link);
	put_ip(b, RTA_GATEWAY, &r->gateway);
	put_ip(b, RTA_PREFSRC, &r->source);
	if (r->mtu || r->advmss) {
		nl_nest(b, RTA_METRICS) {
			if (r->mtu)
				nl_u32(b, RTAX_MTU, r->mtu);
			if (r->advmss)
				nl_u32(b, RTAX_ADVMSS, r->advmss);
		}
	}
}

void put_subnet_route_removal(struct nl_batch *b, int link, const struct prefix *address)
{
	struct prefix dst = prefix_network(address);
	struct rtmsg head = {.rtm_family = af_of(&dst),
			     .rtm_dst_len = dst.len,
			     .rtm_table = RT_TABLE_MAIN,
			     .rtm_scope = RT_SCOPE_NOWHERE}; /* whichever it has */

	nl_op(b, "remove route to the address's subnet", RTM_DELROUTE, 0);
	nl_head(b, &head, sizeof(head));
	put_ip(b, RTA_DST, &dst.ip);
	nl_u32(b, RTA_OIF, (uint32_t)link);
}

struct search {
	const struct route_spec *wanted;
	struct prefix dst; /* without host bits */
	bool found;
};

static bool is_ip(const struct nlattr *a, const struct ip *ip)
{
	size_t n;
	const void *data = nl_data(a, &n);

	return n == ip_size(ip) && memcmp(data, ip->b, n) == 0;
}

static int take_route(const struct nlmsghdr *h, unsigned op, void *arg, struct err *e)
{
	const struct rtmsg *head = nl_head_of(h, sizeof(*head));
	const struct nlattr *tb[RTA_TABLE + 1];
	struct search *s = arg;
	uint32_t table;

	(void)op, (void)e;
	if (h->nlmsg_type != RTM_NEWROUTE || !head || head->rtm_family != af_of(&s->dst) ||
	    head->rtm_dst_len != s->dst.len || head->rtm_type != RTN_UNICAST)
		return 0;
	nl_attrs_of(tb, RTA_TABLE, h, sizeof(*head));
	table = tb[RTA_TABLE] ? nl_get_u32(tb[RTA_TABLE]) : head->rtm_table;
	if ((s->dst.len && !is_ip(tb[RTA_DST], &s->dst.ip)) ||
	    (s->wanted->table && s->wanted->table != table) ||
	    (s->wanted->gateway.family && !is_ip(tb[RTA_GATEWAY], &s->wanted->gateway)))
		return 0;
	s->found = true;
	return 0;
}

int route_exists(struct nl_sock *s, const struct route_spec *r, bool *found, struct err *e)
{
	struct search search = {.wanted = r, .dst = prefix_network(&r->dst)};
	struct rtmsg all = {.rtm_family = af_of(&r->dst)};
	struct nl_batch b;

	nl_batch_init(&b);
	nl_op(&b, "list routes", RTM_GETROUTE, NLM_F_DUMP);
	nl_head(&b, &all, sizeof(all));
	if (nl_dump(s, &b, take_route, &search, e))
		return -1;
	*found = search.found;
	return 0;
}
