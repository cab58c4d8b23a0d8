#!/bin/sh
# Boot the smallest node there is in User-Mode Linux: an initramfs of cnibox, its configurations, the
# kernel's modules, and the test as init. Exit status 0 if that says so.
#
#	test/uml/image.sh CNIBOX INIT
set -eu

cnibox=$1
init=$2
here=$(dirname "$0")
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
root=$place/root

mkdir -p "$root/proc" "$root/run" "$root/var" "$root/dev" "$root/opt/cni/bin" "$root/etc/cni/net.d" "$root/modules"
cp "$init" "$root/init"
cp "$cnibox" "$root/opt/cni/bin/cnibox"
for applet in bash-cni loopback cni-node cni-check; do
	ln -s cnibox "$root/opt/cni/bin/$applet"
done
# The walkthrough's file, in a version that has CHECK; two variants of it.
conf() {
	sed "s/\"cniVersion\": *\"[^\"]*\"/\"cniVersion\": \"1.1.0\"/; s|\"subnet\"|$2&|" \
		"$here/../../configs/cni/10-bash-cni-plugin.master.conf" >"$root/etc/cni/net.d/$1"
}
conf 10-bash-cni-plugin.conf '"masquerade": "none", '
conf 20-dual-stack.conf '"masquerade": "none", "subnet6": "fd00::/64", '
conf 30-masquerade.conf ''
find /usr/lib/uml/modules -name '*.ko' | while read -r module; do
	case ${module##*/} in
	crc-ccitt.ko | ipv6.ko | llc.ko | stp.ko | bridge.ko | veth.ko | x_tables.ko | ip_tables.ko | iptable_filter.ko | \
		nf_defrag_ipv[46].ko | nf_conntrack.ko | nf_nat.ko | iptable_nat.ko | xt_MASQUERADE.ko)
		cp "$module" "$root/modules/"
		;;
	esac
done
(cd "$root" && find . | cpio --quiet -o -H newc) >"$place/image.cpio"

timeout -k 10 60 linux.uml initrd="$place/image.cpio" mem=128M quiet con=null con0=null,fd:1 \
	uml_dir="$place/" </dev/null 2>&1 | sed -un 's/\r$//; /^== /,/^image: /p' | tee "$place/said"
grep -q '^image: [1-9][0-9]* passed, 0 failed$' "$place/said"
