#!/bin/bash
# Write nft.hex: what iptables-nft and nft send for a rule, a line each: name, then the bytes of the
# whole batch. As root, with strace: test/unit/golden/record-nft.sh (it makes its own namespace)
set -eu
[ "${1:-}" = inside ] || exec unshare -n "$0" inside

out=$(dirname "$0")/nft.hex
trace=$(mktemp)
trap 'rm -f "$trace"' EXIT

# record NAME COMMAND...: the longest message is the batch, the others are questions
record() {
	strace -e trace=sendmsg -e write=3 -o "$trace" "${@:2}"
	printf '%s ' "$1"
	sed -n 's/^ | [0-9a-f]\{5\}  \([0-9a-f ]\{50\}\).*/\1/p' "$trace" | tr -d ' \n'
	echo
}

prepare() {
	iptables -N SUB
	iptables -t nat -S POSTROUTING
	ip6tables -S FORWARD
	nft 'add table ip t; add table ip6 t; add table inet t
		add chain ip t forw { type filter hook forward priority 0; }
		add chain inet t forw { type filter hook forward priority 0; }
		add chain ip t post { type nat hook postrouting priority 99; }
		add chain ip6 t post { type nat hook postrouting priority 99; }
		add table ip h
		add chain ip h hostports
		add map ip h old { type inet_proto . inet_service : ipv4_addr . inet_service; }
		add map ip h olds { type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service; }
		add element ip h old { udp . 53 : 10.244.0.3 . 53 }
		add table ip6 h
		add chain ip6 h hostports
		add map ip6 h olds { type ipv6_addr . inet_proto . inet_service : ipv6_addr . inet_service; }'
	iptables -N CNI-FORWARD
} >/dev/null

record_all() {
	# What we build ourselves.
	record accept-from iptables -A FORWARD -s 10.244.0.0/16 -j ACCEPT
	record accept-to iptables -A FORWARD -d 10.244.0.0/16 -j ACCEPT
	record accept-from-20 iptables -A FORWARD -s 10.244.16.0/20 -j ACCEPT
	record accept-from-32 iptables -A FORWARD -s 10.244.0.7 -j ACCEPT
	record accept6-from ip6tables -A FORWARD -s fd00:1234::/64 -j ACCEPT
	record accept6-to-60 ip6tables -A FORWARD -d fd00:1234::/60 -j ACCEPT
	record table nft add table ip cnibox
	record chain nft add chain ip cnibox postrouting '{ type nat hook postrouting priority 99; policy accept; }'
	record outside nft add rule ip t post ip saddr 10.244.0.0/24 ip daddr != 10.244.0.0/16 \
		ip daddr != 224.0.0.0/4 masquerade fully-random
	record outside6 nft add rule ip6 t post ip6 saddr fd00:1234::/64 ip6 daddr != fd00:1200::/24 \
		ip6 daddr != ff00::/8 masquerade fully-random
	record all nft add rule ip t post oifname != cni0 ip saddr 10.244.0.0/24 masquerade fully-random
	# Host ports.
	record map nft add map ip h ports '{ type inet_proto . inet_service : ipv4_addr . inet_service; }'
	record map6 nft add map ip6 h addresses \
		'{ type ipv6_addr . inet_proto . inet_service : ipv6_addr . inet_service; }'
	record element nft add element ip h old '{ tcp . 8080 comment "x" : 10.244.0.2 . 80 }'
	record element6 nft add element ip6 h olds '{ fd00::1 . tcp . 8080 comment "x" : fd00:10:244::2 . 80 }'
	record delete-element nft delete element ip h old '{ udp . 53 : 10.244.0.3 . 53 }'
	record plain-chain nft add chain ip h plain
	record nat-out nft add chain ip h out '{ type nat hook output priority -99; policy accept; }'
	record local nft add rule ip h out fib daddr type local jump hostports
	record dnat nft add rule ip h hostports dnat to meta l4proto . th dport map @old
	record dnat-address nft add rule ip h hostports dnat to ip daddr . meta l4proto . th dport map @olds
	record dnat-address6 nft add rule ip6 h hostports \
		dnat to ip6 daddr . meta l4proto . th dport map @olds
	record set-mark nft add rule ip h hostports ip saddr 10.244.0.0/24 meta l4proto . th dport @old \
		meta mark set meta mark or 0x2000
	record masquerade-mark nft add rule ip t post meta mark and 0x2000 == 0x2000 masquerade fully-random
	# firewall's rules.
	record cni-forward iptables -I FORWARD 1 -m comment --comment "CNI firewall plugin rules" -j CNI-FORWARD
	record cni-return iptables -A CNI-FORWARD -m comment --comment hello -j RETURN
	record cni-established iptables -A CNI-FORWARD -d 10.244.0.2/32 \
		-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
	record cni-bridge iptables -A CNI-FORWARD -i cni0 '!' -o cni0 -m comment --comment hello -j SUB
	record cni-policy iptables -A CNI-FORWARD -i cni0 -o cni0 -m comment --comment hello -j DROP
	# What we only read.
	record drop iptables -A FORWARD -j DROP
	record reject iptables -A FORWARD -j REJECT
	record jump iptables -A FORWARD -j SUB
	record goto iptables -A FORWARD -g SUB
	record not-from iptables -A FORWARD '!' -s 10.244.0.0/16 -j ACCEPT
	record comment iptables -A FORWARD -s 10.244.0.0/16 -m comment --comment hello -j ACCEPT
	record interfaces iptables -A FORWARD -i eth0 '!' -o cni0 -j ACCEPT
	record wildcard iptables -A FORWARD -i eth+ -j ACCEPT
	record tcp iptables -A FORWARD -s 10.244.0.0/16 -p tcp -j ACCEPT
	record established iptables -A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
	record log iptables -A FORWARD -j LOG
	record xt-masquerade iptables -t nat -A POSTROUTING -s 10.244.0.0/24 '!' -o cni0 -j MASQUERADE
	record xt-snat iptables -t nat -A POSTROUTING -s 10.244.0.0/24 -j SNAT --to-source 192.0.2.1
	record nft-accept nft add rule ip t forw ip saddr 10.244.0.0/16 accept
	record nft-counted nft add rule ip t forw ip saddr 10.244.0.0/16 counter log accept comment '"hey"'
	record nft-inet nft add rule inet t forw ip saddr 10.244.0.0/16 accept
	record nft-inet6 nft add rule inet t forw ip6 daddr fd00::/8 accept
	record nft-set nft add rule ip t forw ip saddr '{ 10.0.0.0/8, 12.0.0.0/8 }' accept
	record nft-range nft add rule ip t forw ip saddr 10.0.0.0-10.1.0.0 accept
	record nft-reject nft add rule inet t forw reject
	record nft-drop nft add rule inet t forw drop
	record nft-snat nft add rule ip t post ip saddr 10.244.0.0/24 snat to 192.0.2.1
	record nft-oif nft add rule ip t post oif lo masquerade
	record nft-both nft add rule ip t forw ip saddr 10.0.0.1 ip daddr 10.0.0.2 accept
}

prepare
record_all >"$out"
