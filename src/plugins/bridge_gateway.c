/*
 * bridge as its pods' gateway: "isGateway", "isDefaultGateway", "forceAddress", and with "vlan" a
 * link into that VLAN for the gateway's addresses.
 */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "net/address.h"
#include "net/sysctl.h"
#include "plugins/bridge.h"

#define ADDRESSES_MAX 64 /* of one family on a bridge */

static bool has_default_route(const struct cni_result *rs, uint8_t family)
{
	for (unsigned i = 0; i < rs->route_count; i++)
		if (rs->routes[i].dst.ip.family == family && rs->routes[i].dst.len == 0)
			return true;
	return false;
}

static int add_default_route(struct cni_result *rs, const struct ip *gateway, struct err *e)
{
	if (has_default_route(rs, gateway->family))
		return 0;
	if (rs->route_count == CNI_ROUTES_MAX)
		return err_set(e, ERR_FIELD, "build result", "more than %d routes", CNI_ROUTES_MAX);
	rs->routes[rs->route_count++] = (struct cni_route){
		.dst.ip.family = gateway->family, .gw = *gateway, .table = -1, .scope = -1};
	return 0;
}

int bridge_complete_result(const struct bridge_conf *c, struct cni_result *rs, struct err *e)
{
	for (unsigned i = 0; i < rs->ip_count; i++) {
		struct cni_address *a = &rs->ips[i];
		char text[PREFIX_TEXT];

		a->interface = 2; /* behind the bridge and the host end */
		if (!c->is_gateway)
			continue;
		if (!a->gateway.family) {
			a->gateway = prefix_first(&a->address);
			if (!ip_add(&a->gateway, 1) || !prefix_contains(&a->address, &a->gateway))
				return err_set(e, ERR_CONFIG, "choose gateway",
					       "%s has no second address: name a gateway",
					       prefix_format(text, &a->address));
		}
		if (c->is_default_gateway && add_default_route(rs, &a->gateway, e))
			return -1;
	}
	return 0;
}

/* --- addresses --------------------------------------------------------------------------------- */

static struct prefix gateway_prefix(const struct cni_address *a)
{
	return (struct prefix){a->gateway, a->address.len};
}

static bool is_gateway_of(const struct cni_result *rs, const struct prefix *p)
{
	for (unsigned i = 0; i < rs->ip_count; i++) {
		struct prefix gateway = gateway_prefix(&rs->ips[i]);

		if (prefix_equal(&gateway, p))
			return true;
	}
	return false;
}

/*
 * A bridge has one address of IPv4, but for the other gateways of the same pod; of IPv6 one in each
 * subnet.
 */
static bool conflicts(const struct address *there, const struct prefix *wanted)
{
	if (wanted->ip.family == 4)
		return true;
	return there->is_global && (prefix_contains(&there->prefix, &wanted->ip) ||
				    prefix_contains(wanted, &there->prefix.ip));
}

/* Gives 1 when the address is there already, 0 when there is room for it, -1 with e set. */
static int make_room(const struct bridge_conf *c, struct pod *p, const struct link *link,
		     const struct cni_result *rs, const struct prefix *wanted, struct err *e)
{
	struct address found[ADDRESSES_MAX];
	char text[PREFIX_TEXT];
	unsigned count;

	if (address_list(&p->host.route, link->index, wanted->ip.family, found, ADDRESSES_MAX,
			 &count, e))
		return -1;
	for (unsigned i = 0; i < count; i++)
		if (prefix_equal(&found[i].prefix, wanted))
			return 1;
	for (unsigned i = 0; i < count; i++) {
		if (is_gateway_of(rs, &found[i].prefix) || !conflicts(&found[i], wanted))
			continue;
		if (!c->force_address) {
			err_set(e, ERR_STATE, NULL,
				"failed to set bridge addr: \"%s\" already has an IP address "
				"different from %s",
				link->name, prefix_format(text, wanted));
			err_hint(e, "it is %s; \"forceAddress\": true would replace it",
				 prefix_format(text, &found[i].prefix));
			return -1;
		}
		if (address_remove(&p->host.route, link->index, &found[i].prefix, e))
			return -1;
	}
	return 0;
}

static int add_gateway(const struct bridge_conf *c, struct pod *p, const struct link *link,
		       const struct cni_result *rs, unsigned i, struct bridge_made *made,
		       struct err *e)
{
	struct prefix wanted = gateway_prefix(&rs->ips[i]);
	int there = make_room(c, p, link, rs, &wanted, e);

