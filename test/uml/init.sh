#!/bin/sh
# Init of a User-Mode Linux whose root is this machine's, read-only: makes what a booted machine has,
# runs the system tests, leaves their exit status in $OUT/status and halts. See run.sh.
set -u
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C
export PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$REPOSITORY/test/system"
export KERNEL_MAY_LACK=yes SLOWNESS=10 # see test/system: skips.py, conftest.py

halt() {
	echo o >/proc/sysrq-trigger
	sleep 60
}
trap halt EXIT

mount -t proc none /proc
mount -t sysfs none /sys
for place in /run /var/lib /dev/shm; do
	[ -d $place ] || mkdir $place
	mount -t tmpfs none $place
done
mount -t tmpfs -o mode=1777 none /tmp
mkdir /dev/pts /run/out /run/uml
mount -t devpts none /dev/pts
ln -s /proc/self/fd /dev/fd
# shellcheck disable=SC3045 # not in POSIX, but in every shell
ulimit -n 65536
mount -t hostfs -o "$OUT" none /run/out
mount -t cgroup2 none /sys/fs/cgroup

# The kernel is to load its own modules, not this machine's. modprobe wants them in lib/modules.
ln -s /usr/lib/uml /run/uml/lib
printf '#!/bin/sh\nexec modprobe -d /run/uml "$@"\n' >/run/uml/modprobe
chmod +x /run/uml/modprobe
echo /run/uml/modprobe >/proc/sys/kernel/modprobe
# iptables-legacy would call for these itself, in a node, where /run is another.
/run/uml/modprobe -a ip_tables iptable_filter iptable_nat ip6_tables ip6table_filter ip6table_nat br_netfilter

ip link set lo up
echo "== $(uname -sr), User-Mode Linux, part $SHARD"
cd "$REPOSITORY" || exit
# One argument per line.
IFS='
'
set -f
# shellcheck disable=SC2046
set -- $(cat /run/out/arguments)
/usr/bin/python3 -m pytest --color=no -p skips -p shard "$@"
echo $? >/run/out/status
