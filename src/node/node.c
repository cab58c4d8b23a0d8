#include "node/node.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/file.h"
#include "base/log.h"
#include "net/address.h"
#include "net/bridge.h"
#include "net/sysctl.h"
#include "netfilter/nft.h"
#include "node/node_down.h"
#include "node/node_forwarding.h"
#include "node/node_rules.h"
#include "node/node_words.h"

int node_sockets_open(struct node_sockets *s, struct err *e)
{
	s->route.fd = s->netfilter.fd = -1;
	if (nl_open(&s->route, NL_ROUTE, e))
		return -1;
	if (nft_open(&s->netfilter, e) == 0)
		return 0;
	node_sockets_close(s);
	return -1;
}

void node_sockets_close(struct node_sockets *s)
{
	nl_close(&s->route);
	nl_close(&s->netfilter);
}

bool node_uses(const struct pod_network *net, unsigned family)
{
	return net->range[family].subnet.ip.family != 0;
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
	if (node_uses(net, 1) && demand_ipv6(e))
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
	struct prefix address = node_gateway(&net->range[family]);
	bool there = false;

	if (found->bridge.index &&
	    address_look(&s->route, found->bridge.index, &address, &there, e))
		return -1;
	node_note(found, NODE_ADDRESS, family, there);
	if (node_look_forwarding(&s->route, family, found, e))
		return -1;
	return node_look_rules(s, net, family, found, e);
}

int node_look(struct node_sockets *s, const struct pod_network *net, struct node_state *found,
	      struct err *e)
{
	if (node_look_bridge(&s->route, net, found, e))
		return -1;
	for (unsigned family = 0; family < POD_FAMILIES; family++)
		if (node_uses(net, family) && look_at_family(s, net, family, found, e))
			return -1;
	return 0;
}

/* Gives 0; 1 if another ADD was faster; -1 with e set. */
static int make_bridge(struct nl_sock *route, const struct pod_network *net,
		       struct node_state *state, struct err *e)
{
	struct node_noted noted = {.parts = NODE_BIT(NODE_BRIDGE, 0)};
	unsigned family = node_uses(net, 0) ? 0 : 1;
	char alias[LINK_ALIAS];
	struct bridge_spec spec = {.name = net->bridge, .alias = alias};
	int was_there = 0;

	names_ip_mac(spec.mac, &net->range[family].gateway);
	node_alias_write(alias, &noted);
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
	if (node_uses(net, 1))
		sysctl_spare_dad(net->bridge);
	return was_there;
}

/* Gives 0; 1 if it has come to be there since node_look, so that it is not ours; -1 with e set. */
static int make_part(struct node_sockets *s, const struct pod_network *net,
		     struct node_state *state, enum node_part part, unsigned family, struct err *e)
{
	struct prefix address = node_gateway(&net->range[family]);

	switch (part) {
	case NODE_BRIDGE:
		return make_bridge(&s->route, net, state, e);
	case NODE_UP:
		return link_raise(&s->route, state->bridge.index, e);
	case NODE_ADDRESS:
		if (family && sysctl_enable_ipv6(net->bridge, e))
			return -1;
		return address_add(&s->route, state->bridge.index, &address, e);
	case NODE_LISTEN:
	case NODE_FORWARDING:
		return node_make_forwarding(state, part, family, e);
	case NODE_MASQUERADE:
	case NODE_ACCEPT:
	case NODE_LEGACY:
		return node_make_rules(s, net, part, family, e);
	case NODE_PARTS:
		break;
	}
	return 0;
}

static int make_parts(struct node_sockets *s, const struct pod_network *net,
		      struct node_state *state, unsigned parts, unsigned *made, struct err *e)
{
	for (unsigned i = 0; i < NODE_PARTS * POD_FAMILIES; i++) {
		unsigned bit = 1u << i;
		int was_there;

		if (!(state->missing & parts & bit))
			continue;
		was_there = make_part(s, net, state, (enum node_part)(i / POD_FAMILIES),
				      i % POD_FAMILIES, e);
		/* Failed: perhaps it is only the answer that was lost. */
		*made |= was_there > 0 ? 0 : bit;
		if (was_there < 0)
			return -1;
		state->missing &= ~bit;
	}
	return 0;
}

/* The bridge first: its alias is the place for notes. */
int node_up(struct node_sockets *s, const struct pod_network *net, struct node_state *state,
	    unsigned *made, struct err *e)
{
	*made = 0;
	if (make_parts(s, net, state, NODE_BIT(NODE_BRIDGE, 0), made, e) == 0 &&
	    node_note_made(&s->route, state, state->missing, e) == 0 &&
	    make_parts(s, net, state, state->missing, made, e) == 0)
		return 0;
	node_take_back(s, net, state, *made);
	return -1;
}

int node_mtu(struct nl_sock *route, const struct pod_network *net, uint32_t *mtu, struct err *e)
{
	*mtu = net->mtu;
	for (unsigned family = 0; family < POD_FAMILIES && *mtu == 0; family++) {
		struct ip outside = route_outside(family ? 6 : 4);
		struct link uplink;
		struct route r;

		if (!node_uses(net, family))
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
