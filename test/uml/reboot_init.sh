#!/bin/sh
# Init of a node that is switched off without warning, and boots again: the leases are on a disk, all
# else is in memory. See reboot.sh, which says what boot it is: BOOT=1, 2, 3.
set -u
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C

halt() {
	echo o >/proc/sysrq-trigger
	sleep 60
}
trap halt EXIT

mount -t proc none /proc
mount -t sysfs none /sys
for place in /run /tmp /var/lib; do
	mount -t tmpfs none $place
done
mkdir -p /run/netns /run/uml /tmp/bin /var/lib/cni
ln -s /usr/lib/uml /run/uml/lib
printf '#!/bin/sh\nexec modprobe -d /run/uml "$@"\n' >/run/uml/modprobe
chmod +x /run/uml/modprobe
echo /run/uml/modprobe >/proc/sys/kernel/modprobe
/run/uml/modprobe -a bridge veth ip_tables iptable_filter iptable_nat xt_MASQUERADE
for applet in bash-cni bridge host-local; do
	ln -s "$CNIBOX" /tmp/bin/$applet
done
ip link set lo up
mknod /tmp/disk b 98 0
mount -t ext4 /tmp/disk /var/lib/cni || echo "not ok - mount the disk"

mynet='{"cniVersion": "1.0.0", "name": "mynet", "type": "bash-cni", "subnet": "10.244.0.0/24"}'
net='{"cniVersion": "1.0.0", "name": "net", "type": "bridge", "bridge": "br0", "isGateway": true,
	"ipam": {"type": "host-local", "subnet": "10.88.0.0/16"}}'

# call VERB PLUGIN CONFIGURATION POD
call() {
	echo "$3" | env CNI_COMMAND="$1" CNI_CONTAINERID="$4" CNI_NETNS="/run/netns/$4" CNI_IFNAME=eth0 CNI_PATH=/tmp/bin \
		"/tmp/bin/$2"
}

# The address that a new pod gets; or the error.
add() {
	ip netns add "$3" 2>/dev/null
	call ADD "$1" "$2" "$3" >/tmp/said || {
		tr '\n' ' ' </tmp/said
		return
	}
	sed -n 's/.*"address": "\([^/]*\).*/\1/p' /tmp/said
}

# check WHAT IS WANTED
check() {
	if [ "$2" = "$3" ]; then
		echo "ok - $1"
	else
		echo "not ok - $1: $2, not $3"
	fi
}

leases() {
	(cd "/var/lib/cni/networks/$1" && echo [0-9]*.*.*.*)
}

echo "== boot $BOOT"
case $BOOT in
1)
	check "the first pod's address" "$(add bash-cni "$mynet" a)" 10.244.0.2
	check "the second's" "$(add bash-cni "$mynet" b)" 10.244.0.3
	check "host-local's" "$(add bridge "$net" c)" 10.88.0.2
	sync
	echo "== busy"
	# Until the power goes. What was last written is not yet on the disk, or in part.
	i=0
	while :; do
		add bash-cni "$mynet" "p$i" >/dev/null
		add bridge "$net" "q$i" >/dev/null
		call DEL bash-cni "$mynet" "p$((i - 3))"
		call DEL bridge "$net" "q$((i - 3))"
		ip netns del "p$((i - 3))" 2>/dev/null
		ip netns del "q$((i - 3))" 2>/dev/null
		i=$((i + 1))
	done
	;;
2)
	check "leases of the earlier boot" "$([ "$(leases mynet | wc -w)" -ge 2 ] && echo some)" some
	check "the first pod's address is the first again" "$(add bash-cni "$mynet" d)" 10.244.0.2
	check "and its lease the only one" "$(leases mynet)" 10.244.0.2
	add bridge "$net" e >/tmp/e
	check "host-local's lease is the only one" "$(leases net)" "$(cat /tmp/e)"
	check "the boot is noted" "$(cat /var/lib/cni/networks/mynet/boot_id)" "$(cat /proc/sys/kernel/random/boot_id)"
	check "a link of a pod" "$(ip -o link show type veth | wc -l)" 2
	check "the reference's host-local reads the store" "$(echo "$net" | CNI_COMMAND=CHECK CNI_CONTAINERID=e CNI_NETNS=/run/netns/e \
		CNI_IFNAME=eth0 CNI_PATH=/usr/lib/cni /usr/lib/cni/host-local && echo it does)" "it does"
	# As a disk may come back: empty, half written, of zeros, with other things in it.
	cd /var/lib/cni/networks/mynet || exit
	: >10.244.0.3
	printf 'half-an-id' >10.244.0.4
	head -c 4096 /dev/zero >10.244.0.5
	printf 'last_reserved' >last_reserved_ip.0
	printf '0123' >boot_id.new
	sync
	;;
3)
	check "what the disk came back with is free" "$(add bash-cni "$mynet" f)" 10.244.0.2
	for address in 10.244.0.3 10.244.0.4 10.244.0.5; do
		check "also $address" "$(add bash-cni "$mynet" "g$address")" $address
	done
	check "nothing else is there" "$(cd /var/lib/cni/networks/mynet && echo *)" \
		"10.244.0.2 10.244.0.3 10.244.0.4 10.244.0.5 boot_id last_reserved_ip.0 lock"
	for pod in f g10.244.0.3 g10.244.0.4 g10.244.0.5; do
		call DEL bash-cni "$mynet" $pod
	done
	check "and in the end no lease" "$(cd /var/lib/cni/networks/mynet && echo *)" "boot_id last_reserved_ip.0 lock"
	: >/var/lib/cni/networks/mynet/boot_id
	mount -o remount,ro /var/lib/cni
	add bash-cni "$mynet" h >/tmp/h
	check "a read-only store: code 5" "$(grep -c '"code": 5' /tmp/h)" 1
	check "and no link" "$(ip -o link show type veth | wc -l)" 0
	;;
esac
echo "== over"
