#include "net/link.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "netlink/attr.h"

static void put_ifinfo(struct nl_batch *b, int index, unsigned flags)
{
	struct ifinfomsg info = {.ifi_index = index, .ifi_flags = flags, .ifi_change = flags};

	nl_head(b, &info, sizeof(info));
}

/* A question without its counters: they are most of the answer, and of the work of making it. */
static void put_question(struct nl_batch *b, const char *label, uint16_t flags, int index)
{
	nl_op(b, label, RTM_GETLINK, flags);
	put_ifinfo(b, index, 0);
	nl_u32(b, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
}

static void copy_text(char *out, size_t size, const struct nlattr *a)
{
	snprintf(out, size, "%s", nl_get_str(a));
}

void link_read(struct link *link, const struct nlmsghdr *h)
{
	const struct nlattr
		*tb[IFLA_LINKINFO + 1 > IFLA_IFALIAS + 1 ? IFLA_LINKINFO + 1 : IFLA_IFALIAS + 1];
	const struct nlattr *kind[IFLA_INFO_KIND + 1];
	const struct ifinfomsg *info = nl_head_of(h, sizeof(*info));
	const void *mac;
	size_t n;

	memset(link, 0, sizeof(*link));
	if (h->nlmsg_type != RTM_NEWLINK || !info)
		return;
	nl_attrs_of(tb, ARRAY_SIZE(tb) - 1, h, sizeof(*info));
	nl_attrs_in(kind, IFLA_INFO_KIND, tb[IFLA_LINKINFO]);
	link->index = info->ifi_index;
	link->up = info->ifi_flags & IFF_UP;
	link->master = (int)nl_get_u32(tb[IFLA_MASTER]);
	link->peer = (int)nl_get_u32(tb[IFLA_LINK]);
	link->mtu = nl_get_u32(tb[IFLA_MTU]);
	mac = nl_data(tb[IFLA_ADDRESS], &n);
	if (n == MAC_BYTES)
		memcpy(link->mac, mac, MAC_BYTES);
	copy_text(link->name, sizeof(link->name), tb[IFLA_IFNAME]);
	copy_text(link->kind, sizeof(link->kind), kind[IFLA_INFO_KIND]);
	copy_text(link->alias, sizeof(link->alias), tb[IFLA_IFALIAS]);
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

/* Create a link of a kind. The kernel's own words say that it has no such, not what would help. */
static int create(struct nl_sock *s, struct nl_batch *b, const char *option, struct err *e)
{
	if (nl_apply(s, b, e) == 0)
		return 0;
	if (e->sys == EOPNOTSUPP)
		err_prefix(e, "the kernel lacks %s", option);
	return -1;
}

int link_create_pod(struct nl_sock *s, const struct pod_link *l, struct err *e)
{
	struct nl_batch b;

	nl_batch_init(&b);
	nl_op(&b, "create veth pair", RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
	put_ifinfo(&b, 0, IFF_UP);
	nl_str(&b, IFLA_IFNAME, l->host_name);
	nl_put(&b, IFLA_ADDRESS, l->host_mac, MAC_BYTES);
	nl_u32(&b, IFLA_MASTER, (uint32_t)l->bridge);
	if (l->mtu)
		nl_u32(&b, IFLA_MTU, l->mtu);
	nl_nest(&b, IFLA_LINKINFO) {
		nl_str(&b, IFLA_INFO_KIND, "veth");
		nl_nest(&b, IFLA_INFO_DATA) {
			nl_nest(&b, VETH_INFO_PEER) {
				put_ifinfo(&b, 0, 0);
				nl_str(&b, IFLA_IFNAME, l->pod_name);
				nl_put(&b, IFLA_ADDRESS, l->pod_mac, MAC_BYTES);
				nl_u32(&b, IFLA_NET_NS_FD, (uint32_t)l->netns);
				if (l->mtu)
					nl_u32(&b, IFLA_MTU, l->mtu);
			}
		}
	}
	return create(s, &b, "CONFIG_VETH", e);
}

int link_create_bridge(struct nl_sock *s, const char *name, const uint8_t mac[static MAC_BYTES],
		       const char *alias, struct err *e)
{
	struct nl_batch b;

	nl_batch_init(&b);
	nl_op(&b, "create bridge", RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
	put_ifinfo(&b, 0, IFF_UP);
	nl_str(&b, IFLA_IFNAME, name);
	nl_put(&b, IFLA_ADDRESS, mac, MAC_BYTES);
	nl_nest(&b, IFLA_LINKINFO)
		nl_str(&b, IFLA_INFO_KIND, "bridge");
	/* The creating message takes no alias. */
	nl_op(&b, "mark bridge as made here", RTM_NEWLINK, 0);
	put_ifinfo(&b, 0, 0);
	nl_str(&b, IFLA_IFNAME, name);
	nl_str(&b, IFLA_IFALIAS, alias);
	return create(s, &b, "CONFIG_BRIDGE", e);
}

int link_raise(struct nl_sock *s, int index, struct err *e)
{
	struct nl_batch b;

	nl_batch_init(&b);
	nl_op(&b, "raise link", RTM_NEWLINK, 0);
	put_ifinfo(&b, index, IFF_UP);
	return nl_apply(s, &b, e);
}

int link_lower(struct nl_sock *s, int index, struct err *e)
{
	struct ifinfomsg down = {.ifi_index = index, .ifi_change = IFF_UP};
	struct nl_batch b;

	nl_batch_init(&b);
	nl_op(&b, "lower link", RTM_NEWLINK, 0);
	nl_head(&b, &down, sizeof(down));
	return nl_apply(s, &b, e);
}

int link_set_alias(struct nl_sock *s, int index, const char *alias, struct err *e)
{
	struct nl_batch b;

	nl_batch_init(&b);
	nl_op(&b, "set link alias", RTM_NEWLINK, 0);
	put_ifinfo(&b, index, 0);
	/* Empty, without even a NUL, removes it: dev_set_alias in net/core/dev.c. */
	nl_put(&b, IFLA_IFALIAS, alias, *alias ? strlen(alias) + 1 : 0);
	return nl_apply(s, &b, e);
}

int link_remove(struct nl_sock *s, int index, struct err *e)
{
	struct nl_batch b;

	nl_batch_init(&b);
	nl_op(&b, "remove link", RTM_DELLINK, 0);
	put_ifinfo(&b, index, 0);
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
	if (strcmp(link.kind, v->kind) == 0)
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
