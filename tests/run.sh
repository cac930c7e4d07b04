#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Runs each test program given, prints what it prints, and one closing line over all of them.
# Exit status 1 when one failed. A test skips with its reason; with CI set a skip is a failure.
set -u
passed=0 failed=0 skipped=0
out=$(mktemp)
trap 'rm -f "$out"' EXIT INT TERM
for t in "$@"; do
	echo "== $t"
	"$t" >"$out" 2>&1
	status=$?
	cat "$out"
	p=$(sed -n 's/^\[  PASSED  \] \([0-9]*\) test(s).*/\1/p' "$out" | awk '{s+=$1} END {print s+0}')
	f=$(sed -n 's/^ *\([0-9]*\) FAILED TEST(S).*/\1/p' "$out" | awk '{s+=$1} END {print s+0}')
	s=$(grep -c '^\[  SKIPPED \]' "$out")
	[ "$status" -ne 0 ] && [ "$f" -eq 0 ] && f=1 && echo "$t: exit status $status"
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
done
if [ -n "${CI:-}" ] && [ "$skipped" -gt 0 ]; then
	echo "tests skipped with CI set count as failed: $skipped"
	failed=$((failed + skipped))
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
