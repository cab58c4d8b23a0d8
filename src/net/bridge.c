#include "net/bridge.h"

#include <errno.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

#include "netlink/attr.h"

static void put_ifinfo(struct nl_batch *b, uint8_t family, int index, unsigned flags)
{
	struct ifinfomsg info = {
		.ifi_family = family, .ifi_index = index, .ifi_flags = flags, .ifi_change = flags};

	nl_head(b, &info, sizeof(info));
}

/* The kernel's own words say that it cannot, not what would help. */
static int apply(struct nl_sock *s, struct nl_batch *b, const char *option, struct err *e)
{
	if (nl_apply(s, b, e) == 0)
		return 0;
	if (e->sys == EOPNOTSUPP)
		err_prefix(e, "the kernel lacks %s", option);
	return -1;
}

int bridge_create(struct nl_sock *s, const struct bridge_spec *spec, struct err *e)
{
	struct nl_batch b;

	nl_batch_init(&b);
	nl_op(&b, "create bridge", RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
	put_ifinfo(&b, AF_UNSPEC, 0, IFF_UP);
	nl_str(&b, IFLA_IFNAME, spec->name);
	nl_put(&b, IFLA_ADDRESS, spec->mac, MAC_BYTES);
	if (spec->mtu)
		nl_u32(&b, IFLA_MTU, spec->mtu);
	nl_nest(&b, IFLA_LINKINFO) {
		nl_str(&b, IFLA_INFO_KIND, "bridge");
		if (spec->vlan_filtering)
			nl_nest(&b, IFLA_INFO_DATA)
				nl_u8(&b, IFLA_BR_VLAN_FILTERING, 1);
	}
	if (spec->alias) { /* the creating message takes none */
		nl_op(&b, "mark bridge as made here", RTM_NEWLINK, 0);
		put_ifinfo(&b, AF_UNSPEC, 0, 0);
		nl_str(&b, IFLA_IFNAME, spec->name);
		nl_str(&b, IFLA_IFALIAS, spec->alias);
	}
	return apply(s, &b,
		     spec->vlan_filtering ? "CONFIG_BRIDGE with CONFIG_BRIDGE_VLAN_FILTERING"
					  : "CONFIG_BRIDGE",
		     e);
}

/* --- flags of a port --------------------------------------------------------------------------- */

void put_port_flags(struct nl_batch *b, const char *name, const struct bridge_port *port)
{
	nl_op(b, "set flags of bridge port", RTM_NEWLINK, 0);
	put_ifinfo(b, AF_UNSPEC, 0, 0);
	nl_str(b, IFLA_IFNAME, name);
	nl_nest(b, IFLA_LINKINFO) {
		nl_str(b, IFLA_INFO_SLAVE_KIND, "bridge");
		nl_nest(b, IFLA_INFO_SLAVE_DATA) {
			nl_u8(b, IFLA_BRPORT_MODE, port->hairpin);
			if (port->isolated) /* since Linux 4.18 */
				nl_u8(b, IFLA_BRPORT_ISOLATED, 1);
		}
	}
}

static int take_port(const struct nlmsghdr *h, unsigned op, void *arg, struct err *e)
{
	const struct nlattr *tb[IFLA_LINKINFO + 1], *info[IFLA_INFO_SLAVE_DATA + 1];
	const struct nlattr *data[IFLA_BRPORT_ISOLATED + 1];
	struct bridge_port *port = arg;

	(void)op, (void)e;
	nl_attrs_of(tb, IFLA_LINKINFO, h, sizeof(struct ifinfomsg));
	nl_attrs_in(info, IFLA_INFO_SLAVE_DATA, tb[IFLA_LINKINFO]);
	nl_attrs_in(data, IFLA_BRPORT_ISOLATED, info[IFLA_INFO_SLAVE_DATA]);
	port->hairpin = nl_get_u8(data[IFLA_BRPORT_MODE]);
	port->isolated = nl_get_u8(data[IFLA_BRPORT_ISOLATED]);
	return 0;
}

int bridge_port_look(struct nl_sock *s, int index, struct bridge_port *port, struct err *e)
{
	struct nl_batch b;

	*port = (struct bridge_port){false, false};
	nl_batch_init(&b);
	nl_op(&b, "look up bridge port", RTM_GETLINK, 0);
	put_ifinfo(&b, AF_UNSPEC, index, 0);
	return nl_ask(s, &b, take_port, port, e);
}

/* --- VLANs of a port --------------------------------------------------------------------------- */

void vlan_set_add(struct vlan_set *v, unsigned id)
{
	v->member[id / 8] |= (uint8_t)(1u << id % 8);
}

bool vlan_set_has(const struct vlan_set *v, unsigned id)
{
	return v->member[id / 8] & 1u << id % 8;
}

bool vlan_set_equal(const struct vlan_set *a, const struct vlan_set *b)
{
	return a->pvid == b->pvid && memcmp(a->member, b->member, sizeof(a->member)) == 0;
}

static void put_vlan(struct nl_batch *b, unsigned id, unsigned flags)
{
	struct bridge_vlan_info info = {.flags = (uint16_t)flags, .vid = (uint16_t)id};

	nl_put(b, IFLA_BRIDGE_VLAN_INFO, &info, sizeof(info));
}

/* One message for the VLANs from first to last. */
static void put_vlans(struct nl_batch *b, const char *label, uint16_t type, int index,
		      unsigned first, unsigned last, unsigned flags)
{
	nl_op(b, label, type, 0);
	put_ifinfo(b, AF_BRIDGE, index, 0);
	nl_nest(b, IFLA_AF_SPEC) {
		nl_u16(b, IFLA_BRIDGE_FLAGS, BRIDGE_FLAGS_MASTER);
		if (first == last) {
			put_vlan(b, first, flags);
		} else {
			put_vlan(b, first, flags | BRIDGE_VLAN_INFO_RANGE_BEGIN);
			put_vlan(b, last, flags | BRIDGE_VLAN_INFO_RANGE_END);
		}
	}
}

int bridge_port_set_vlans(struct nl_sock *s, int index, const struct vlan_set *v, bool keep,
			  struct err *e)
{
	struct nl_batch b;
	unsigned last;

	nl_batch_init(&b);
	if (!keep) /* those that the port has not got are passed over */
		put_vlans(&b, "remove default VLAN of bridge port", RTM_DELLINK, index, 1, VLAN_MAX,
			  0);
	for (unsigned first = 1; first <= VLAN_MAX; first = last + 1) {
		last = first;
		if (!vlan_set_has(v, first) || first == v->pvid)
			continue;
		while (last < VLAN_MAX && last + 1 != v->pvid && vlan_set_has(v, last + 1))
			last++;
		/* A batch holds only so much, and a list may be as ragged as it likes. */
		if (b.ops >= NL_BATCH_OPS - 2) {
			if (apply(s, &b, "CONFIG_BRIDGE_VLAN_FILTERING", e))
				return -1;
			nl_batch_init(&b);
		}
		put_vlans(&b, "set VLANs of bridge port", RTM_SETLINK, index, first, last, 0);
	}
	if (v->pvid)
		put_vlans(&b, "set VLAN of bridge port", RTM_SETLINK, index, v->pvid, v->pvid,
			  BRIDGE_VLAN_INFO_PVID | BRIDGE_VLAN_INFO_UNTAGGED);
	return b.ops ? apply(s, &b, "CONFIG_BRIDGE_VLAN_FILTERING", e) : 0;
}

struct vlan_search {
	int index;
	struct vlan_set *found;
};

static int take_vlans(const struct nlmsghdr *h, unsigned op, void *arg, struct err *e)
{
	const struct ifinfomsg *info = nl_head_of(h, sizeof(*info));
	const struct nlattr *tb[IFLA_AF_SPEC + 1];
	struct vlan_search *search = arg;
	unsigned first = 0;

	(void)op, (void)e;
	if (h->nlmsg_type != RTM_NEWLINK || !info || info->ifi_index != search->index)
		return 0;
	nl_attrs_of(tb, IFLA_AF_SPEC, h, sizeof(*info));
	for (const struct nlattr *a = nl_first(tb[IFLA_AF_SPEC]); a;
	     a = nl_following(tb[IFLA_AF_SPEC], a)) {
		size_t n;
		const struct bridge_vlan_info *v = nl_data(a, &n);

		if (nl_type(a) != IFLA_BRIDGE_VLAN_INFO || n != sizeof(*v) || v->vid > VLAN_MAX)
			continue;
		if (!(v->flags & BRIDGE_VLAN_INFO_RANGE_END))
			first = v->vid;
		for (unsigned id = first; id <= v->vid; id++)
			vlan_set_add(search->found, id);
		if (v->flags & BRIDGE_VLAN_INFO_PVID)
			search->found->pvid = v->vid;
	}
	return 0;
}

int bridge_port_vlans(struct nl_sock *s, int index, struct vlan_set *v, struct err *e)
{
	struct vlan_search search = {index, v};
	struct nl_batch b;

	memset(v, 0, sizeof(*v));
	nl_batch_init(&b);
	nl_op(&b, "list VLANs", RTM_GETLINK, NLM_F_DUMP);
	put_ifinfo(&b, AF_BRIDGE, 0, 0);
	nl_u32(&b, IFLA_EXT_MASK, RTEXT_FILTER_BRVLAN_COMPRESSED);
	return nl_dump(s, &b, take_vlans, &search, e);
}
