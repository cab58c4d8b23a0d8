/*
 * Ports of the host that lead to ports of pods, in nf_tables tables of their own: "ip
 * cnibox_hostport" and "ip6 cnibox_hostport". A mapping is an element of a map and never a rule, so
 * that a packet is looked up once however many there are.
 *
 *	table ip cnibox_hostport {
 *		map ports-0123456789abcdef.i {
 *			type inet_proto . inet_service : ipv4_addr . inet_service
 *			elements = { tcp . 8080 comment "eth0 of container ..." : 10.244.0.2 . 80 }
 *		}
 *		set holders { ... }
 *		chain prerouting { type nat hook prerouting priority -99;
 *			fib daddr type local jump hostports
 *		}
 *		chain output { type nat hook output priority -99; the same }
 *		chain hostports {
 *			ip saddr 10.244.0.0/24 meta l4proto . th dport @ports-... meta mark set ...
 *			ip saddr 127.0.0.0/8 meta l4proto . th dport @ports-... meta mark set ...
 *			dnat to meta l4proto . th dport map @ports-...
 *		}
 *		chain postrouting { type nat hook postrouting priority 98;
 *			meta mark and 0x2000 == 0x2000 masquerade fully-random
 *		}
 *		chain spoofed { type filter hook prerouting priority -300;
 *			iifname != "lo" ip daddr 127.0.0.0/8 drop
 *		}
 *	}
 *
 * Mappings with the same settings (subnet, snat, conditions ...), in practice those of one network,
 * share a map, which is named after them; those for one address of the host have another, which is
 * looked at first. Priority -99, one behind kube-proxy's and iptables': theirs win. The last chain
 * takes back what route_localnet opens: packets to 127.0.0.1 from a wire.
 *
 * An element belongs to the attachment that its tag names (owner.h). A port is one attachment's; a
 * second one is refused. What is no longer used is removed: map, rules, and at last the table.
 *
 * Of what others have, neither ADD nor DEL reads more than a few elements, however many there are: set
 * holders is an index (hostport_index.h).
 *
 * Where the kernel has no nf_tables, legacy iptables does it (legacy_hostport.h).
 */
#ifndef NETFILTER_HOSTPORT_H
#define NETFILTER_HOSTPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/ip.h"
#include "netfilter/conntrack.h"
#include "netfilter/owner.h"
#include "netlink/socket.h"

struct hostport {
	uint8_t proto; /* IPPROTO_* */
	uint16_t host, pod;
	struct ip address; /* of the host; family 0: any */
};

/* What packets must be like, too. */
struct hostport_condition {
	enum { HOSTPORT_SOURCE, HOSTPORT_DESTINATION, HOSTPORT_IN } what;
	bool negated;
	struct prefix prefix;
	const char *ifname; /* for HOSTPORT_IN; borrowed */
};

struct hostport_settings {
	struct prefix pod; /* its address, with the length of its subnet; says the family */
	bool snat; /* give what comes from its subnet and from 127.0.0.1 the host's address */
	bool masquerade_all;
	uint32_t mark;				     /* for what gets the host's address */
	const struct hostport_condition *conditions; /* borrowed */
	unsigned condition_count;
};

/* Is an attachment gone, though its DEL has left its ports here? holder is its owner's text. */
typedef bool hostport_gone_fn(const char *holder, const struct ip *pod);

/*
 * Map ports. What the owner had before in that family goes, and what others have that lead to the
 * pod's address: it is this one's now. Of more than HOSTPORT_CHUNK mappings some may be there after
 * an error: undo is hostport_remove.
 *
 * gone   asked about who has a port that is wanted: its ports go
 * count  may be 0
 *
 * e  ERR_STATE: another attachment has one of the ports: the message names it
 */
#define HOSTPORT_CHUNK 48
int hostport_add(struct nl_sock *nf, const struct owner *owner, const struct hostport_settings *set,
		 const struct hostport *list, unsigned count, hostport_gone_fn *gone,
		 struct err *e) must_check;

/*
 * Are they there, just so, and the rules that go with them? Gives 0, or -1 with e set (ERR_STATE).
 */
int hostport_check(struct nl_sock *nf, const struct owner *owner,
		   const struct hostport_settings *set, const struct hostport *list, unsigned count,
		   struct err *e) must_check;

/*
 * Remove what is chosen in a family (4 or 6), and what that leaves without use.
 *
 * udp  the UDP ports of what was removed are added here
 */
int hostport_remove(struct nl_sock *nf, uint8_t family, const struct owner_choice *which,
		    struct conntrack_ports *udp, struct err *e) must_check;

/* "tcp 8080", "udp 53 of 192.0.2.1": for messages. */
#define HOSTPORT_TEXT 80
const char *hostport_text(char text[static HOSTPORT_TEXT], const struct hostport *p);

#endif
