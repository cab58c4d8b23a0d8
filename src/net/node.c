#include "net/node.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/file.h"
#include "base/log.h"
#include "net/address.h"
#include "net/bridge.h"
#include "net/node_rules.h"
#include "net/node_words.h"
#include "net/sysctl.h"

static const char *const forwarding_path[POD_FAMILIES] = {
	"net/ipv4/ip_forward",
	"net/ipv6/conf/all/forwarding",
};

int node_sockets_open(struct node_sockets *s, struct err *e)
{
	s->route.fd = s->netfilter.fd = -1;
	if (nl_open(&s->route, NL_ROUTE, e))
		return -1;
	if (nl_open(&s->netfilter, NL_NETFILTER, e) == 0)
		return 0;
	if (e->sys == EPROTONOSUPPORT) {
		err_clear(e);
		return 0;
	}
	node_sockets_close(s);
	return -1;
}

void node_sockets_close(struct node_sockets *s)
{
	nl_close(&s->route);
	nl_close(&s->netfilter);
}

static bool used(const struct pod_network *net, unsigned family)
{
	return net->range[family].subnet.ip.family != 0;
}

static struct prefix gateway_address(const struct pod_range *range)
{
	return (struct prefix){.ip = range->gateway, .len = range->subnet.len};
}

void node_note(struct node_state *found, enum node_part part, unsigned family, bool there)
{
	found->wanted |= NODE_BIT(part, family);
	if (!there)
		found->missing |= NODE_BIT(part, family);
}

/* The kernel is asked for a socket: that loads its module, if IPv6 is one. */
static int demand_ipv6(struct err *e)
{
	cleanup_fd int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd >= 0)
		return 0;
	return err_sys(e, ERR_KERNEL, "look at node", errno,
		       "\"subnet6\": the kernel has no IPv6 (CONFIG_IPV6, or ipv6.disable=1)");
}

int node_look_bridge(struct nl_sock *route, const struct pod_network *net, struct node_state *found,
		     struct err *e)
{
	memset(found, 0, sizeof(*found));
	if (used(net, 1) && demand_ipv6(e))
		return -1;
	if (link_look(route, net->bridge, &found->bridge, e))
		return -1;
	if (found->bridge.index && strcmp(found->bridge.kind, "bridge") != 0) {
		err_set(e, ERR_STATE, "look at bridge",
			"\"bridge\" is %s, but the link of that name is not a bridge (%s)",
			net->bridge, *found->bridge.kind ? found->bridge.kind : "hardware");
		err_hint(e, "name another bridge in the configuration, or remove that link");
		return -1;
	}
	node_note(found, NODE_BRIDGE, 0, found->bridge.index != 0);
	node_note(found, NODE_UP, 0, found->bridge.up);
	return 0;
}

static int look_at_family(struct node_sockets *s, const struct pod_network *net, unsigned family,
			  struct node_state *found, struct err *e)
{
	struct prefix address = gateway_address(&net->range[family]);
	bool there = false;

	if (found->bridge.index &&
	    address_look(&s->route, found->bridge.index, &address, &there, e))
		return -1;
	node_note(found, NODE_ADDRESS, family, there);
	node_note(found, NODE_FORWARDING, family, sysctl_number(forwarding_path[family]) > 0);
	return node_look_rules(s, net, family, found, e);
}

int node_look(struct node_sockets *s, const struct pod_network *net, struct node_state *found,
	      struct err *e)
{
	if (node_look_bridge(&s->route, net, found, e))
		return -1;
	for (unsigned family = 0; family < POD_FAMILIES; family++)
		if (used(net, family) && look_at_family(s, net, family, found, e))
			return -1;
	return 0;
}

/* Gives 0; 1 if another ADD was faster; -1 with e set. */
static int make_bridge(struct nl_sock *route, const struct pod_network *net,
		       struct node_state *state, struct err *e)
{
	unsigned family = used(net, 0) ? 0 : 1;
	char alias[LINK_ALIAS];
	struct bridge_spec spec = {.name = net->bridge, .alias = alias};
	int was_there = 0;

