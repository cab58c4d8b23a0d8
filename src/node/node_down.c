#include "node/node_down.h"

#include <string.h>

#include "base/log.h"
#include "net/address.h"
#include "node/node_forwarding.h"
#include "node/node_rules.h"
#include "node/node_words.h"

#define FORWARDING_BITS                                                                            \
	(NODE_BIT(NODE_LISTEN, 1) | NODE_BIT(NODE_FORWARDING, 0) | NODE_BIT(NODE_FORWARDING, 1))

struct prefix node_gateway(const struct pod_range *range)
{
	return (struct prefix){.ip = range->gateway, .len = range->subnet.len};
}

int node_note_made(struct nl_sock *route, struct node_state *state, unsigned parts, struct err *e)
{
	struct node_noted noted;

	if (!node_alias_read(state->bridge.alias, &noted) ||
	    (parts & NODE_ALIAS_BITS & ~noted.parts) == 0)
		return 0;
	noted.parts |= parts & NODE_ALIAS_BITS;
	if (parts & NODE_BIT(NODE_LISTEN, 1))
		memcpy(noted.listener, state->listener, LINK_NAME);
	node_alias_write(state->noted, &noted);
	return link_set_alias(route, state->bridge.index, state->noted, e);
}

static int unmake_part(struct node_sockets *s, const struct pod_network *net, int bridge,
		       const char *listener, enum node_part part, unsigned family, struct err *e)
{
	struct prefix address = node_gateway(&net->range[family]);
	bool any;

	switch (part) {
	case NODE_BRIDGE:
		return link_remove(&s->route, bridge, e);
	case NODE_ADDRESS:
		return address_remove(&s->route, bridge, &address, e);
	case NODE_LISTEN:
	case NODE_FORWARDING:
		return node_unmake_forwarding(listener, part, family, e);
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

/* --- after a failure -------------------------------------------------------------------------- */

/* A bridge that another ADD has joined meanwhile stays. */
static bool has_ports(struct nl_sock *route, int bridge)
{
	struct err ignored = {0};
	char names[LINK_NAME];
	unsigned count = 0;

	return link_ports(route, bridge, names, sizeof(names), &count, &ignored) || count > 0;
}

/* The bridge; also one whose making was the last that was heard of it. 0: there is none. */
static int bridge_index(struct nl_sock *route, const struct pod_network *net,
			const struct node_state *state)
{
	struct err ignored = {0};
	struct link bridge;

	if (state->bridge.index || link_look(route, net->bridge, &bridge, &ignored))
		return state->bridge.index;
	return bridge.index;
}

/* The alias as it was, unless others have noted more meanwhile. */
static void take_back_note(struct nl_sock *route, const struct node_state *state)
{
	struct err ignored = {0};
	struct link now;

	if (*state->noted && link_look_index(route, state->bridge.index, &now, &ignored) == 0 &&
	    strcmp(now.alias, state->noted) == 0 &&
	    link_set_alias(route, now.index, state->bridge.alias, &ignored))
		log_line("taking back: %s", ignored.msg);
}

void node_take_back(struct node_sockets *s, const struct pod_network *net,
		    const struct node_state *state, unsigned made)
{
	int bridge = bridge_index(&s->route, net, state);

	take_back_note(&s->route, state);
	for (int i = NODE_PARTS * POD_FAMILIES - 1; i >= 0; i--) {
		enum node_part part = (enum node_part)(i / POD_FAMILIES);
		struct err ignored = {0};

		if (!(made & 1u << i))
			continue;
		if (part == NODE_BRIDGE && (!bridge || has_ports(&s->route, bridge)))
			continue;
		if (unmake_part(s, net, bridge, state->listener, part, (unsigned)i % POD_FAMILIES,
				&ignored))
			log_line("taking back: %s", ignored.msg);
	}
}

/* --- for good --------------------------------------------------------------------------------- */

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

struct heir {
	int leaving; /* index of the bridge that goes */
	struct link bridge;
	struct node_noted noted;
};

static void take_heir(const struct link *link, void *arg)
{
	struct heir *heir = arg;

	if (heir->bridge.index || link->index == heir->leaving || !*link->alias ||
	    !node_alias_read(link->alias, &heir->noted))
		return;
	heir->bridge = *link;
}

/*
 * Forwarding that was switched on for this network is of use to others, too. If another bridge of
 * cnibox is there, the note passes to it, and whoever takes the last one down switches it off.
 */
static int bequeath_forwarding(struct nl_sock *route, int bridge, struct node_noted *noted,
			       struct err *e)
{
	struct heir heir = {.leaving = bridge};
	char alias[LINK_ALIAS];

	if (!(noted->parts & FORWARDING_BITS))
		return 0;
	if (link_each(route, "bridge", take_heir, &heir, e))
		return -1;
	if (!heir.bridge.index)
		return 0;
	heir.noted.parts |= noted->parts & FORWARDING_BITS;
	if (noted->parts & NODE_BIT(NODE_LISTEN, 1))
		memcpy(heir.noted.listener, noted->listener, LINK_NAME);
	node_alias_write(alias, &heir.noted);
	if (link_set_alias(route, heir.bridge.index, alias, e))
		return -1;
	noted->parts &= ~FORWARDING_BITS;
	return 0;
}

static int remove_noted(struct node_sockets *s, const struct pod_network *net,
			const struct link *bridge, const struct node_noted *noted,
			unsigned *removed, struct err *e)
{
	for (int i = NODE_PARTS * POD_FAMILIES - 1; i >= 0; i--) {
		if (noted->parts & 1u << i &&
		    unmake_part(s, net, bridge->index, noted->listener,
				(enum node_part)(i / POD_FAMILIES), (unsigned)i % POD_FAMILIES, e))
			return -1;
	}
	*removed |= noted->parts;
	if (noted->parts & NODE_BIT(NODE_BRIDGE, 0))
		return 0;
	return link_set_alias(&s->route, bridge->index, "", e);
}

int node_down(struct node_sockets *s, const struct pod_network *net, unsigned *removed,
	      struct err *e)
{
	struct node_noted noted = {0};
	struct link bridge;

	*removed = 0;
	if (link_look(&s->route, net->bridge, &bridge, e))
		return -1;
	if (bridge.index && !node_alias_read(bridge.alias, &noted))
		noted = (struct node_noted){0};
	if (noted.parts & NODE_BIT(NODE_BRIDGE, 0) && refuse_ports(&s->route, &bridge, e))
		return -1;
	for (unsigned family = 0; family < POD_FAMILIES; family++)
		if (net->range[family].subnet.ip.family && remove_rules(s, net, family, removed, e))
			return -1;
	if (!noted.parts)
		return 0;
	if (bequeath_forwarding(&s->route, bridge.index, &noted, e))
		return -1;
	return remove_noted(s, net, &bridge, &noted, removed, e);
}
