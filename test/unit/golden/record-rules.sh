#!/bin/bash
# Write rules.hex and rules.txt: rules as nft and iptables-nft send them (name, bytes of the whole
# batch) and as nft then lists them (name, text). As root, with strace:
# test/unit/golden/record-rules.sh (it makes its own namespace)
set -eu
[ "${1:-}" = inside ] || exec unshare -n "$0" inside

here=$(dirname "$0")
trace=$(mktemp)
trap 'rm -f "$trace"' EXIT

# record NAME COMMAND...: the longest message is the batch, the others are questions
record() {
	strace -e trace=sendmsg -e write=3 -o "$trace" "${@:2}"
	printf '%s ' "$1"
	sed -n 's/^ | [0-9a-f]\{5\}  \([0-9a-f ]\{50\}\).*/\1/p' "$trace" | tr -d ' \n'
	echo
}

# What nft lists as the only rule of a chain: name, text.
list() {
	printf '%s ' "$1"
	nft -s list chain "${@:2}" 2>/dev/null | sed -n '/hook/,/^\t}$/{/hook/d;/^\t}$/d;s/^[[:blank:]]*//;s/[[:blank:]]*$//;p}'
	nft flush chain "${@:2}"
}

# rule NAME FAMILY RULE: in chain c of table t
rule() {
	record "$1" nft add rule "$2" t c "$3"
	list "$1" "$2" t c >&9
}

# xt NAME ARGUMENT...: a rule of iptables in FORWARD
xt() {
	record "$1" iptables -A FORWARD "${@:2}"
	list "$1" ip filter FORWARD >&9
}

record_all() {
	record chain-ip nft add chain ip t c '{ type filter hook forward priority 0; }'
	record chain-inet nft add chain inet t c '{ type filter hook forward priority 0; policy drop; }'
	record chain-bridge nft add chain bridge t c '{ type filter hook forward priority 0; }'
	record chain-sub nft add chain inet t sub
	rule saddr ip 'ip saddr 10.244.0.0/16 counter drop'
	rule daddr-not ip 'ip daddr != 10.244.0.0/20 drop'
	rule exact ip 'ip saddr 10.244.0.2 ip daddr 10.168.0.7 drop'
	rule range ip 'ip saddr 10.244.0.1-10.244.0.9 drop'
	rule below ip 'ip ttl < 5 drop'
	rule set ip 'ip saddr { 10.0.0.0/8, 12.1.2.3, 13.0.0.1-13.0.0.9 } drop'
	rule set-other ip 'ip daddr { 10.9.0.0/16, 10.168.0.8, 10.168.1.0/24 } drop'
	rule set-not ip 'ip saddr != { 10.0.0.1 } drop'
	rule names ip 'iifname "cni0" oifname != "eth*" drop'
	rule names-set ip 'iifname { "cni0" } drop'
	rule index ip 'iif "lo" drop'
	rule protocol ip 'ip protocol icmp drop'
	rule icmp-type ip 'icmp type echo-request drop'
	rule icmp-reply ip 'icmp type echo-reply drop'
	rule l4proto ip 'meta l4proto icmp drop'
	rule l4proto-set ip 'meta l4proto { icmp } drop'
	rule port ip 'tcp dport 22 drop'
	rule ports ip 'udp dport 53-60 drop'
	rule state-new ip 'ct state new drop'
	rule state-old ip 'ct state established,related drop'
	rule state-not ip 'ct state != new drop'
	rule mark ip 'meta mark 0x4000 drop'
	rule mark-none ip 'meta mark 0x0 drop'
	rule mark-bits ip 'meta mark & 0x4000 == 0x4000 drop'
	rule mark-set ip 'meta mark set 0x4000'
	rule limit ip 'limit rate 10/second drop'
	rule length ip 'meta length 84 drop'
	rule status ip 'ct status dnat drop'
	rule type-local ip 'fib daddr type local drop'
	rule logged ip 'log prefix "x y" drop'
	rule reject-rst ip 'meta l4proto tcp reject with tcp reset'
	rule accept ip 'accept'
	rule drop ip 'drop'
	rule continue ip 'counter'
	rule return ip 'ip saddr 10.244.0.0/16 return'
	rule return-maybe ip 'meta length 84 return'
	rule in4 inet 'ip saddr 10.244.0.0/16 drop'
	rule in6 inet 'ip6 saddr fd00::/63 drop'
	rule in-family inet 'meta nfproto ipv4 drop'
	rule in-other inet 'meta nfproto ipv6 drop'
	rule in-icmp inet 'icmp type echo-request drop'
	rule in-icmp6 inet 'icmpv6 type echo-request drop'
	rule in-port inet 'tcp dport 22 drop'
	rule in-admin inet 'reject with icmpx admin-prohibited'
	rule in-jump inet 'jump sub'
	rule in-goto inet 'ip saddr 10.244.0.2 goto sub'
	rule in-maybe inet 'meta length 84 jump sub'
	rule in-vmap inet 'ct state vmap { established : accept, new : jump sub }'
	record sub-drop nft add rule inet t sub ip daddr 10.168.0.7 drop
	record sub-accept nft add rule inet t sub accept
	rule br-daddr bridge 'ip daddr 10.168.0.7 drop'
	rule br-other bridge 'ip6 daddr fd00::7 drop'
	rule br-protocol bridge 'meta protocol ip drop'
	rule br-arp bridge 'meta protocol arp drop'
	xt xt-recent -m recent --name x --rcheck -j DROP
	xt xt-reject -s 10.244.0.0/16 -j REJECT
	xt xt-comment -m comment --comment hello -j DROP
	xt xt-wildcard -i cni+ -j DROP
}

nft 'add table ip t; add table inet t; add table bridge t'
iptables -S FORWARD >/dev/null
record_all >"$here/rules.hex" 9>"$here/rules.txt"
