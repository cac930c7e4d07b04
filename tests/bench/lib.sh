# SPDX-License-Identifier: GPL-2.0-or-later
# For the parts of the benchmark: a directory that goes away also when killed, sockets that are held, rounds.
here=$(dirname "$0")
work=$(mktemp -d)
id=tcptimer-bench-$$
held=
finish=
cleanup() {
	set +e
	[ -z "$finish" ] || $finish
	peer_stop
	tracer_stop
	release
	rm -rf "$work"
}
hold() { # hold SOCKETS NAMESPACES STALLED: sets $pids, one a namespace
	mkfifo "$work/hold.in" "$work/hold.out"
	sh -c '[ -z "$1" ] || echo 0 >"$1"; shift; exec "$@"' sh "${HOLD_CGROUP:-}" "$build/bench/bench_hold" "$@" \
		<"$work/hold.in" >"$work/hold.out" &
	held=$!
	exec 8>"$work/hold.in"
	read -r word pids <"$work/hold.out" && [ "$word" = ready ] ||
		{ echo "bench: $1 sockets could not be held" >&2; exit 1; }
}
release() {
	[ -n "$held" ] || return 0
	exec 8>&-
	wait "$held" 2>/dev/null
	held=
	rm -f "$work/hold.in" "$work/hold.out"
}
smoke() { [ -n "${BENCH_SMOKE:-}" ]; }
trap cleanup EXIT
trap 'exit 130' INT TERM HUP

# ---- figures out of rounds: a value a line, or own value and peer's
figure() { # figure GROUP NAME UNIT [GOAL [PEER]] <rounds
	jq -Rsc --arg group "$1" --arg figure "$2" --arg unit "$3" --arg goal "${4:-}" --arg peer "${5:-}" '
		def median: sort | if length == 0 then null elif length % 2 == 1 then .[(length - 1) / 2]
			else (.[length / 2 - 1] + .[length / 2]) / 2 end;
		[split("\n")[] | select(length > 0) | [splits(" +") | tonumber]] as $rows |
		($rows | map(.[0])) as $own |
		if ($own | length) == 0 then error("no rounds of " + $figure) else . end |
		{group: $group, figure: $figure, unit: $unit, median: ($own | median), min: ($own | min),
		 max: ($own | max), rounds: ($own | length)}
		+ (if $goal != "" then {goal: $goal} else {} end)
		+ (if $peer != "" then {peer: $peer, ratio: ($rows | map(.[1] / .[0]) | median)} else {} end)'
}

# ---- a daemon for a cgroup of our own, with pins and a socket of our own
daemon=
daemon_setup() {
	[ "$(id -u)" = 0 ] || { echo "bench: needs root" >&2; exit 1; }
	mount=$(sed -n 's/^[^ ]* \([^ ]*\) cgroup2 .*/\1/p' /proc/mounts | head -1)
	[ -n "$mount" ] || { echo "bench: no cgroup2 is mounted" >&2; exit 1; }
	grep -q '^[^ ]* /sys/fs/bpf bpf ' /proc/mounts || mount -t bpf bpf /sys/fs/bpf
	PATH=$PATH:/usr/sbin:/sbin
	cgroup=$mount/$id
	pins=/sys/fs/bpf/$id
	TCPTIMER_SOCKET=$work/ctl.sock TCPTIMER_PIN_DIR=$pins
	export TCPTIMER_SOCKET TCPTIMER_PIN_DIR
	stats=$(sysctl -n kernel.bpf_stats_enabled)
	finish=daemon_cleanup
	mkdir "$cgroup"
}
daemon_cleanup() {
	daemon_stop
	"$tcptimer" policy clear >/dev/null 2>&1
	sysctl -qw kernel.bpf_stats_enabled="$stats"
	rm -f "$pins"/* 2>/dev/null
	tries=0
	while [ -d "$cgroup" ] && [ $tries -lt 50 ]; do
		find "$cgroup" -depth -type d -exec rmdir {} + 2>/dev/null && break
		tries=$((tries + 1))
		sleep 0.1
	done
	rmdir "$pins" 2>/dev/null
	return 0
}
daemon_start() { # daemon_start POLICY [OPTION…]: until it says that it is ready
	policy=$1
	shift
	: >"$work/log"
	"$tcptimer" daemon --cgroup "/$id" --policy "$policy" "$@" 2>"$work/log" &
	daemon=$!
	tries=0
	while ! grep -q 'is ready' "$work/log"; do
		tries=$((tries + 1))
		kill -0 "$daemon" 2>/dev/null && [ $tries -lt 6000 ] ||
			{ echo "bench: the daemon does not start" >&2; cat "$work/log" >&2; exit 1; }
		sleep 0.01
	done
}
daemon_stop() {
	[ -n "$daemon" ] || return 0
	kill "$daemon" 2>/dev/null
	wait "$daemon" 2>/dev/null
	daemon=
}

# ---- a trace, for as long as something is measured
tracer=
tracer_start() { # tracer_start FILE: until it traces; its JSON goes to FILE, what else it says to $work/trace.err
	: >"$work/trace.err"
	"$tcptimer" trace --json >"$1" 2>"$work/trace.err" &
	tracer=$!
	tries=0
	until grep -q tracing "$work/trace.err"; do
		tries=$((tries + 1))
		kill -0 $tracer 2>/dev/null && [ $tries -lt 600 ] || { cat "$work/trace.err" >&2; exit 1; }
		sleep 0.1
	done
}
tracer_stop() {
	[ -n "$tracer" ] || return 0
	kill $tracer 2>/dev/null || true
	wait $tracer 2>/dev/null || true
	tracer=
}

# ---- others' programs that do something alike, where they are installed and this kernel can run them
peer=
peer_start() { # peer_start PROGRAM COMMAND…: until its BPF program is there; 1, and said once, if it can't be
	program=$1
	shift
	command -v "$1" >/dev/null || { peer_missing "$1" "is not installed"; return 1; }
	sh "$here/peer.sh" "$@" >"$work/peer.out" 2>"$work/peer.err" &
	peer=$!
	tries=0
	until bpftool -j prog show | jq -e --arg name "$program" 'any(.[]; (.name // "") | startswith($name[0:15]))' >/dev/null; do
		tries=$((tries + 1))
		kill -0 "$peer" 2>/dev/null && [ $tries -lt 300 ] || {
			peer_stop
			peer_missing "$1" "does not run here: $(tail -1 "$work/peer.err")"
			return 1
		}
		sleep 0.1
	done
}
peer_stop() {
	[ -n "$peer" ] || return 0
	kill -INT "$peer" 2>/dev/null || true
	tries=0
	while kill -0 "$peer" 2>/dev/null; do
		tries=$((tries + 1))
		[ $tries -lt 100 ] || kill -KILL "$peer"
		sleep 0.1
	done
	wait "$peer" 2>/dev/null || true
	peer=
}
peer_missing() {
	[ -e "$work/missing.$1" ] || echo "bench: $1 $2; no ratio to it" >&2
	: >"$work/missing.$1"
}
now_ms() {
	echo $(($(date +%s%N) / 1000000))
}