	names_ip_mac(spec.mac, &net->range[family].gateway);
	node_alias_write(alias, NODE_BIT(NODE_BRIDGE, 0));
	if (bridge_create(route, &spec, e)) {
		if (e->sys != EEXIST)
			return -1;
		err_clear(e);
		was_there = 1;
	}
	if (link_look(route, net->bridge, &state->bridge, e))
		return -1;
	if (!state->bridge.index)
		return err_set(e, ERR_TRY_AGAIN, "create bridge", "%s vanished again", net->bridge);
	return was_there;
}

/* Gives 0; 1 if it has come to be there since node_look, so that it is not ours; -1 with e set. */
static int make_part(struct node_sockets *s, const struct pod_network *net,
		     struct node_state *state, enum node_part part, unsigned family, struct err *e)
{
	struct prefix address = gateway_address(&net->range[family]);

	switch (part) {
	case NODE_BRIDGE:
		return make_bridge(&s->route, net, state, e);
	case NODE_UP:
		return link_raise(&s->route, state->bridge.index, e);
	case NODE_ADDRESS:
		if (family && sysctl_enable_ipv6(net->bridge, e))
			return -1;
		return address_add(&s->route, state->bridge.index, &address, e);
	case NODE_FORWARDING:
		if (sysctl_number(forwarding_path[family]) > 0)
			return 1;
		return sysctl_set(forwarding_path[family], 1, e);
	case NODE_MASQUERADE:
	case NODE_ACCEPT:
	case NODE_LEGACY:
		return node_make_rules(s, net, part, family, e);
	case NODE_PARTS:
		break;
	}
	return 0;
}

/*
 * Note in the bridge's alias what was made that nothing else tells apart from the
 * administrator's. Another's alias is left alone: then node_down leaves those things, too.
 */
static int note_made(struct nl_sock *route, const struct node_state *state, unsigned made,
		     struct err *e)
{
	struct link now;
	char alias[LINK_ALIAS];
	unsigned before;

	if (!(made & NODE_ALIAS_BITS))
		return 0;
	if (link_look_index(route, state->bridge.index, &now, e))
		return -1;
	if (!node_alias_read(now.alias, &before))
		return 0;
	made = (made & NODE_ALIAS_BITS) | before;
	if (made == before)
		return 0;
	node_alias_write(alias, made);
	return link_set_alias(route, now.index, alias, e);
}

static int unmake_part(struct node_sockets *s, const struct pod_network *net, int bridge,
		       enum node_part part, unsigned family, struct err *e)
{
	struct prefix address = gateway_address(&net->range[family]);
	bool any;

	switch (part) {
	case NODE_BRIDGE:
		return link_remove(&s->route, bridge, e);
	case NODE_ADDRESS:
		return address_remove(&s->route, bridge, &address, e);
	case NODE_FORWARDING:
		return sysctl_set(forwarding_path[family], 0, e);
	case NODE_MASQUERADE:
	case NODE_ACCEPT:
	case NODE_LEGACY:
		return node_remove_rules(s, net, part, family, &any, e);
	case NODE_UP:
	case NODE_PARTS:
		break;
	}
	return 0;
}

/* A bridge that another ADD has joined meanwhile stays. */
static bool has_ports(struct nl_sock *route, int bridge)
{
	struct err ignored = {0};
	char names[LINK_NAME];
	unsigned count = 0;

	return link_ports(route, bridge, names, sizeof(names), &count, &ignored) || count > 0;
}

/* Take back, last made first, what a failed node_up made. Its own error is the one that counts. */
static void take_back(struct node_sockets *s, const struct pod_network *net,
		      const struct node_state *state, unsigned made)
{
	for (int part = NODE_PARTS - 1; part >= 0; part--) {
		for (unsigned family = 0; family < POD_FAMILIES; family++) {
			struct err ignored = {0};

			if (!(made & NODE_BIT(part, family)))
				continue;
			if (part == NODE_BRIDGE && has_ports(&s->route, state->bridge.index))
				continue;
			if (unmake_part(s, net, state->bridge.index, (enum node_part)part, family,
					&ignored))
				log_line("taking back: %s", ignored.msg);
		}
	}
}

