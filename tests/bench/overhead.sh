#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# overhead.sh BUILD: what a policy in force costs new connections, bulk data and setsockopt() (with and
# without, in turns), and what the programs themselves take by the kernel's own BPF statistics.
set -eu
build=$1
tcptimer=$build/tcptimer
. "$(dirname "$0")/lib.sh"
empty=
overhead_cleanup() {
	empty_stop
	daemon_cleanup
}
daemon_setup
finish=overhead_cleanup
rounds=9 timer_rounds=5 connections=20000 mebibytes=2048 calls=200000 cgroups=10000 seconds=2 sockets=4000 processes=100
! smoke || { rounds=1 timer_rounds=1 connections=100 mebibytes=8 calls=100 cgroups=20 seconds=1 sockets=20 processes=4; }

rules() { # rules COUNT: the last one takes the connections, with many settings; 0: one of one setting
	printf 'version: 1\nrules:\n'
	i=1
	while [ $i -lt "$1" ]; do
		printf '  - {name: r%d, match: {cgroup: ["/%s/**"], remote: [10.%d.%d.0/24], remote_port: [%d]}, set: {user_timeout: 30s}}\n' \
			$i "$id" $((i / 256)) $((i % 256)) $((1000 + i))
		i=$((i + 1))
	done
	[ "$1" != 0 ] || { printf '  - {name: one, match: {cgroup: ["/%s/**"]}, set: {user_timeout: 20s}}\n' "$id"; return; }
	printf '  - {name: last, match: {cgroup: ["/%s/**"]}, set: {user_timeout: 20s, max_retries: 6, keepalive: {enable: true, idle: 30s, interval: 5s, probes: 3}}}\n' "$id"
}
run_stats() { # run_stats PROGRAM: "run_time_ns run_cnt", over all of that name
	bpftool -j prog show | jq -r --arg name "$1" \
		'[.[] | select((.name // "") | startswith($name[0:15]))] | "\([.[].run_time_ns // 0] | add // 0) \([.[].run_cnt // 0] | add // 0)"'
}
per_run() { # per_run BEFORE AFTER: ns a run; nothing when it did not run
	[ "${2#* }" -gt "${1#* }" ] || return 0
	echo "$(((${2% *} - ${1% *}) * 10 / (${2#* } - ${1#* })))" | sed 's/\(.\)$/.\1/; s/^\./0./'
}
with_and_without() { # with_and_without POLICY WHAT
	round=0
	: >"$work/connect" && : >"$work/bulk" && : >"$work/call" && : >"$work/more"
	while [ $round -lt $rounds ]; do
		daemon_start "$1"
		set -- "$1" "$2" $("$build/bench/bench_traffic" "$cgroup/app/cgroup.procs" $connections $mebibytes $calls)
		daemon_stop
		"$tcptimer" policy clear >/dev/null
		set -- "$@" $("$build/bench/bench_traffic" "$cgroup/app/cgroup.procs" $connections $mebibytes $calls)
		echo "$3 $6" >>"$work/connect"
		echo "$4 $7" >>"$work/bulk"
		echo "$5 $8" >>"$work/call"
		echo "$3 $6" | awk '{print $1 - $2}' >>"$work/more"
		set -- "$1" "$2"
		round=$((round + 1))
	done
	figure overhead "connect, accept, close: $2" ns "ratio > 0.99" "no policy" <"$work/connect"
	figure overhead "connect, accept, close: $2: added" ns "< 1000" <"$work/more"
	figure overhead "bulk, a MiB: $2" ns "ratio > 0.99" "no policy" <"$work/bulk"
	figure overhead "setsockopt(): $2" ns "" "no policy" <"$work/call"
}
by_statistics() { # by_statistics POLICY WHAT: of the programs, with the clock readings of the statistics
	daemon_start "$1"
	round=0
	: >"$work/sockops" && : >"$work/guard" && : >"$work/runs"
	while [ $round -lt $rounds ]; do
		before=$(run_stats policy_sockops) guard=$(run_stats policy_setsockopt)
		"$build/bench/bench_traffic" "$cgroup/app/cgroup.procs" $connections 1 $calls >/dev/null
		after=$(run_stats policy_sockops)
		echo $(((${after% *} - ${before% *}) / connections)) >>"$work/sockops"
		echo "$(((${after#* } - ${before#* }) * 10 / connections))" | sed 's/\(.\)$/.\1/; s/^\./0./' >>"$work/runs"
		per_run "$guard" "$(run_stats policy_setsockopt)" >>"$work/guard"
		round=$((round + 1))
	done
	HOLD_CGROUP=$cgroup/app/cgroup.procs hold $sockets 1 $((sockets / 2))
	before=$(run_stats policy_sockops)
	sleep $seconds
	per_run "$before" "$(run_stats policy_sockops)" >"$work/retransmission"
	release
	daemon_stop
	"$tcptimer" policy clear >/dev/null
	[ ! -s "$work/retransmission" ] || figure overhead "sock_ops, a retransmission: $2" ns <"$work/retransmission"
	figure overhead "sock_ops, both ends of a connection: $2" ns "< 1000" <"$work/sockops"
	figure overhead "sock_ops, runs a connection: $2" runs <"$work/runs"
	figure overhead "setsockopt guard, a call: $2" ns <"$work/guard"
}
empty_start() { # a program that does nothing, where trace's looks at the timers
	mkfifo "$work/empty.in" "$work/empty.out"
	"$build/bench/bench_attach" "$build/bench/empty.bpf.o" <"$work/empty.in" >"$work/empty.out" &
	empty=$!
	exec 7>"$work/empty.in"
	read -r word <"$work/empty.out" || { echo "bench: the empty program can't be attached" >&2; exit 1; }
}
empty_stop() {
	[ -n "$empty" ] || return 0
	exec 7>&-
	wait $empty 2>/dev/null || true
	empty=
	rm -f "$work/empty.in" "$work/empty.out"
}
while_it_runs() { # while_it_runs PROGRAM: ns a run, within some seconds
	before=$(run_stats "$1")
	sleep $seconds
	per_run "$before" "$(run_stats "$1")"
}
# timers WHAT GOAL: of trace's look at every timer of the host; in turns with it a program that does nothing,
# which shows what the statistics' clock takes, and bpftrace, which counts the timers by function.
timers() {
	round=0
	: >"$work/own" && : >"$work/nothing" && : >"$work/bpftrace"
	while [ $round -lt $timer_rounds ]; do
		tracer_start /dev/null
		while_it_runs trace_timer_entry >>"$work/own"
		tracer_stop
		empty_start
		while_it_runs empty_timer_entry >>"$work/nothing"
		empty_stop
		if peer_start timer_expire_entry bpftrace -e 'tracepoint:timer:timer_expire_entry { @[args->function] = count(); }'; then
			while_it_runs timer_expire_entry >>"$work/bpftrace"
			peer_stop
		fi
		round=$((round + 1))
	done
	name="trace, a timer that fires: $1"
	if [ -s "$work/bpftrace" ]; then
		paste -d' ' "$work/own" "$work/bpftrace" | figure overhead "$name" ns "$2" "bpftrace, count by function"
	else
		figure overhead "$name" ns "$2" <"$work/own"
	fi
	figure overhead "an empty program, a timer that fires: $1" ns <"$work/nothing"
}

