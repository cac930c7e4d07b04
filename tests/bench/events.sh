#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# events.sh BUILD: many connections that stall at once, and go on probing: what trace and the daemon take, and
# what they lose.
set -eu
build=$1
tcptimer=$build/tcptimer
. "$(dirname "$0")/lib.sh"
daemon_setup
stalled=100000 seconds=30
! smoke || { stalled=50 seconds=3; }
mkdir "$cgroup/app"
printf 'version: 1\nrules:\n  - {name: one, match: {cgroup: ["/%s/**"]}, set: {user_timeout: 3600s}}\n' "$id" >"$work/a.yaml"
daemon_start "$work/a.yaml"
"$tcptimer" trace --json >"$work/events" 2>"$work/trace.err" &
tracer=$!
tries=0
until grep -q tracing "$work/trace.err"; do
	tries=$((tries + 1))
	[ $tries -lt 100 ] || { cat "$work/trace.err" >&2; exit 1; }
	sleep 0.1
done
cpu_ms() { # cpu_ms PID
	awk -v hz="$(getconf CLK_TCK)" '{print ($14 + $15) * 1000 / hz}' "/proc/$1/stat"
}
peak() { # peak PID
	awk '/^VmHWM/ {print $2 / 1024}' "/proc/$1/status"
}
daemon_before=$(cpu_ms "$daemon")
trace_before=$(cpu_ms $tracer)
begin=$(now_ms)
hold $((stalled * 2)) 1 $stalled
sleep $seconds
took=$(($(now_ms) - begin))
trace_cpu=$(cpu_ms $tracer) daemon_cpu=$(cpu_ms "$daemon")
trace_peak=$(peak $tracer) daemon_peak=$(peak "$daemon")
"$tcptimer" list --stalled --no-header | wc -l | figure events "connections stalled" connections
kill -INT $tracer
wait $tracer || true
events=$(grep -c '"event"' "$work/events" || true)
what="$stalled connections stall"
echo "$events" | figure events "$what: told by trace" events
lost=$(sed -n 's/^lost  *\([0-9][0-9]*\).*/\1/p' "$work/trace.err")
[ -n "$lost" ] || { echo "events.sh: trace does not say what it lost" >&2; exit 1; }
echo "$lost" | figure events "$what: lost by trace" events 0
awk -v a="$trace_before" -v b="$trace_cpu" -v n="$events" 'BEGIN {print (b - a) * 1000 / (n ? n : 1)}' | figure events "$what: CPU of trace --json, an event" us
awk -v a="$trace_before" -v b="$trace_cpu" -v t=$took 'BEGIN {print (b - a) * 100 / t}' | figure events "$what: CPU of trace --json" "% of a core"
awk -v a="$daemon_before" -v b="$daemon_cpu" -v t=$took 'BEGIN {print (b - a) * 100 / t}' | figure events "$what: CPU of the daemon" "% of a core"
echo "$trace_peak" | figure events "$what: peak memory of trace" MiB
echo "$daemon_peak" | figure events "$what: peak memory of the daemon" MiB
"$tcptimer" status --json >"$work/status"
jq -r '[.. | objects | .ring_full? // empty | numbers] | add // 0' "$work/status" | figure events "$what: lost by the daemon, ring full" events 0
cat "$work/trace.err" >&2