int node_up(struct node_sockets *s, const struct pod_network *net, struct node_state *state,
	    unsigned *made, struct err *e)
{
	*made = 0;
	for (unsigned part = 0; part < NODE_PARTS; part++) {
		for (unsigned family = 0; family < POD_FAMILIES; family++) {
			unsigned bit = NODE_BIT(part, family);
			int was_there;

			if (!(state->missing & bit))
				continue;
			was_there = make_part(s, net, state, (enum node_part)part, family, e);
			if (was_there < 0) {
				take_back(s, net, state, *made);
				return -1;
			}
			*made |= was_there ? 0 : bit;
			state->missing &= ~bit;
		}
	}
	if (note_made(&s->route, state, *made, e)) {
		take_back(s, net, state, *made);
		return -1;
	}
	return 0;
}

static int refuse_ports(struct nl_sock *route, const struct link *bridge, struct err *e)
{
	char ports[256];
	unsigned count;

	if (link_ports(route, bridge->index, ports, sizeof(ports), &count, e))
		return -1;
	if (count == 0)
		return 0;
	err_set(e, ERR_STATE, "remove bridge", "%u ports are still attached to %s: %s", count,
		bridge->name, ports);
	err_hint(e,
		 "remove the pods first (CNI DEL), or 'ip link delete %s' if they may lose their "
		 "network",
		 bridge->name);
	return -1;
}

static int remove_rules(struct node_sockets *s, const struct pod_network *net, unsigned family,
			unsigned *removed, struct err *e)
{
	for (int part = NODE_PARTS - 1; part >= NODE_MASQUERADE; part--) {
		bool any = false;

		if (node_remove_rules(s, net, (enum node_part)part, family, &any, e))
			return -1;
		if (any)
			*removed |= NODE_BIT(part, family);
	}
	return 0;
}

static int remove_noted(struct node_sockets *s, const struct pod_network *net,
			const struct link *bridge, unsigned noted, unsigned *removed, struct err *e)
{
	for (unsigned family = 0; family < POD_FAMILIES; family++) {
		if (noted & NODE_BIT(NODE_FORWARDING, family) &&
		    unmake_part(s, net, bridge->index, NODE_FORWARDING, family, e))
			return -1;
		if (noted & NODE_BIT(NODE_ADDRESS, family) && used(net, family) &&
		    unmake_part(s, net, bridge->index, NODE_ADDRESS, family, e))
			return -1;
	}
	*removed |= noted;
	if (noted & NODE_BIT(NODE_BRIDGE, 0))
		return unmake_part(s, net, bridge->index, NODE_BRIDGE, 0, e);
	return link_set_alias(&s->route, bridge->index, "", e);
}

int node_down(struct node_sockets *s, const struct pod_network *net, unsigned *removed,
	      struct err *e)
{
	unsigned noted = 0;
	struct link bridge;

	*removed = 0;
	if (link_look(&s->route, net->bridge, &bridge, e))
		return -1;
	if (bridge.index && !node_alias_read(bridge.alias, &noted))
		noted = 0;
	if (noted & NODE_BIT(NODE_BRIDGE, 0) && refuse_ports(&s->route, &bridge, e))
		return -1;
	for (unsigned family = 0; family < POD_FAMILIES; family++)
		if (used(net, family) && remove_rules(s, net, family, removed, e))
			return -1;
	return noted ? remove_noted(s, net, &bridge, noted, removed, e) : 0;
}

int node_mtu(struct nl_sock *route, const struct pod_network *net, uint32_t *mtu, struct err *e)
{
	*mtu = net->mtu;
	for (unsigned family = 0; family < POD_FAMILIES && *mtu == 0; family++) {
		struct ip outside = route_outside(family ? 6 : 4);
		struct link uplink;
		struct route r;

		if (!used(net, family))
			continue;
		if (route_look(route, &outside, &r, e))
			return -1;
		if (!r.found)
			continue;
		if (link_look_index(route, r.link, &uplink, e))
			return -1;
		*mtu = uplink.mtu;
	}
	return 0;
}
