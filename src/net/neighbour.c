#include "net/neighbour.h"

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "netlink/attr.h"

struct neighbours {
	int link;
	struct neighbour *list;
	unsigned max, count;
};

static int take_neighbour(const struct nlmsghdr *h, unsigned op, void *arg, struct err *e)
{
	const uint16_t used = NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT;
	const struct nlattr *tb[NDA_LLADDR + 1];
	const struct ndmsg *info = nl_head_of(h, sizeof(*info));
	struct neighbours *all = arg;
	struct neighbour n = {0};
	const void *ip, *mac;
	size_t ip_len, mac_len;

	(void)op, (void)e;
	if (h->nlmsg_type != RTM_NEWNEIGH || !info || info->ndm_ifindex != all->link ||
	    !(info->ndm_state & used) || info->ndm_flags & NTF_PROXY ||
	    (info->ndm_family != AF_INET && info->ndm_family != AF_INET6))
		return 0;
	nl_attrs_of(tb, NDA_LLADDR, h, sizeof(*info));
	ip = nl_data(tb[NDA_DST], &ip_len);
	mac = nl_data(tb[NDA_LLADDR], &mac_len);
	n.ip.family = info->ndm_family == AF_INET6 ? 6 : 4;
	if (ip_len != ip_size(&n.ip) || mac_len != MAC_BYTES || all->count == all->max)
		return 0;
	memcpy(n.ip.b, ip, ip_len);
	memcpy(n.mac, mac, MAC_BYTES);
	n.permanent = info->ndm_state & NUD_PERMANENT;
	all->list[all->count++] = n;
	return 0;
}

int neighbour_list(struct nl_sock *s, int link, struct neighbour *list, unsigned max,
		   unsigned *count, struct err *e)
{
	struct neighbours all = {.link = link, .list = list, .max = max};
	struct ndmsg any = {.ndm_family = AF_UNSPEC};
	struct nl_batch b;

	nl_batch_init(&b);
	nl_op(&b, "list neighbours", RTM_GETNEIGH, NLM_F_DUMP);
	nl_head(&b, &any, sizeof(any));
	nl_u32(&b, NDA_IFINDEX, (uint32_t)link);
	if (nl_dump(s, &b, take_neighbour, &all, e))
		return -1;
	*count = all.count;
	return 0;
}

struct way_search {
	int bridge;
	const uint8_t *mac;
	struct bridge_way *way;
};

static int take_way(const struct nlmsghdr *h, unsigned op, void *arg, struct err *e)
{
	const struct nlattr *tb[NDA_MASTER + 1];
	const struct ndmsg *info = nl_head_of(h, sizeof(*info));
	struct way_search *search = arg;
	const void *mac;
	size_t n;

	(void)op, (void)e;
	if (h->nlmsg_type != RTM_NEWNEIGH || !info || info->ndm_family != AF_BRIDGE)
		return 0;
	nl_attrs_of(tb, NDA_MASTER, h, sizeof(*info));
	mac = nl_data(tb[NDA_LLADDR], &n);
	/* What a link listens to itself is in the list too, without a master. */
	if (nl_get_u32(tb[NDA_MASTER]) != (uint32_t)search->bridge || n != MAC_BYTES ||
	    memcmp(mac, search->mac, n) != 0)
		return 0;
	/* net/bridge/br_fdb.c: permanent is what it calls local. */
	if (info->ndm_state & NUD_PERMANENT)
		search->way->node = true;
	else
		search->way->port = info->ndm_ifindex;
	return 0;
}

int bridge_way_look(struct nl_sock *s, int bridge, const uint8_t mac[static MAC_BYTES],
		    struct bridge_way *way, struct err *e)
{
	struct way_search search = {.bridge = bridge, .mac = mac, .way = way};
	struct ndmsg any = {.ndm_family = AF_BRIDGE};
	struct nl_batch b;

	*way = (struct bridge_way){0};
	nl_batch_init(&b);
	nl_op(&b, "list a bridge's addresses", RTM_GETNEIGH, NLM_F_DUMP);
	nl_head(&b, &any, sizeof(any));
	nl_u32(&b, NDA_MASTER, (uint32_t)bridge);
	return nl_dump(s, &b, take_way, &search, e);
}