	if (there)
		return there < 0 ? -1 : 0;
	if (wanted.ip.family == 6 && sysctl_enable_ipv6(link->name, e))
		return -1;
	there = address_add(&p->host.route, link->index, &wanted, e);
	if (there <= 0) /* an error: it may be there, without our hearing of it */
		made->gateways |= 1u << i;
	return there < 0 ? -1 : 0;
}

void bridge_remove_gateways(struct pod *p, const struct cni_result *rs,
			    const struct bridge_made *made)
{
	for (unsigned i = 0; i < rs->ip_count; i++) {
		struct prefix gateway = gateway_prefix(&rs->ips[i]);
		struct err ignored = {0};

		if (made->gateways & 1u << i &&
		    address_remove(&p->host.route, made->gateway_link, &gateway, &ignored))
			continue;
	}
}

void bridge_refuse_advertisements(const struct link *link)
{
	if (link->hears_ra)
		sysctl_try("ipv6", link->name, "accept_ra", 0);
}

/* --- a gateway in a VLAN ------------------------------------------------------------------------ */

const char *bridge_vlan_link_name(const struct bridge_conf *c, struct err *e)
{
	char *name = arena_format(e, "%s.%u", c->bridge, c->vlan);

	if (name && strlen(name) >= LINK_NAME) {
		err_set(e, ERR_CONFIG, NULL,
			"failed to create vlan interface: \"%s\" is too long for the name of a "
			"link: choose a shorter \"bridge\"",
			name);
		return NULL;
	}
	return name;
}

/* A veth pair within the host: one end is a port in the VLAN, the other one has the addresses. */
static int make_vlan_link(const struct bridge_conf *c, struct pod *p, const struct link *bridge,
			  const char *name, const struct cni_result *rs, struct err *e)
{
	char port_name[LINK_NAME];
	struct pod_link pair = {.host_name = port_name,
				.bridge = bridge->index,
				.pod_name = name,
				.netns = -1,
				.mtu = c->mtu};
	struct vlan_set vlans = {.pvid = (uint16_t)c->vlan};
	struct link port;
	struct nl_batch b;

	names_host_link(port_name, c->bridge, "", name);
	names_host_mac(pair.host_mac, port_name);
	names_ip_mac(pair.pod_mac, &rs->ips[0].gateway);
	vlan_set_add(&vlans, c->vlan);
	nl_batch_init(&b);
	put_pod_link(&b, &pair);
	if (link_create(&p->host.route, &b, "CONFIG_VETH", e)) {
		err_prefix(e, "failed to create vlan interface");
		return -1;
	}
	if (link_look(&p->host.route, port_name, &port, e) == 0 &&
	    bridge_port_set_vlans(&p->host.route, port.index, &vlans, false, e) == 0)
		return 0;
	if (port.index && link_remove(&p->host.route, port.index, &(struct err){0}))
		err_hint(e, "the link %s is left over", name);
	return -1;
}

static int find_vlan_link(const struct bridge_conf *c, struct pod *p, const struct link *bridge,
			  const struct cni_result *rs, struct link *link, struct err *e)
{
	const char *name = bridge_vlan_link_name(c, e);

	if (!name || link_look(&p->host.route, name, link, e))
		return -1;
	if (!link->index &&
	    (make_vlan_link(c, p, bridge, name, rs, e) || link_look(&p->host.route, name, link, e)))
		return -1;
	bridge_refuse_advertisements(link);
	return link->up ? 0 : link_raise(&p->host.route, link->index, e);
}

int bridge_add_gateways(const struct bridge_conf *c, struct pod *p, const struct link *bridge,
			const struct cni_result *rs, struct link *vlan_link,
			struct bridge_made *made, struct err *e)
{
	const struct link *link = bridge;

	vlan_link->index = 0;
	if (!c->is_gateway || rs->ip_count == 0)
		return 0;
	if (c->vlan) {
		if (find_vlan_link(c, p, bridge, rs, vlan_link, e))
			return -1;
		link = vlan_link;
	}
	made->gateway_link = link->index;
	for (unsigned i = 0; i < rs->ip_count; i++)
		if (add_gateway(c, p, link, rs, i, made, e))
			return -1;
	return 0;
}