tcp_timers() { # what all programs of trace take for an event, with many stalled connections
	tracer_start "$work/told"
	round=0
	: >"$work/event" && : >"$work/handler"
	while [ $round -lt $timer_rounds ]; do
		before=$(run_stats trace_) handler=$(run_stats trace_timer_) told=$(wc -l <"$work/told")
		sleep $seconds
		after=$(run_stats trace_) told=$(($(wc -l <"$work/told") - told))
		[ $told = 0 ] || echo $(((${after% *} - ${before% *}) / told)) >>"$work/event"
		after=$(run_stats trace_timer_)
		[ $told = 0 ] || echo $(((${after% *} - ${handler% *}) / told)) >>"$work/handler"
		round=$((round + 1))
	done
	tracer_stop
	figure overhead "trace, before and after the timers' handlers, an event: $1" ns <"$work/handler"
	figure overhead "trace, all its programs, with the sweeps, an event: $1" ns <"$work/event"
}

# Those that are held stalled fire once a second, where the kernel can do that.
[ ! -e /proc/sys/net/ipv4/tcp_rto_max_ms ] || { HOLD_RTO_MAX_MS=1000; export HOLD_RTO_MAX_MS; }
mkdir "$cgroup/app"
rules 0 >"$work/user_timeout.yaml"
rules 1 >"$work/one.yaml"
rules 256 >"$work/many.yaml"
with_and_without "$work/user_timeout.yaml" "user_timeout"
with_and_without "$work/one.yaml" "6 settings"
sysctl -qw kernel.bpf_stats_enabled=1
by_statistics "$work/user_timeout.yaml" "user_timeout"
by_statistics "$work/one.yaml" "6 settings"
timers "an idle host, caches cold" ""
mkfifo "$work/timers"
"$build/bench/bench_timers" $processes <"$work/timers" &
exec 9>"$work/timers"
timers "$processes processes that fire others than TCP's" "< 40"
exec 9>&-
hold $sockets 1 $((sockets / 2))
timers "$((sockets / 2)) stalled connections" ""
tcp_timers "$((sockets / 2)) stalled connections"
release
sysctl -qw kernel.bpf_stats_enabled="$stats"
(cd "$cgroup" && seq -f 'c%.0f' $cgroups | xargs mkdir)
with_and_without "$work/many.yaml" "256 rules, $cgroups cgroups"
sysctl -qw kernel.bpf_stats_enabled=1
by_statistics "$work/many.yaml" "256 rules, $cgroups cgroups"
