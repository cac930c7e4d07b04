#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# events.sh BUILD: connections that stall, and go on probing: what trace and the daemon take, and what they
# lose. First many that stall in the same seconds; then as many, each of which probes, or sends again, once a second.
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
sleep 3 # a new policy looks at all sockets once more: not while they are made

cpu_ms() { # cpu_ms PID
	awk -v hz="$(getconf CLK_TCK)" '{print ($14 + $15) * 1000 / hz}' "/proc/$1/stat"
}
peak() { # peak PID
	awk '/^VmHWM/ {print $2 / 1024}' "/proc/$1/status"
}
daemon_lost() { # daemon_lost KIND: ring_full, or unseen: timers that the kernel ran no program for
	"$tcptimer" status --json | jq -r --arg k "$1" '[.. | objects | .[$k]? // empty | numbers] | add // 0'
}
trace_lost() { # trace_lost WORDS: for that reason
	sed -n "s/^lost .*$1: \([0-9][0-9]*\).*/\1/p" "$work/trace.err" | grep . || echo 0
}
trace_start() {
	tracer_start "$work/events"
	begin=$(now_ms) trace_before=$(cpu_ms $tracer) daemon_before=$(cpu_ms "$daemon")
	full_before=$(daemon_lost ring_full) unseen_before=$(daemon_lost unseen)
}
# bcc's tcpretrans on the same connections: a line a retransmission, where trace tells of probes, too.
peer_cpu=
tcpretrans() { # tcpretrans WHAT SECONDS: sets $peer_cpu, us an event, and figures of its own
	peer_start tracepoint__tcp__tcp_retransmit_skb tcpretrans-bpfcc || return 0
	peer_began=$(now_ms) peer_before=$(cpu_ms "$peer") lines=$(wc -l <"$work/peer.out")
	sleep "$2"
	peer_took=$(($(now_ms) - peer_began)) peer_after=$(cpu_ms "$peer") lines=$(($(wc -l <"$work/peer.out") - lines))
	lost=$(sed -n 's/^Possibly lost \([0-9]*\) samples/\1/p' "$work/peer.err" | awk '{n += $1} END {print n + 0}')
	peer_stop
	[ $lines -gt 0 ] || { echo "bench: tcpretrans told of nothing; no ratio to it" >&2; return 0; }
	peer_cpu=$(awk -v a="$peer_before" -v b="$peer_after" -v n=$lines 'BEGIN {print (b - a) * 1000 / n}')
	awk -v n=$lines -v t=$peer_took 'BEGIN {print n * 1000 / t}' | figure events "$1: told by tcpretrans, a second" events/s
	echo "$lost" | figure events "$1: lost by tcpretrans" events
}
trace_stop() { # trace_stop WHAT: the figures
	took=$(($(now_ms) - begin))
	trace_cpu=$(cpu_ms $tracer) daemon_cpu=$(cpu_ms "$daemon") trace_peak=$(peak $tracer)
	kill -INT $tracer
	wait $tracer || true
	tracer=
	events=$(grep -c '"event"' "$work/events" || true)
	grep -q '^lost ' "$work/trace.err" || { echo "events.sh: trace does not say what it lost" >&2; exit 1; }
	echo "$events" | figure events "$1: told by trace" events
	awk -v n="$events" -v t=$took 'BEGIN {print n * 1000 / t}' | figure events "$1: told by trace, a second" events/s
	trace_lost 'the buffer was full' | figure events "$1: lost by trace, buffer full" events 0
	trace_lost 'the kernel ran no program' | figure events "$1: trace: the kernel ran no program" events
	awk -v a="$trace_before" -v b="$trace_cpu" -v n="$events" -v peer="$peer_cpu" \
		'BEGIN {print (b - a) * 1000 / (n ? n : 1) (peer == "" ? "" : " " peer)}' |
		figure events "$1: CPU of trace --json, an event" us "" "${peer_cpu:+tcpretrans (bcc)}"
	awk -v a="$trace_before" -v b="$trace_cpu" -v t=$took 'BEGIN {print (b - a) * 100 / t}' |
		figure events "$1: CPU of trace --json" "% of a core"
	awk -v a="$daemon_before" -v b="$daemon_cpu" -v t=$took 'BEGIN {print (b - a) * 100 / t}' |
		figure events "$1: CPU of the daemon" "% of a core"
	echo "$trace_peak" | figure events "$1: peak memory of trace" MiB
	peak "$daemon" | figure events "$1: peak memory of the daemon" MiB
	echo $(($(daemon_lost ring_full) - full_before)) | figure events "$1: lost by the daemon, ring full" events 0
	echo $(($(daemon_lost unseen) - unseen_before)) | figure events "$1: daemon: the kernel ran no program" events
	cat "$work/trace.err" >&2
}

trace_start
hold $((stalled * 2)) 1 $stalled
sleep $seconds
"$tcptimer" list --stalled --no-header | wc -l | figure events "connections stalled" connections
trace_stop "$stalled connections stall"
release

if [ -e /proc/sys/net/ipv4/tcp_rto_max_ms ]; then
	HOLD_RTO_MAX_MS=1000
	export HOLD_RTO_MAX_MS
	hold $((stalled * 2)) 1 $stalled
	sleep 5 # until their probes are a second apart
	tcpretrans "$stalled connections, a probe a second each" 10
	trace_start
	sleep 10
	trace_stop "$stalled connections, a probe a second each"
fi
