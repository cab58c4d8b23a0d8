#!/bin/sh
# Every check of the source that needs no run of it. `make lint` calls this with the compilers and
# flags of the build. A line per step; one that fails shows what it found, and the rest are run.
#
#	tools/lint.sh [STEP]...	all, or those named
set -u
cd "$(dirname "$0")/.." || exit 1

: "${CC_MUSL:?run make lint}" "${STD:?}" "${WARN:?}" "${OBJ:?}"
include="-Isrc -I$OBJ -isystem $OBJ/include"
jobs=$(nproc)
out=$(mktemp)
trap 'rm -f "$out"' EXIT
wanted=" $* "
failed=

# What is in the repository, or will be with the next commit, but for inputs that are what they are.
files() {
	git -c safe.directory='*' ls-files -co --exclude-standard -- "$@" ':!test/fuzz/corpus' | sort -u |
		while read -r f; do [ ! -f "$f" ] || echo "$f"; done
}

c_files() {
	files 'src/*.c' 'third_party/*.c' 'test/*.c'
}

bench_files() {
	files 'tools/*.c'
}

# each COMMAND...: run it for every file named on standard input, one per processor at a time
each() {
	xargs -r -P "$jobs" -n 1 "$@"
}

# step NAME COMMAND...: the command fails where something is wrong
step() {
	name=$1
	shift
	case $wanted in
	"  " | *" $name "*) ;;
	*) return ;;
	esac
	printf '  %-12s ' "$name"
	if "$@" >"$out" 2>&1; then
		echo ok
	else
		echo FAILED
		head -n 200 "$out" | sed 's/^/    | /'
		failed="$failed $name"
	fi
}

# nothing COMMAND...: succeed if it prints nothing
nothing() {
	"$@" | { ! grep ''; }
}

# --- the steps ---------------------------------------------------------------------------------

# Compilers' options are words, to be split. With optimisation, as gcc then sees more.

compile_gcc() {
	# shellcheck disable=SC2086
	c_files | each $CC_MUSL $STD $WARN $include -Werror -O2 -S -o /dev/null &&
		bench_files | each gcc $STD $WARN -Werror -O2 -S -o /dev/null
}

compile_clang() {
	# shellcheck disable=SC2086
	{ c_files && bench_files; } | each clang $STD $WARN $include -Werror -O2 -S -o /dev/null
}

analyse() {
	# shellcheck disable=SC2086
	files 'src/*.c' | each $CC_MUSL $STD $include -fanalyzer -Werror -O1 -S -o /dev/null
}

tidy() {
	# On standard error it counts what it suppressed in other people's headers.
	# shellcheck disable=SC2086
	{ c_files && bench_files; } |
		xargs -P "$jobs" -I {} clang-tidy --quiet {} -- $STD $include 2>/dev/null
}

check_cpp() {
	{ c_files && bench_files; } |
		xargs cppcheck --quiet --error-exitcode=1 --std=c11 -j "$jobs" --inline-suppr -Isrc "-I$OBJ" \
			--enable=warning,performance,portability --suppress=missingIncludeSystem
}

check_shell() {
	files | xargs grep -lIE '^#!.*[ /](ba)?sh( |$)' | xargs shellcheck
}

check_python() {
	files '*.py' | xargs /usr/bin/python3 -m pyflakes
}

check_format() {
	files '*.c' '*.h' | xargs -P "$jobs" -n 8 clang-format --dry-run -Werror
}

# Includes go down only: what the files of each folder may include of other folders.
includes() {
	# shellcheck disable=SC2016
	files 'src/*/*.[ch]' | xargs awk '
		BEGIN {
			may["base"] = ""
			may["json"] = may["http"] = may["netlink"] = "base"
			may["net"] = "netlink http json base"
			may["netfilter"] = "net " may["net"]
			may["node"] = "netfilter " may["netfilter"]
			may["cni"] = may["ipam"] = may["gce"] = "cni ipam gce node " may["node"]
			may["plugins"] = may["commands"] = may["cni"]
		}
		FNR == 1 { split(FILENAME, part, "/"); from = part[2] }
		/^#include <linux\// && from !~ /^(node|net(link|filter)?)$/ {
			print FILENAME ":" FNR ": only src/net, src/netfilter, src/node and src/netlink include <linux/...>"
		}
		/^#include "[^"]*\// {
			split($2, to, /["\/]/)
			if (!(from in may))
				print FILENAME ": which folders may src/" from " include?"
			else if (to[2] != from && index(" " may[from] " ", " " to[2] " ") == 0)
				print FILENAME ":" FNR ": src/" from " must not include src/" to[2]
		}'
}

# Without bounds or with a shell; musl's open(), which asks for O_CLOEXEC twice, where openat() does
# not; and what a finished tree does not hold.
banned() {
	files 'src/*.c' | xargs grep -nE '(^|[^[:alnum:]_.])open\('
	files 'src/*.[ch]' | xargs grep -nwE '(v?sprintf|strcpy|strcat|gets|atoi|system|popen|tmpnam)\('
	files | grep -v '^tools/lint.sh$' | xargs grep -nIwE 'TODO|FIXME|XXX'
}

blanks() {
	files | xargs grep -nIE '[[:blank:]]+$|'"$(printf '\r')"
	files | while read -r f; do
		if [ -s "$f" ] && [ -n "$(tail -c 1 "$f")" ]; then echo "$f: no newline at its end"; fi
	done
}

step gcc compile_gcc
step clang compile_clang
step gcc-analyzer analyse
step clang-tidy tidy
step cppcheck check_cpp
step shellcheck check_shell
step pyflakes check_python
step format check_format
step includes nothing includes
step banned nothing banned
step blanks nothing blanks

files 'src/*.[ch]' 'test/*.[ch]' 'test/*.py' 'tools/*' | xargs wc -l |
	awk '$1 > 450 && $2 != "total" { print "  warning: " $2 " has " $1 " lines" }'

if [ -n "$failed" ]; then
	echo "lint: failed:$failed"
	exit 1
fi
echo "lint: all good"
