#include "net/address.h"

#include <errno.h>
#include <linux/ip.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>

#include "net/link.h"
#include "netlink/attr.h"

/* IP6_RT_PRIO_USER in the kernel's include/linux/ipv6_route.h: what a route has that names none. */
#define IPV6_METRIC 1024u

static uint8_t af_of(const struct ip *ip)
{
	return ip->family == 6 ? AF_INET6 : AF_INET;
}

static struct ip ip_of(uint8_t af, const struct nlattr *a)
{
	struct ip ip = {.family = af == AF_INET6 ? 6 : 4};
	size_t n;
	const void *data = nl_data(a, &n);

	if (n != ip_size(&ip))
		return (struct ip){0};
	memcpy(ip.b, data, n);
	return ip;
}

static void put_ifaddr(struct nl_batch *b, int link, const struct prefix *address)
{
	struct ifaddrmsg info = {.ifa_family = af_of(&address->ip),
				 .ifa_prefixlen = address->len,
				 .ifa_index = (unsigned)link};

	nl_head(b, &info, sizeof(info));
	nl_put(b, IFA_LOCAL, address->ip.b, ip_size(&address->ip));
	nl_put(b, IFA_ADDRESS, address->ip.b, ip_size(&address->ip));
}

void put_address(struct nl_batch *b, int link, const struct prefix *address, bool tested)
{
	struct ip last = prefix_last(address);

	nl_op(b, "add address", RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
	put_ifaddr(b, link, address);
	if (address->ip.family == 6)
		nl_u32(b, IFA_FLAGS, tested ? 0 : IFA_F_NODAD);
	else if (address->len <= 30) /* RFC 3021: shorter subnets have no broadcast */
		nl_put(b, IFA_BROADCAST, last.b, ip_size(&last));
}

void put_announcing(struct nl_batch *b, int link)
{
	nl_op(b, "set arp_notify", RTM_NEWLINK, 0);
	put_ifinfo(b, 0, link, 0);
	nl_nest(b, IFLA_AF_SPEC)
		nl_nest(b, AF_INET)
			nl_nest(b, IFLA_INET_CONF)
				nl_u32(b, IPV4_DEVCONF_ARP_NOTIFY, 1);
}

void put_default_route(struct nl_batch *b, int link, const struct ip *gateway)
{
	struct rtmsg route = {.rtm_family = af_of(gateway),
			      .rtm_table = RT_TABLE_MAIN,
			      .rtm_protocol = RTPROT_BOOT,
			      .rtm_scope = RT_SCOPE_UNIVERSE,
			      .rtm_type = RTN_UNICAST};

	nl_op(b, "add default route", RTM_NEWROUTE, NLM_F_CREATE | NLM_F_APPEND);
	nl_head(b, &route, sizeof(route));
	/*
	 * IPv4 keeps routes of one prefix in the order they came. IPv6 would join those of one
	 * metric into a multipath route, and half of the flows would take the wrong link.
	 */
	if (gateway->family == 6)
		nl_u32(b, RTA_PRIORITY, IPV6_METRIC + (uint32_t)link);
	nl_u32(b, RTA_OIF, (uint32_t)link);
	nl_put(b, RTA_GATEWAY, gateway->b, ip_size(gateway));
}

/* Apply b. Gives 0; 1 for an answer of errno harmless; -1 with e set. */
static int apply_unless(struct nl_sock *s, struct nl_batch *b, int harmless, struct err *e)
{
	if (nl_apply(s, b, e) == 0)
		return 0;
	if (e->sys != harmless)
		return -1;
	err_clear(e);
	return 1;
}

int address_add(struct nl_sock *s, int link, const struct prefix *address, struct err *e)
{
	struct nl_batch b;

	nl_batch_init(&b);
	put_address(&b, link, address, false);
	return apply_unless(s, &b, EEXIST, e);
}

int address_remove(struct nl_sock *s, int link, const struct prefix *address, struct err *e)
{
	struct nl_batch b;

	nl_batch_init(&b);
	nl_op(&b, "remove address", RTM_DELADDR, 0);
	put_ifaddr(&b, link, address);
	return apply_unless(s, &b, EADDRNOTAVAIL, e) < 0 ? -1 : 0;
}

struct address_search {
	uint8_t af;
	int link;		     /* 0: any */
	const struct prefix *wanted; /* NULL: the first one */
	bool any_scope;
	const struct ip *address; /* wanted, whatever its prefix length; NULL: any */
	struct prefix found;
	int found_link;
};

static int take_address(const struct nlmsghdr *h, unsigned op, void *arg, struct err *e)
{
	struct address_search *search = arg;
	const struct nlattr *tb[IFA_LOCAL + 1];
	const struct ifaddrmsg *info = nl_head_of(h, sizeof(*info));
	struct prefix p;

	(void)op, (void)e;
	if (h->nlmsg_type != RTM_NEWADDR || !info || search->found.ip.family)
		return 0;
	/* Asked for a family that it lacks, a kernel lists the addresses of all others. */
	if (info->ifa_family != search->af)
		return 0;
	if (search->link && (int)info->ifa_index != search->link)
		return 0;
	nl_attrs_of(tb, IFA_LOCAL, h, sizeof(*info));
	p.len = info->ifa_prefixlen;
	p.ip = ip_of(info->ifa_family, tb[IFA_LOCAL] ? tb[IFA_LOCAL] : tb[IFA_ADDRESS]);
	if (search->address  ? !ip_equal(&p.ip, search->address)
	    : search->wanted ? !prefix_equal(&p, search->wanted)
			     : !search->any_scope && info->ifa_scope != RT_SCOPE_UNIVERSE)
		return 0;
	search->found = p;
	search->found_link = (int)info->ifa_index;
	return 0;
}

static int search_addresses(struct nl_sock *s, uint8_t family, struct address_search *search,
			    struct err *e)
{
	struct ifaddrmsg all = {.ifa_family = family == 6 ? AF_INET6 : AF_INET,
				.ifa_index = (unsigned)search->link};
	struct nl_batch b;
	int result;

	search->af = all.ifa_family;
	nl_batch_init(&b);
	nl_op(&b, "list addresses", RTM_GETADDR, NLM_F_DUMP);
	nl_head(&b, &all, sizeof(all));
	/* With kube-proxy's ipvs, a node has an address for each service. */
	if (search->link)
		nl_be_strict(s, true);
	result = nl_dump(s, &b, take_address, search, e);
	if (search->link)
		nl_be_strict(s, false);
	return result;
}

int address_look(struct nl_sock *s, int link, const struct prefix *address, bool *found,
		 struct err *e)
{
	struct address_search search = {.link = link, .wanted = address};

	if (search_addresses(s, address->ip.family, &search, e))
		return -1;
	*found = search.found.ip.family != 0;
	return 0;
}

int address_first(struct nl_sock *s, int link, uint8_t family, bool any_scope,
		  struct prefix *address, struct err *e)
{
	struct address_search search = {.link = link, .any_scope = any_scope};

	if (search_addresses(s, family, &search, e))
		return -1;
	*address = search.found;
	return 0;
}

struct address_list {
	int link;
	uint8_t af;
	struct address *address;
	unsigned max, count;
};

static int take_listed(const struct nlmsghdr *h, unsigned op, void *arg, struct err *e)
{
	struct address_list *list = arg;
	const struct nlattr *tb[IFA_FLAGS + 1];
	const struct ifaddrmsg *info = nl_head_of(h, sizeof(*info));
	struct address *a;
	uint32_t flags;

	(void)op, (void)e;
	if (h->nlmsg_type != RTM_NEWADDR || !info || (int)info->ifa_index != list->link ||
	    info->ifa_family != list->af || list->count == list->max)
		return 0;
	nl_attrs_of(tb, IFA_FLAGS, h, sizeof(*info));
	flags = tb[IFA_FLAGS] ? nl_get_u32(tb[IFA_FLAGS]) : info->ifa_flags;
	a = &list->address[list->count++];
	*a = (struct address){
		.prefix = {.ip = ip_of(info->ifa_family,
				       tb[IFA_LOCAL] ? tb[IFA_LOCAL] : tb[IFA_ADDRESS]),
			   .len = info->ifa_prefixlen},
		.is_global = info->ifa_scope == RT_SCOPE_UNIVERSE,
		.tentative = flags & IFA_F_TENTATIVE,
		.duplicate = flags & IFA_F_DADFAILED,
	};
	return 0;
}

int address_list(struct nl_sock *s, int link, uint8_t family, struct address *address, unsigned max,
		 unsigned *count, struct err *e)
{
	struct address_list list = {.link = link, .address = address, .max = max};
	struct ifaddrmsg all = {.ifa_family = family == 6 ? AF_INET6 : AF_INET};
	struct nl_batch b;

	list.af = all.ifa_family;
	nl_batch_init(&b);
	nl_op(&b, "list addresses", RTM_GETADDR, NLM_F_DUMP);
	nl_head(&b, &all, sizeof(all));
	if (nl_dump(s, &b, take_listed, &list, e))
		return -1;
	*count = list.count;
	return 0;
}

int address_link(struct nl_sock *s, const struct ip *address, int *link, struct err *e)
{
	struct address_search search = {.address = address};

	if (search_addresses(s, address->family, &search, e))
		return -1;
	*link = search.found_link;
	return 0;
}

void put_route_question(struct nl_batch *b, const struct ip *destination)
{
	struct rtmsg info = {.rtm_family = af_of(destination),
			     .rtm_dst_len = (uint8_t)(8 * ip_size(destination)),
			     .rtm_flags = RTM_F_FIB_MATCH};

	nl_op(b, "look up route", RTM_GETROUTE, 0);
	nl_head(b, &info, sizeof(info));
	nl_put(b, RTA_DST, destination->b, ip_size(destination));
}

/* A route over several links: the first one stands for all. */
static void read_multipath(struct route *r, uint8_t af, const struct nlattr *hops)
{
	const struct nlattr *tb[RTA_GATEWAY + 1];
	size_t n;
	const struct rtnexthop *first = nl_data(hops, &n);

	if (n < sizeof(*first) || first->rtnh_len < sizeof(*first) || first->rtnh_len > n)
		return;
	nl_attrs(tb, RTA_GATEWAY, first + 1, first->rtnh_len - sizeof(*first));
	r->link = first->rtnh_ifindex;
	if (tb[RTA_GATEWAY])
		r->gateway = ip_of(af, tb[RTA_GATEWAY]);
}

void route_read(struct route *r, const struct nlmsghdr *h)
{
	const struct nlattr *tb[RTA_VIA + 1];
	const struct rtmsg *info = nl_head_of(h, sizeof(*info));

	memset(r, 0, sizeof(*r));
	if (h->nlmsg_type != RTM_NEWROUTE || !info)
		return;
	nl_attrs_of(tb, RTA_VIA, h, sizeof(*info));
	r->found = info->rtm_type == RTN_UNICAST || info->rtm_type == RTN_LOCAL;
	r->is_local = info->rtm_type == RTN_LOCAL;
	r->link = (int)nl_get_u32(tb[RTA_OIF]);
	r->prefix_len = info->rtm_dst_len;
	r->protocol = info->rtm_protocol;
	if (tb[RTA_GATEWAY])
		r->gateway = ip_of(info->rtm_family, tb[RTA_GATEWAY]);
	if (!tb[RTA_OIF])
		read_multipath(r, info->rtm_family, tb[RTA_MULTIPATH]);
	if (tb[RTA_PREFSRC])
		r->source = ip_of(info->rtm_family, tb[RTA_PREFSRC]);
}

static int take_route(const struct nlmsghdr *h, unsigned op, void *arg, struct err *e)
{
	(void)op, (void)e;
	route_read(arg, h);
	return 0;
}

int route_look(struct nl_sock *s, const struct ip *destination, struct route *r, struct err *e)
{
	struct nl_batch b;

	memset(r, 0, sizeof(*r));
	nl_batch_init(&b);
	put_route_question(&b, destination);
	if (nl_ask(s, &b, take_route, r, e) == 0)
		return 0;
	/* What a lookup that finds nothing answers, by family and version; or has no such family. */
	if (e->sys != ENETUNREACH && e->sys != EHOSTUNREACH && e->sys != EACCES &&
	    e->sys != EINVAL && e->sys != EOPNOTSUPP)
		return -1;
	err_clear(e);
	return 0;
}

struct ip route_outside(uint8_t family)
{
	if (family == 6)
		return (struct ip){.family = 6, .b = {0x20, 0x01, 0x0d, 0xb8, [15] = 1}};
	return (struct ip){.family = 4, .b = {192, 0, 2, 1}};
}
