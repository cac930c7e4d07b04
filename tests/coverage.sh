#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# coverage.sh DIR: the engine's line and branch coverage by its unit tests, a file a line; fails below
# 100 % of branches. Branches that can't be taken would be named here; there is none.
set -u
dir=$1
rm -rf "$dir"
mkdir -p "$dir"
root=$(pwd)
cd "$dir" || exit 1
for source in "$root"/user/engine/*.c "$root"/user/words.c; do
	gcc -std=gnu11 -O0 -g --coverage -I"$root/include" -I"$root/user" -c "$source" || exit 1
done
for test in "$root"/tests/unit/test_engine_*.c "$root"/tests/unit/test_conformance_findings.c; do
	name=$(basename "$test" .c)
	gcc -std=gnu11 -O0 -g -I"$root/include" -I"$root/user" -I"$root/tests" "$test" ./*.o --coverage \
		-o "$name" -lcmocka -lm || exit 1
	TCPTIMER_PROPERTY_COUNT=40000 "./$name" >"$name.log" 2>&1 || { cat "$name.log"; exit 1; }
done
rm -f words.gc*
gcov -b ./*.gcda 2>/dev/null | awk '
	/^File / { file = $0; gsub(/^File .*\/user\/engine\/|.$/, "", file); mine = $0 ~ /user\/engine\/.*\.[ch]/ }
	/^Lines executed/ && mine { split($0, p, /[:% ]+/); lines = p[3]; nl = p[5] }
	/^No branches/ && mine { printf "%-16s lines %6.2f%% of %4d\n", file, lines, nl; L += lines * nl; N += nl; mine = 0 }
	/^Branches executed/ && mine { next }
	/^Taken at least once/ && mine {
		split($0, p, /[:% ]+/)
		printf "%-16s lines %6.2f%% of %4d   branches %6.2f%% of %4d\n", file, lines, nl, p[5], p[7]
		L += lines * nl; N += nl; T += p[5] * p[7]; B += p[7]; mine = 0
	}
	END {
		if (!N || !B) { print "no coverage was measured"; exit 1 }
		printf "engine: lines %.2f%% of %d, branches %.2f%% of %d\n", L / N, N, T / B, B
		exit T / B < 100
	}'
status=$?
[ "$status" -eq 0 ] && echo "1 passed, 0 failed" || echo "0 passed, 1 failed"
exit "$status"
