#!/bin/sh
# Sizes against their budgets, and what is largest in the first file.
#
#	tools/size.sh DIRECTORY KIB...	a DIRECTORY of the build and its budget in KiB, in turn
set -eu

status=0
first=$1
while [ $# -ge 2 ]; do
	bytes=$(stat -c %s "$1/cnibox")
	room=$(($2 * 1024 - bytes))
	printf '%-22s %7d bytes of %d: ' "$1/cnibox" "$bytes" $(($2 * 1024))
	if [ $room -ge 0 ]; then
		echo "$room to spare"
	else
		echo "$((-room)) TOO MANY"
		status=1
	fi
	shift 2
done

echo
echo "largest in $first/cnibox (bytes in the file, name):"
nm --size-sort --reverse-sort --print-size --radix=d "$first/obj/cnibox" |
	awk '$3 !~ /[bB]/ && n++ < 15 { printf "%8d  %s\n", $2, $4 }'
exit $status
