#include "net/route_find.h"

#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "netlink/attr.h"

struct search {
	const struct ip *to;
	struct route_refusal best;
};

static const char *refusal(uint8_t type)
{
	switch (type) {
	case RTN_BLACKHOLE:
		return "blackhole";
	case RTN_UNREACHABLE:
		return "unreachable";
	case RTN_PROHIBIT:
		return "prohibit";
	default:
		return NULL;
	}
}

static int take_route(const struct nlmsghdr *h, unsigned op, void *arg, struct err *e)
{
	const struct nlattr *tb[RTA_TABLE + 1];
	const struct rtmsg *info = nl_head_of(h, sizeof(*info));
	struct search *search = arg;
	struct prefix to = {.ip.family = search->to->family};
	const void *dst;
	size_t n;

	(void)op, (void)e;
	if (h->nlmsg_type != RTM_NEWROUTE || !info || !refusal(info->rtm_type) ||
	    info->rtm_family != (search->to->family == 6 ? AF_INET6 : AF_INET) ||
	    info->rtm_flags & RTM_F_CLONED)
		return 0;
	nl_attrs_of(tb, RTA_TABLE, h, sizeof(*info));
	dst = nl_data(tb[RTA_DST], &n);
	if (dst && n == ip_size(&to.ip))
		memcpy(to.ip.b, dst, n);
	to.len = info->rtm_dst_len;
	if (!prefix_contains(&to, search->to) ||
	    (search->best.found && to.len < search->best.to.len))
		return 0;
	search->best = (struct route_refusal){
		.found = true,
		.type = refusal(info->rtm_type),
		.to = to,
		.table = tb[RTA_TABLE] ? nl_get_u32(tb[RTA_TABLE]) : info->rtm_table,
	};
	return 0;
}

int route_find_refusal(struct nl_sock *s, const struct ip *to, struct route_refusal *found,
		       struct err *e)
{
	struct rtmsg all = {.rtm_family = to->family == 6 ? AF_INET6 : AF_INET};
	struct search search = {.to = to};
	struct nl_batch b;

	nl_batch_init(&b);
	nl_op(&b, "list routes", RTM_GETROUTE, NLM_F_DUMP);
	nl_head(&b, &all, sizeof(all));
	if (nl_dump(s, &b, take_route, &search, e))
		return -1;
	*found = search.best;
	return 0;
}
