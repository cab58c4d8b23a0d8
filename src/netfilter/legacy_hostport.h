/*
 * What hostport.h does in nf_tables, in the nat table of legacy iptables, for kernels that have
 * nothing else; in the chains of the reference's portmap, so that either program takes away what the
 * other made:
 *
 *	-A PREROUTING -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT
 *	-A OUTPUT -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT
 *	-A POSTROUTING -m comment --comment ... -j CNI-HOSTPORT-MASQ		(before all others)
 *	-A CNI-HOSTPORT-SETMARK -m comment --comment ... -j MARK --set-xmark 0x2000/0x2000
 *	-A CNI-HOSTPORT-MASQ -m mark --mark 0x2000/0x2000 -j MASQUERADE
 *	-A CNI-HOSTPORT-DNAT -p tcp -m comment --comment "dnat name: ..." -m multiport
 *		--dports 8080,8081 -j CNI-DN-0123456789abcdef01234
 *	-A CNI-DN-... ! -s 192.0.2.0/24 -j RETURN				(a condition)
 *	-A CNI-DN-... -s 10.244.0.0/24 -p tcp -m tcp --dport 8080 -j CNI-HOSTPORT-SETMARK
 *	-A CNI-DN-... -s 127.0.0.1/32 -p tcp -m tcp --dport 8080 -j CNI-HOSTPORT-SETMARK
 *	-A CNI-DN-... -p tcp -m tcp --dport 8080 -j DNAT --to-destination 10.244.0.2:80
 *
 * Entries for an address of the host come before those for any. What route_localnet opens is taken
 * back in the raw table, if the kernel has one. Chains that are nobody's alone stay, as the
 * reference's do. A packet to the host is looked at once for each fifteen ports here.
 */
#ifndef NETFILTER_LEGACY_HOSTPORT_H
#define NETFILTER_LEGACY_HOSTPORT_H

#include "netfilter/hostport.h"

/* As hostport_add, _check and _remove. */
int legacy_hostport_add(const struct owner *owner, const struct hostport_settings *set,
			const struct hostport *list, unsigned count, struct err *e) must_check;
int legacy_hostport_check(const struct owner *owner, const struct hostport_settings *set,
			  const struct hostport *list, unsigned count, struct err *e) must_check;
int legacy_hostport_remove(uint8_t family, const struct owner_choice *which,
			   struct conntrack_ports *udp, struct err *e) must_check;

#endif
