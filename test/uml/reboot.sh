#!/bin/sh
# A node with its leases on a disk, in User-Mode Linux: it is killed while pods come and go, boots
# again, is switched off, boots again. Exit status 0 if all that reboot_init.sh looks at is right.
#
#	test/uml/reboot.sh CNIBOX
set -eu

cnibox=$(realpath "$1")
here=$(realpath "$(dirname "$0")")
place=$(mktemp -d)
kernel=
trap '[ -z "$kernel" ] || kill -KILL "-$kernel" 2>/dev/null; rm -rf "$place"' EXIT

truncate -s 64M "$place/disk"
mkfs.ext4 -q "$place/disk"

# Gives the process in $kernel; what it prints goes to $place/said.N.
boot() {
	setsid linux.uml rootfstype=hostfs rootflags=/ ro init="$here/reboot_init.sh" "ubd0=$place/disk" mem=256M quiet \
		con=null con0=null,fd:1 uml_dir="$place/" CNIBOX="$cnibox" BOOT="$1" </dev/null >"$place/said.$1" 2>&1 &
	kernel=$!
}

# await WORDS: in what the boot prints; SECONDS at most.
await() {
	waited=0
	while ! grep -qs "^== $2" "$place/said.$1"; do
		kill -0 "$kernel" 2>/dev/null && [ $waited -lt 120 ] || return 0
		sleep 1
		waited=$((waited + 1))
	done
}

boot 1
await 1 busy
sleep 3
# All of it at once, as when the power goes: its helpers go with it.
kill -KILL "-$kernel"
wait "$kernel" 2>/dev/null || :
for n in 2 3; do
	boot $n
	await "$n" over
	wait "$kernel" || :
done
kernel=
for n in 1 2 3; do
	sed -n 's/\r$//; /^== boot/p; /^ok/p; /^not ok/p' "$place/said.$n"
done
[ "$(grep -c '^ok' "$place/said.1")" = 3 ] && grep -q '^== over' "$place/said.2" && grep -q '^== over' "$place/said.3" &&
	! grep -h '^not ok' "$place"/said.*
