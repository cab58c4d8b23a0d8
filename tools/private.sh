#!/bin/sh
# Run a command with mounts of its own, that nobody else sees and that go with it.
#
# In a plain chroot the root is no mount point, and then nothing below it can be made private, nor
# does `ip netns exec` work: there the chroot becomes the root of the new mount namespace first.
set -eu

[ "$(id -u)" -eq 0 ] || exec "$@"
# shellcheck disable=SC2016 # the inner shells expand these
exec unshare --mount --propagation unchanged sh -euc '
	if mount --make-rprivate / 2>/dev/null; then
		exec "$@"
	fi
	# Entering its own mount namespace takes a process out of the chroot; this shell stays in it.
	nsenter --mount=/proc/self/ns/mnt sh -euc "
		mount --make-rprivate /
		mount --rbind /proc/$$/root /tmp
		cd /tmp
		pivot_root . .
		umount -l .
		cd \"\$0\"
		exec \"\$@\"
	" "$PWD" "$@"
' sh "$@"
