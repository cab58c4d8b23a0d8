/*
 * What a node needs before a pod network works on it: a bridge with the gateway's address,
 * forwarding, and rules that let pods through and give their traffic to the outside an address.
 *
 * The pattern: look at the node, compare with what the network wants, change the difference. A
 * node on which all is there costs the looking only.
 */
#ifndef NODE_NODE_H
#define NODE_NODE_H

#include <stdbool.h>

#include "base/err.h"
#include "base/ip.h"
#include "net/link.h"
#include "netfilter/forward.h"
#include "netfilter/ruleset.h"

/* Where the accept rules for forwarded packets go. */
enum accept_place {
	ACCEPT_AUTO,	 /* into iptables' FORWARD, nft or legacy, where that drops */
	ACCEPT_OWN,	 /* into cnibox's own table */
	ACCEPT_IPTABLES, /* into iptables' FORWARD wherever it exists */
};

/* One address family of a pod network, as this node has it. */
struct pod_range {
	struct prefix subnet;  /* of this node's pods; family 0: not used */
	struct prefix network; /* of all pods */
	struct ip gateway;     /* the bridge's address: first of subnet */
};

/* A pod network. Texts are borrowed. */
struct pod_network {
	const char *name;
	const char *bridge;
	struct pod_range range[2]; /* IPv4, IPv6 */
	uint32_t mtu;		   /* 0: that of the link under the default route */
	enum masquerade masquerade;
	enum accept_place accept;
};

#define POD_FAMILIES 2

/* Has the network a range in that family (0: IPv4, 1: IPv6)? */
bool node_uses(const struct pod_network *net, unsigned family);

/* What a network wants of a node; one bit each in struct node_state and in what node_up made. */
enum node_part {
	NODE_BRIDGE,	 /* the bridge exists ... */
	NODE_UP,	 /* ... and is up */
	NODE_ADDRESS,	 /* gateway address on it */
	NODE_LISTEN,	 /* IPv6: router advertisements are accepted though it forwards */
	NODE_FORWARDING, /* ip_forward, or its IPv6 twin */
	NODE_MASQUERADE, /* cnibox's own rules are as wanted; or those in legacy nat */
	NODE_ACCEPT,	 /* iptables' FORWARD has the accept rules, if they are needed there */
	NODE_LEGACY,	 /* the same in legacy iptables' FORWARD, where that is in use */
	NODE_PARTS,
};

/* Bit of a part in a family: 0 for IPv4 (and what has no family), 1 for IPv6. */
#define NODE_BIT(part, family) (1u << ((unsigned)(part)*POD_FAMILIES + (unsigned)(family)))

struct node_state {
	unsigned wanted;  /* bits of what applies to this network */
	unsigned missing; /* bits of what is wanted and not there */
	struct link bridge;
	char noted[LINK_ALIAS];	  /* the bridge's alias as node_up has changed it; "": it has not */
	char listener[LINK_NAME]; /* for NODE_LISTEN: the link that hears them */
	struct forward_chain forward[POD_FAMILIES];
};

/*
 * The two sockets that looking and changing need: rtnetlink and nf_tables, of the host. Where the
 * kernel has no netfilter netlink, that one stays closed: what is asked of it is "unsupported".
 */
struct node_sockets {
	struct nl_sock route, netfilter;
};
int node_sockets_open(struct node_sockets *s, struct err *e) must_check;
void node_sockets_close(struct node_sockets *s);
#define cleanup_node on_scope_exit(node_sockets_close)

/* Note in *found that the part applies here, and whether it is there. */
void node_note(struct node_state *found, enum node_part part, unsigned family, bool there);

/*
 * Look. Changes nothing. A link named as the bridge that is no bridge is an error (ERR_STATE);
 * one that is missing is not. A range of IPv6 on a kernel without is an error, too (ERR_KERNEL).
 */
int node_look(struct node_sockets *s, const struct pod_network *net, struct node_state *found,
	      struct err *e) must_check;

/* The same for the bridge alone, found->missing included. */
int node_look_bridge(struct nl_sock *route, const struct pod_network *net, struct node_state *found,
		     struct err *e) must_check;

/*
 * Make what state says is missing. Idempotent, also against others doing the same at once. If a
 * step fails, what this call made is removed again; if the process is killed, node_down finds what
 * it made, as it is noted before it is made.
 *
 * state  as node_look left it; its bridge is filled in when it is made
 * made   bits of what this call made
 */
int node_up(struct node_sockets *s, const struct pod_network *net, struct node_state *state,
	    unsigned *made, struct err *e) must_check;

/*
 * Remove what node_up made (this call's or another process's): cnibox's own rules, marked rules in
 * FORWARD and in legacy nat and, as noted in the bridge's alias, gateway address, forwarding and
 * bridge. What was there before node_up stays; forwarding does, too, while another bridge of
 * cnibox is there. A bridge that pods are still attached to is refused (ERR_STATE).
 *
 * removed  bits of what was removed
 */
int node_down(struct node_sockets *s, const struct pod_network *net, unsigned *removed,
	      struct err *e) must_check;

/* MTU for a pod's link: the network's, else that of the link to the outside; 0: unknown. */
int node_mtu(struct nl_sock *route, const struct pod_network *net, uint32_t *mtu,
	     struct err *e) must_check;

#endif
