#!/bin/sh
# Run unit test programs, each for at most a minute; show a line for each and the whole output of
# those that fail. The last line counts test cases. With CI=true a skipped case has failed.
set -u

passed=0
failed=0
skipped=0
out=$(mktemp)
trap 'rm -f "$out"' EXIT

for program; do
	CMOCKA_MESSAGE_OUTPUT=TAP timeout 60 "$program" >"$out" 2>&1 </dev/null
	status=$?
	planned=$(sed -n 's/^1\.\.\([0-9]*\)$/\1/p' "$out")
	good=$(grep -ac '^ok ' "$out")
	skip=$(grep -ac '^not ok [0-9]* # SKIP' "$out")
	bad=$(($(grep -ac '^not ok ' "$out") - skip))
	# A program that crashes or hangs may have said nothing of it.
	if [ $((good + skip + bad)) -ne "${planned:--1}" ] || { [ $status -ne 0 ] && [ $bad -eq 0 ]; }; then
		bad=$((bad + 1))
	fi
	if [ $bad -eq 0 ]; then
		printf '  ok      %-40s %3d\n' "$program" "$good"
		grep -a 'SKIP' "$out"
	else
		printf '  FAILED  %-40s %3d passed, %d failed, exit status %d\n' "$program" "$good" "$bad" $status
		sed 's/^/    | /' "$out"
	fi
	passed=$((passed + good))
	failed=$((failed + bad))
	skipped=$((skipped + skip))
done

if [ "${CI:-}" = true ]; then
	failed=$((failed + skipped))
fi
echo "unit tests: $passed passed, $failed failed, $skipped skipped"
[ $passed -gt 0 ] && [ $failed -eq 0 ]
