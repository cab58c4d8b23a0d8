#!/bin/sh
# Install what is missing of the Debian packages that building, testing and linting need.
#
#	tools/deps.sh ARCH GROUP...	GROUP: build test uml lint
#
# Asks dpkg first, so that it costs nothing and needs no root when all is there.
set -eu

arch=$1
shift

native=$(dpkg --print-architecture 2>/dev/null) || {
	echo "deps: this is not Debian: third_party/README.md says what the build needs" >&2
	exit 1
}

packages() {
	case $1 in
	build)
		echo gcc binutils musl-tools musl-dev libbearssl-dev libjsmn-dev linux-libc-dev
		echo python3 ca-certificates # the roots that are built in
		;;
	build-arm64)
		echo gcc-aarch64-linux-gnu binutils-aarch64-linux-gnu musl-tools musl-dev:arm64
		echo libbearssl-dev:arm64 libjsmn-dev linux-libc-dev linux-libc-dev-arm64-cross
		echo python3 ca-certificates
		;;
	test) # programs that read the kernel's state back, the reference plugins, sanitizers
		echo libc6-dev libcmocka-dev clang libclang-rt-14-dev
		echo python3 python3-pytest python3-pytest-xdist python3-pytest-timeout python3-pyroute2
		echo iproute2 iptables nftables iputils-ping bridge-utils procps util-linux
		echo jq nmap radvd strace valgrind kmod containernetworking-plugins
		echo openssl gnutls-bin python3-cryptography # other people's TLS
		echo dbus python3-dbus python3-gi # a bus, and a firewalld on it
		echo containerd runc podman crun busybox-static python3-grpcio # real runtimes
		;;
	uml) # another kernel as a process, its modules, an image for it
		[ "$native" != amd64 ] || echo user-mode-linux kmod cpio e2fsprogs
		;;
	lint)
		echo git libc6-dev libcmocka-dev clang clang-format clang-tidy cppcheck shellcheck
		echo python3 python3-pyflakes
		;;
	*)
		echo "deps: there is no group '$1'" >&2
		exit 2
		;;
	esac
}

wanted=
for group; do
	if [ "$group" = build ] && [ "$arch" = arm64 ] && [ "$native" != arm64 ]; then
		group=build-arm64
	fi
	wanted="$wanted $(packages "$group" | tr '\n' ' ')"
done

# Which of these are not installed: all in one question, as dpkg takes its time to start.
missing() {
	# shellcheck disable=SC2086
	dpkg-query -W -f '${binary:Package} ${db:Status-Status}\n' $wanted 2>/dev/null |
		awk -v wanted="$wanted" -v native=":$native\$" '
			$2 == "installed" { sub(native, "", $1); have[$1] = 1 }
			END {
				n = split(wanted, name, " ")
				for (i = 1; i <= n; i++)
					if (!(name[i] in have) && !seen[name[i]]++)
						printf "%s ", name[i]
			}'
}

lacking=$(missing)
[ -n "$lacking" ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
	echo "deps: these packages are missing, and only root can install them:" >&2
	echo "	apt-get install $lacking" >&2
	exit 1
fi

install() {
	# shellcheck disable=SC2086
	DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 \
		install -y --no-install-recommends $lacking </dev/null
}

echo "deps: installing $lacking"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
case $lacking in
*:arm64*)
	dpkg --print-foreign-architectures | grep -qx arm64 || dpkg --add-architecture arm64
	;;
esac
# With no package lists, or old ones, the first attempt fails: fetch them, then try once more.
if ! install >"$log" 2>&1; then
	if ! { apt-get -qq update && install; } >"$log" 2>&1; then
		cat "$log" >&2
		echo "deps: apt-get could not install $lacking" >&2
		exit 1
	fi
fi
lacking=$(missing)
if [ -n "$lacking" ]; then
	echo "deps: apt-get succeeded, but these are still missing: $lacking" >&2
	exit 1
fi
