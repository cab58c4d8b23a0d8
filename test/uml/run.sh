#!/bin/sh
# Run the system tests on another kernel: User-Mode Linux, an ordinary process, whose root is this
# machine's, read-only. One for each of two processors, each with half of the tests. Those that are
# marked "once" (pytest.ini) are left out.
#
#	test/uml/run.sh CNIBOX OUT [PYTEST ARGUMENT]...
#
# Each has UML_MINUTES of time, 25 unless said. What it printed is kept in OUT/SHARD/console. Exit
# status 0 if all tests passed or said what the kernel lacks.
set -eu

cnibox=$(realpath "$1")
mkdir -p "$2"
out=$(realpath "$2")
repository=$(realpath "$(dirname "$0")/../..")
shift 2

minutes=${UML_MINUTES:-25}
shards=2
sockets=$(mktemp -d)
kernels=
trap 'rm -rf "$sockets"' EXIT
# shellcheck disable=SC2086 # a list
trap 'kill $kernels 2>/dev/null; wait; exit 130' INT TERM

# The kernel hands words that it does not know to init: NAME=VALUE in the environment.
boot() {
	shard=$1
	shift
	place=$out/$shard
	rm -rf "$place"
	mkdir -p "$place"
	printf '%s\n' -m 'not once' "$@" >"$place/arguments"
	exec timeout -k 10 $((minutes * 60)) linux.uml rootfstype=hostfs rootflags=/ ro init="$repository/test/uml/init.sh" \
		mem=2G quiet con=null con0=null,fd:1 uml_dir="$sockets/" \
		REPOSITORY="$repository" CNIBOX="$cnibox" OUT="$place" SHARD="$shard/$shards" CI="${CI:-}" \
		</dev/null >"$place/console" 2>&1
}

echo "system tests in User-Mode Linux, $shards at once:"
shard=0
while [ $shard -lt $shards ]; do
	boot $shard "$@" &
	kernels="$kernels $!"
	shard=$((shard + 1))
done
wait

# A half may hold none of the tests that ARGUMENTs choose (pytest's 5); both together must hold some.
failed=5
shard=0
while [ $shard -lt $shards ]; do
	# From the marker of init.sh on: what is before it is the kernel's.
	sed -n 's/\r$//; /^== /,$p' "$out/$shard/console" | grep -vE '^(sysrq|reboot):'
	if ! status=$(cat "$out/$shard/status" 2>/dev/null); then
		echo "the kernel ended, or $minutes minutes were over, before pytest was done: $out/$shard/console"
		status=1
	fi
	case $status in
	5) ;;
	0) [ $failed != 5 ] || failed=0 ;;
	*) failed=1 ;;
	esac
	shard=$((shard + 1))
done
exit $failed
