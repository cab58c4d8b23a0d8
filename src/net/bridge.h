/*
 * Bridges: making them, and what their ports can have beside an ordinary link: flags, VLANs.
 * s is a NETLINK_ROUTE socket.
 */
#ifndef NET_BRIDGE_H
#define NET_BRIDGE_H

#include "net/link.h"

#define VLAN_MAX 4094 /* IEEE 802.1Q: 0 and 4095 are reserved */

/* Texts are borrowed. */
struct bridge_spec {
	const char *name;
	const char *alias; /* NULL: none */
	uint8_t mac[MAC_BYTES];
	uint32_t mtu; /* 0: the kernel's default */
	bool vlan_filtering;
};

/* Make a bridge, up, with its MAC pinned. One that is there already is an error (EEXIST). */
int bridge_create(struct nl_sock *s, const struct bridge_spec *spec, struct err *e) must_check;

/* Flags of a port. */
struct bridge_port {
	bool hairpin;  /* a packet may leave by the port that it came in by */
	bool isolated; /* nothing to and from other isolated ports */
};

/* Append: set these flags of the port of that name. */
void put_port_flags(struct nl_batch *b, const char *name, const struct bridge_port *port);

int bridge_port_look(struct nl_sock *s, int index, struct bridge_port *port,
		     struct err *e) must_check;

/* VLANs of a port: which, and the one that untagged packets are in. */
struct vlan_set {
	uint16_t pvid; /* 0: none */
	uint8_t member[VLAN_MAX / 8 + 1];
};
void vlan_set_add(struct vlan_set *v, unsigned id);
bool vlan_set_has(const struct vlan_set *v, unsigned id);
bool vlan_set_equal(const struct vlan_set *a, const struct vlan_set *b);

/*
 * Give a port these VLANs, its pvid untagged, the others tagged.
 *
 * keep  those that it has stay; else they are taken away first
 * e     names the kernel option when bridges do not filter VLANs in this kernel
 */
int bridge_port_set_vlans(struct nl_sock *s, int index, const struct vlan_set *v, bool keep,
			  struct err *e) must_check;

/* Those that a port has. */
int bridge_port_vlans(struct nl_sock *s, int index, struct vlan_set *v, struct err *e) must_check;

#endif
