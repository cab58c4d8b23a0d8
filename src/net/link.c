#include "net/link.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/ipv6.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "netlink/attr.h"

void put_ifinfo(struct nl_batch *b, uint8_t family, int index, unsigned flags)
{
	struct ifinfomsg info = {
		.ifi_family = family, .ifi_index = index, .ifi_flags = flags, .ifi_change = flags};

	nl_head(b, &info, sizeof(info));
}

/* A question without its counters: they are most of the answer, and of the work of making it. */
static void put_question(struct nl_batch *b, const char *label, uint16_t flags, int index)
{
	nl_op(b, label, RTM_GETLINK, flags);
	put_ifinfo(b, 0, index, 0);
	nl_u32(b, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
}

static void copy_text(char *out, size_t size, const struct nlattr *a)
{
	snprintf(out, size, "%s", nl_get_str(a));
}

/* The settings of IPv6 (net.ipv6.conf.LINK) are told as an array of numbers. */
static bool hears_ra(const struct nlattr *families)
{
	const struct nlattr *family[AF_INET6 + 1], *ipv6[IFLA_INET6_CONF + 1];
	const int32_t *setting;
	size_t n;

	nl_attrs_in(family, AF_INET6, families);
	nl_attrs_in(ipv6, IFLA_INET6_CONF, family[AF_INET6]);
	setting = nl_data(ipv6[IFLA_INET6_CONF], &n);
	return n <= DEVCONF_ACCEPT_RA * sizeof(*setting) || setting[DEVCONF_ACCEPT_RA];
}

void link_read(struct link *link, const struct nlmsghdr *h)
{
	const struct nlattr *tb[IFLA_AF_SPEC + 1];
	const struct nlattr *kind[IFLA_INFO_KIND + 1];
	const struct ifinfomsg *info = nl_head_of(h, sizeof(*info));
	const void *mac;
	size_t n;

	memset(link, 0, sizeof(*link));
	if (h->nlmsg_type != RTM_NEWLINK || !info)
		return;
	nl_attrs_of(tb, IFLA_AF_SPEC, h, sizeof(*info));
	nl_attrs_in(kind, IFLA_INFO_KIND, tb[IFLA_LINKINFO]);
	link->index = info->ifi_index;
	link->up = info->ifi_flags & IFF_UP;
	link->hears_ra = hears_ra(tb[IFLA_AF_SPEC]);
	link->flags = info->ifi_flags;
	link->master = (int)nl_get_u32(tb[IFLA_MASTER]);
	link->peer = (int)nl_get_u32(tb[IFLA_LINK]);
	link->mtu = nl_get_u32(tb[IFLA_MTU]);
	link->queue = nl_get_u32(tb[IFLA_TXQLEN]);
	mac = nl_data(tb[IFLA_ADDRESS], &n);
	if (n == MAC_BYTES)
		memcpy(link->mac, mac, MAC_BYTES);
	copy_text(link->name, sizeof(link->name), tb[IFLA_IFNAME]);
	copy_text(link->kind, sizeof(link->kind), kind[IFLA_INFO_KIND]);
	copy_text(link->alias, sizeof(link->alias), tb[IFLA_IFALIAS]);
}

bool link_is_running(const struct link *link)
{
	return link->flags & IFF_RUNNING;
}

bool link_is_promiscuous(const struct link *link)
{
	return link->flags & IFF_PROMISC;
}

bool link_takes_multicast(const struct link *link)
{
	return link->flags & IFF_ALLMULTI;
}

static int take_link(const struct nlmsghdr *h, unsigned op, void *arg, struct err *e)
{
	(void)op, (void)e;
	link_read(arg, h);
	return 0;
}

void put_link_question(struct nl_batch *b, const char *name)
{
	put_question(b, "look up link", 0, 0);
	nl_str(b, IFLA_IFNAME, name);
}

int link_look(struct nl_sock *s, const char *name, struct link *link, struct err *e)
{
	struct nl_batch b;

	memset(link, 0, sizeof(*link));
	nl_batch_init(&b);
	put_link_question(&b, name);
	return nl_ask(s, &b, take_link, link, e);
}

int link_look_index(struct nl_sock *s, int index, struct link *link, struct err *e)
{
	struct nl_batch b;

	memset(link, 0, sizeof(*link));
	if (index == 0)
		return 0;
	nl_batch_init(&b);
	put_question(&b, "look up link", 0, index);
	return nl_ask(s, &b, take_link, link, e);
}

/*
 * A socket of any kind can be bound to a link by its name, and tells its index then. (SIOCGIFINDEX
 * would do as well, but has the kernel call modprobe for a name that does not exist.)
 */
int link_index(struct nl_sock *s, const char *name, int *index, struct err *e)
{
	const int none = 0;
	socklen_t n = sizeof(*index);
	struct link link;

	*index = 0;
	if (setsockopt(s->fd, SOL_SOCKET, SO_BINDTODEVICE, name, (socklen_t)strlen(name)) == 0) {
		if (getsockopt(s->fd, SOL_SOCKET, SO_BINDTOIFINDEX, index, &n))
			*index = 0; /* before Linux 5.0 */
		setsockopt(s->fd, SOL_SOCKET, SO_BINDTOIFINDEX, &none, sizeof(none));
		if (*index)
			return 0;
	} else if (errno == ENODEV) {
		return 0;
	}
	if (link_look(s, name, &link, e))
		return -1;
	*index = link.index;
	return 0;
}

bool link_is_still(struct nl_sock *s, int index, const char *name)
{
	struct ifreq link = {.ifr_ifindex = index};

	return ioctl(s->fd, SIOCGIFNAME, &link) == 0 && strcmp(link.ifr_name, name) == 0 &&
	       ioctl(s->fd, SIOCGIFFLAGS, &link) == 0 && link.ifr_flags & IFF_UP;
}

bool link_lacks_carrier(struct nl_sock *s, const char *name)
{
	struct ifreq link;

	snprintf(link.ifr_name, sizeof(link.ifr_name), "%s", name);
	return ioctl(s->fd, SIOCGIFFLAGS, &link) == 0 &&
	       (link.ifr_flags & (IFF_UP | IFF_RUNNING)) == IFF_UP;
}

int link_refresh_mac(struct nl_sock *s, struct link *link, struct err *e)
{
	struct ifreq rq;

	memcpy(rq.ifr_name, link->name, sizeof(rq.ifr_name));
	if (ioctl(s->fd, SIOCGIFHWADDR, &rq))
		return err_sys(e, ERR_TRY_AGAIN, "look up link", errno, "%s", link->name);
	memcpy(link->mac, rq.ifr_hwaddr.sa_data, MAC_BYTES);
	return 0;
}

/*
 * What both ends have in common. One queue each: without these words the kernel registers one for
 * each processor that there may ever be, only to take all but the first away again (veth_newlink in
 * drivers/net/veth.c; `ethtool -L` could bring them back). That costs an ADD 45 us for each of the
 * four that a processor has in a pair.
 */
static void put_end(struct nl_batch *b, uint32_t mtu)
{
	nl_u32(b, IFLA_NUM_TX_QUEUES, 1);
	nl_u32(b, IFLA_NUM_RX_QUEUES, 1);
	if (mtu)
		nl_u32(b, IFLA_MTU, mtu);
}

void put_pod_link(struct nl_batch *b, const struct pod_link *l)
{
	nl_op(b, "create veth pair", RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
	put_ifinfo(b, 0, 0, IFF_UP);
	nl_str(b, IFLA_IFNAME, l->host_name);
	nl_put(b, IFLA_ADDRESS, l->host_mac, MAC_BYTES);
	if (l->bridge)
		nl_u32(b, IFLA_MASTER, (uint32_t)l->bridge);
	put_end(b, l->mtu);
	nl_nest(b, IFLA_LINKINFO) {
		nl_str(b, IFLA_INFO_KIND, "veth");
		nl_nest(b, IFLA_INFO_DATA) {
			nl_nest(b, VETH_INFO_PEER) {
				put_ifinfo(b, 0, 0, 0);
				nl_str(b, IFLA_IFNAME, l->pod_name);
				if (!names_is_no_mac(l->pod_mac))
					nl_put(b, IFLA_ADDRESS, l->pod_mac, MAC_BYTES);
				if (l->netns >= 0)
					nl_u32(b, IFLA_NET_NS_FD, (uint32_t)l->netns);
				put_end(b, l->mtu);
			}
		}
	}
}

void put_alias(struct nl_batch *b, const char *name, int index, const char *alias)
{
	nl_op(b, "set link alias", RTM_NEWLINK, 0);
	put_ifinfo(b, 0, index, 0);
	if (name)
		nl_str(b, IFLA_IFNAME, name);
	/* Empty, without even a NUL, removes it: dev_set_alias in net/core/dev.c. */
	nl_put(b, IFLA_IFALIAS, alias, *alias ? strlen(alias) + 1 : 0);
}

int link_create(struct nl_sock *s, struct nl_batch *b, const char *option, struct err *e)
{
	if (nl_apply(s, b, e) == 0)
		return 0;
	if (e->sys == EOPNOTSUPP)
		err_prefix(e, "the kernel lacks %s", option);
	return -1;
}

static void put_flag(struct nl_batch *b, const char *label, int index, unsigned flag, bool on)
{
	struct ifinfomsg info = {
		.ifi_index = index, .ifi_flags = on ? flag : 0, .ifi_change = flag};

	nl_op(b, label, RTM_NEWLINK, 0);
	nl_head(b, &info, sizeof(info));
}

void put_raise(struct nl_batch *b, int index)
{
	put_flag(b, "raise link", index, IFF_UP, true);
}

static int raise_or_lower(struct nl_sock *s, const char *label, int index, bool up, struct err *e)
{
	struct nl_batch b;

	nl_batch_init(&b);
	put_flag(&b, label, index, IFF_UP, up);
	return nl_apply(s, &b, e);
}

int link_raise(struct nl_sock *s, int index, struct err *e)
{
	return raise_or_lower(s, "raise link", index, true, e);
}

int link_lower(struct nl_sock *s, int index, struct err *e)
{
	return raise_or_lower(s, "lower link", index, false, e);
}

int link_change(struct nl_sock *s, int index, const struct link_change *c, struct err *e)
{
	struct nl_batch b;

	nl_batch_init(&b);
	if (c->mac) {
		nl_op(&b, "set MAC address", RTM_NEWLINK, 0);
		put_ifinfo(&b, 0, index, 0);
		nl_put(&b, IFLA_ADDRESS, c->mac, MAC_BYTES);
	}
	if (c->promiscuous >= 0)
		put_flag(&b, "set promiscuous mode", index, IFF_PROMISC, c->promiscuous);
	if (c->mtu) {
		nl_op(&b, "set MTU", RTM_NEWLINK, 0);
		put_ifinfo(&b, 0, index, 0);
		nl_u32(&b, IFLA_MTU, c->mtu);
	}
	if (c->allmulti >= 0)
		put_flag(&b, "set all-multicast mode", index, IFF_ALLMULTI, c->allmulti);
	if (c->queue >= 0) {
		nl_op(&b, "set length of transmit queue", RTM_NEWLINK, 0);
		put_ifinfo(&b, 0, index, 0);
		nl_u32(&b, IFLA_TXQLEN, (uint32_t)c->queue);
	}
	return b.ops ? nl_apply(s, &b, e) : 0;
}

int link_set_alias(struct nl_sock *s, int index, const char *alias, struct err *e)
{
	struct nl_batch b;

	nl_batch_init(&b);
	put_alias(&b, NULL, index, alias);
	return nl_apply(s, &b, e);
}

int link_remove(struct nl_sock *s, int index, struct err *e)
{
	struct nl_batch b;

	nl_batch_init(&b);
	nl_op(&b, "remove link", RTM_DELLINK, 0);
	put_ifinfo(&b, 0, index, 0);
	if (nl_apply(s, &b, e) == 0)
		return 0;
	if (e->sys != ENODEV)
		return -1;
	err_clear(e); /* gone meanwhile */
	return 0;
}

struct visit {
	const char *kind;
	void (*visit)(const struct link *link, void *arg);
	void *arg;
};

static int take_visit(const struct nlmsghdr *h, unsigned op, void *arg, struct err *e)
{
	const struct visit *v = arg;
	struct link link;

	(void)op, (void)e;
	link_read(&link, h);
	if (!v->kind || strcmp(link.kind, v->kind) == 0)
		v->visit(&link, v->arg);
	return 0;
}

int link_each(struct nl_sock *s, const char *kind,
	      void (*visit)(const struct link *link, void *arg), void *arg, struct err *e)
{
	struct visit v = {.kind = kind, .visit = visit, .arg = arg};
	struct nl_batch b;

	do {
		err_clear(e);
		nl_batch_init(&b);
		put_question(&b, "list links", NLM_F_DUMP, 0);
	} while (nl_dump(s, &b, take_visit, &v, e) && e->sys == EINTR);
	return e->code ? -1 : 0;
}

struct port_list {
	int bridge;
	char *names;
	size_t size;
	unsigned count;
};

static int take_port(const struct nlmsghdr *h, unsigned op, void *arg, struct err *e)
{
	struct port_list *list = arg;
	struct link link;
	size_t n = strlen(list->names);

	(void)op, (void)e;
	link_read(&link, h);
	if (link.master != list->bridge)
		return 0;
	list->count++;
	snprintf(list->names + n, list->size - n, "%s%s", n ? " " : "", link.name);
	return 0;
}

int link_ports(struct nl_sock *s, int bridge, char *names, size_t size, unsigned *count,
	       struct err *e)
{
	struct port_list list = {.bridge = bridge, .names = names, .size = size};
	struct nl_batch b;

	names[0] = '\0';
	nl_batch_init(&b);
	put_question(&b, "list ports", NLM_F_DUMP, 0);
	nl_u32(&b, IFLA_MASTER, (uint32_t)bridge);
	if (nl_dump(s, &b, take_port, &list, e))
		return -1;
	*count = list.count;
	return 0;
}

struct link_search {
	struct link *list;
	unsigned max, count;
};

static void list_one(const struct link *link, void *arg)
{
	struct link_search *search = arg;

	if (search->count < search->max)
		search->list[search->count++] = *link;
}

int link_list(struct nl_sock *s, struct link *list, unsigned max, unsigned *count, struct err *e)
{
	struct link_search search = {.list = list, .max = max};

	if (link_each(s, NULL, list_one, &search, e))
		return -1;
	*count = search.count;
	return 0;
}
