#!/bin/sh
# Record the netlink messages that other programs send, for tests to compare with byte for byte.
# As root: test/unit/golden/record.sh. Writes *.hex beside itself: the command as a comment, then
# the bytes of its last sendmsg.
set -eu

cd "$(dirname "$0")"
if [ "${1-}" != inside ]; then
	exec unshare --net --mount --propagation private "$PWD/record.sh" inside
fi

trace=$(mktemp)
trap 'rm -f "$trace"' EXIT

record() {
	file=$1
	shift
	strace -qq -e trace=sendmsg,sendto -e write=all -o "$trace" "$@"
	{
		echo "# $*"
		# A line of the dump is " | offset  16 bytes in hex  text |".
		awk '/^send/ { n = 0 }
			/^ \| / { line[n++] = substr($0, 11, 48) }
			END { for (i = 0; i < n; i++) print line[i] }' "$trace" | sed 's/  */ /g; s/^ //; s/ *$//'
	} >"$file.hex"
}

mount -t tmpfs tmpfs /run
mkdir /run/netns
ip netns add pod
ip link add cni0 index 10 type bridge
ip link add eth9 index 11 type veth peer name eth8 index 12
ip link set eth9 up

record link-veth ip link add veth0 mtu 1460 master cni0 up type veth peer name eth0 \
	address 0a:58:0a:f4:00:02 mtu 1460 netns pod
record address ip address add 10.244.0.2/24 dev eth9
record address6 ip address add fd00::2/64 dev eth9 nodad
record route ip route add default via 10.244.0.1 dev eth9
record neighbour ip neighbour add 10.244.0.9 lladdr 0a:58:0a:f4:00:09 dev eth9

ip link add b0 index 13 type ifb
record tbf tc qdisc add dev eth9 root handle 1: tbf rate 8mbit burst 100000 limit 125000
record ingress tc qdisc add dev eth9 ingress
record redirect tc filter add dev eth9 parent ffff: protocol all prio 1 u32 match u32 0 0 flowid 1:1 \
	action mirred egress redirect dev b0
record ifb ip link add bwp0 mtu 1460 txqueuelen 0 address fe:01:02:03:04:05 up type ifb

nft add table ip box
nft add chain ip box forward
record rule nft add rule ip box forward ip saddr 10.244.0.0/16 counter accept
