#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# engine.sh BUILD: what a deadline and a timeline cost; in instructions, too, which repeat.
set -eu
bench=$1/bench/bench_engine
snapshots=1000000 rounds=11
[ -z "${BENCH_SMOKE:-}" ] || { snapshots=4096 rounds=1; }
"$bench" $snapshots $rounds
command -v valgrind >/dev/null || { echo "engine.sh: no valgrind: instructions are not counted" >&2; exit 0; }
kind=0
for name in "data in flight, silent peer" "data in flight, peer that acks" \
	"data in flight, TCP_USER_TIMEOUT 20 s" "zero window, silent peer" "zero window, peer that answers" \
	idle "idle with keepalive, silent peer" SYN_SENT "orphan in FIN_WAIT1" TIME_WAIT; do
	# 1000 deadlines; what lies around them is not collected
	sum=$(valgrind --tool=callgrind --callgrind-out-file=/dev/null --toggle-collect=deadlines_ns \
		"$bench" 1000 1 $kind 2>&1 | sed -n 's/.*Collected : //p')
	[ -n "$sum" ] || { echo "engine.sh: callgrind counted nothing" >&2; exit 1; }
	printf '{"group": "engine", "figure": "deadline: %s", "unit": "instructions", "median": %s, "min": %s, "max": %s, "rounds": 1}\n' \
		"$name" $((sum / 1000)) $((sum / 1000)) $((sum / 1000))
	kind=$((kind + 1))
	[ -z "${BENCH_SMOKE:-}" ] || break
done
