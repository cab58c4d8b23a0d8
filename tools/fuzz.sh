#!/bin/sh
# Fuzz targets, one after the other, at low priority.
#
#	tools/fuzz.sh SECONDS PROGRAM...	each for SECONDS
#
# A PROGRAM fuzz_NAME begins with the seeds in test/fuzz/corpus/NAME and with what it has found
# before, beside itself, where it also leaves inputs that fail.
set -eu

seconds=$1
shift
for program; do
	name=${program##*/fuzz_}
	found=$program.corpus
	mkdir -p "$found"
	log=$program.log
	if nice -n 19 "$program" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -max_len=20000 \
		-dict="test/fuzz/$name.dict" -artifact_prefix="$program-" -print_final_stats=1 \
		"$found" "test/fuzz/corpus/$name" >"$log" 2>&1; then
		printf '  %-12s %10s inputs in %s s, no finding\n' "$name" \
			"$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")" "$seconds"
	else
		tail -n 60 "$log"
		echo "fuzz: $name has failed; its whole output: $log" >&2
		exit 1
	fi
done
