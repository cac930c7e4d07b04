#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Makes real TCP connections stall in each way, in network namespaces of its own, under tcptimer's eyes.
# Receives the two programs: demo.sh TCPTIMER DEMO-STALL. Leaves nothing behind, also when interrupted.
set -eu

if [ $# -ne 2 ]; then
	echo "usage: demo.sh TCPTIMER DEMO-STALL" >&2
	exit 2
fi
tcptimer=$1
stall=$2
PATH=$PATH:/usr/sbin:/sbin

name=tcptimer-demo-$$
app_ns=$name-a  # the applications' host
peer_ns=$name-b # the host that vanishes
app_addr=192.0.2.1
orders_addr=192.0.2.10
logs_addr=192.0.2.20
pool_addr=192.0.2.30
checkout_addr=192.0.2.40 # nobody has it
reports_addr=192.0.2.50
db_port=5432
log_port=9092
apps="orders checkout logs pool reports"

tmp=
cgroup_root=
cgroup_mounted=
trace_pid=
peer_pid=
app_pids=
pid_orders=
pid_reports=
failed=0

fail() {
	echo "demo: $*" >&2
	exit 1
}

say() {
	printf '\n==> %s\n' "$1"
	shift
	[ $# -eq 0 ] || printf '    %s\n' "$@"
}

# Sleep so that a signal's trap runs at once.
pause() {
	sleep "$1" &
	wait $! || true
}

# Wait until a command succeeds: within TRIES * 0.1 s, as long as process PID lives.
wait_for() {
	tries=$1
	wait_pid=$2
	shift 2
	while ! "$@"; do
		tries=$((tries - 1))
		if [ "$tries" -le 0 ] || ! kill -0 "$wait_pid" 2>/dev/null; then
			return 1
		fi
		pause 0.1
	done
}

# End process PID, which this script started, and wait for it: SIGKILL when 3 s were not enough.
end_process() {
	kill -TERM "$1" 2>/dev/null || return 0
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
		kill -0 "$1" 2>/dev/null || break
		sleep 0.2
	done
	kill -KILL "$1" 2>/dev/null || true
	wait "$1" 2>/dev/null || true
}

# Remove the cgroups of a demo, and what still runs in them.
remove_cgroups() {
	[ -d "$1" ] || return 0
	for procs in "$1"/*/cgroup.procs; do
		[ -f "$procs" ] || continue
		while read -r pid; do
			kill -KILL "$pid" 2>/dev/null || true
		done <"$procs"
	done
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		rmdir "$1"/*/ "$1" 2>/dev/null || true
		[ -d "$1" ] || return 0
		sleep 0.1
	done
}

# What demos left that were killed: their names end in the process id.
remove_stale() {
	for path in /run/netns/tcptimer-demo-*-[ab]; do
		[ -e "$path" ] || continue
		stale=${path#/run/netns/}
		pid=${stale#tcptimer-demo-}
		kill -0 "${pid%-?}" 2>/dev/null || ip netns del "$stale" || true
	done
	for path in "$cgroup_root"/tcptimer-demo-*; do
		[ -d "$path" ] || continue
		kill -0 "${path##*-}" 2>/dev/null || remove_cgroups "$path"
	done
	for path in /run/tcptimer-demo-*; do
		[ -d "$path" ] || continue
		kill -0 "${path##*-}" 2>/dev/null && continue
		umount "$path/cgroup" 2>/dev/null || true
		rm -rf "$path"
	done
}

clean_up() {
	trap '' INT TERM HUP PIPE
	set +e
	[ -z "$trace_pid" ] || end_process "$trace_pid"
	for pid in $app_pids $peer_pid; do
		end_process "$pid"
	done
	for ns in "$app_ns" "$peer_ns"; do
		[ ! -e "/run/netns/$ns" ] || ip netns del "$ns"
	done
	[ -z "$cgroup_root" ] || remove_cgroups "$cgroup_root/$name"
	[ -z "$cgroup_mounted" ] || umount "$cgroup_root"
	[ -z "$tmp" ] || rm -rf "$tmp"
}

# cgroup v2 may be the only hierarchy, or mounted beside v1, or not mounted at all.
find_cgroup_root() {
	while read -r _ _ _ root mount_point rest; do
		case "$root $rest" in
		"/ "*" - cgroup2 "*)
			cgroup_root=$mount_point
			return
			;;
		esac
	done </proc/self/mountinfo
	mkdir "$tmp/cgroup"
	mount -t cgroup2 cgroup2 "$tmp/cgroup" || fail "this kernel has no cgroup v2"
	cgroup_mounted=yes
	cgroup_root=$tmp/cgroup
}

# Set net.ipv4 sysctls of a namespace: NAMESPACE NAME=VALUE...; one that this kernel lacks is passed by.
set_sysctls() {
	# shellcheck disable=SC2016
	ip netns exec "$1" sh -c '
		shift
		for setting; do
			file=/proc/sys/net/ipv4/${setting%%=*}
			[ ! -e "$file" ] || echo "${setting#*=}" >"$file" || exit 1
		done' sh "$@" || fail "cannot set the sysctls of $1"
}

make_hosts() {
	ip netns add "$app_ns"
	ip netns add "$peer_ns"
	ip -n "$app_ns" link add eth0 type veth peer name eth0 netns "$peer_ns"
	for ns in "$app_ns" "$peer_ns"; do
		ip -n "$ns" link set lo up
		# reno: nothing paces, so the times are the timers' alone. No forwarding: a packet for an
		# address that is not there is dropped without a word.
		set_sysctls "$ns" tcp_congestion_control=reno tcp_no_metrics_save=1 ip_forward=0
	done
	set_sysctls "$app_ns" tcp_retries2=4 tcp_syn_retries=3 tcp_syn_linear_timeouts=0
	ip -n "$app_ns" addr add "$app_addr/24" dev eth0
	ip -n "$peer_ns" addr add 192.0.2.2/24 dev eth0
	for addr in "$orders_addr" "$logs_addr" "$pool_addr" "$reports_addr"; do
		ip -n "$peer_ns" addr add "$addr/32" dev eth0
	done
	ip -n "$app_ns" link set eth0 up
	ip -n "$peer_ns" link set eth0 up
	# Static neighbours: a vanished host must not be noticed by ARP.
	app_mac=$(ip netns exec "$app_ns" cat /sys/class/net/eth0/address)
	peer_mac=$(ip netns exec "$peer_ns" cat /sys/class/net/eth0/address)
	ip -n "$peer_ns" neigh replace "$app_addr" lladdr "$app_mac" dev eth0 nud permanent
	for addr in "$orders_addr" "$logs_addr" "$pool_addr" "$reports_addr" "$checkout_addr"; do
		ip -n "$app_ns" neigh replace "$addr" lladdr "$peer_mac" dev eth0 nud permanent
	done
}

# Run a program in cgroup NAME of the demo; $! is its process.
start_in() {
	cgroup=$cgroup_root/$name/$1
	shift
	mkdir -p "$cgroup"
	# shellcheck disable=SC2016
	sh -c 'echo $$ >"$1/cgroup.procs" && shift && exec "$@"' sh "$cgroup" "$@" &
}

# start_app NAME ACTION ADDR PORT: an application, as far as it has a connection (or asks for one).
start_app() {
	start_in "$1" ip netns exec "$app_ns" "$stall" "$2" "$1" "$3" "$4" >"$tmp/$1"
	app_pids="$app_pids $!"
	eval "pid_$1=$!"
	wait_for 50 $! grep -q ready "$tmp/$1" || fail "the application '$1' did not start"
}

# The trace's programs are attached when their links show among its file descriptors.
trace_attached() {
	grep -qs '^link_type:' "/proc/$trace_pid"/fdinfo/*
}

# report NAME WANTED WITHOUT-THE-DEMO'S-SETTINGS: what the application got.
report() {
	got=$(sed -n 's/^end //p' "$tmp/$1")
	# shellcheck disable=SC2086
	set -- "$1" "$2" "$3" ${got:-none none 0}
	printf '%-10s %-9s %-11s %7ss   %s\n' "$1" "$4()" "$5" "$6" "$3"
	[ "$5" = "$2" ] || failed=1
}

wait_apps() {
	for app in $apps; do
		eval "wait \"\$pid_$app\"" || true
	done
}

[ "$(id -u)" -eq 0 ] || fail "needs root, for network namespaces, cgroups and BPF: sudo make demo"
command -v ip >/dev/null || fail "needs the command 'ip' (iproute2)"
[ -x "$tcptimer" ] || fail "no program '$tcptimer': run make first"
[ -x "$stall" ] || fail "no program '$stall': run make first"

trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP
trap 'exit 141' PIPE
tmp=/run/$name
mkdir -m 700 "$tmp"
find_cgroup_root
remove_stale
mkdir "$cgroup_root/$name" || fail "cannot make a cgroup under $cgroup_root"

cat <<TEXT
When the peer of a TCP connection vanishes (a crash, a pulled cable, a firewall that forgets),
nothing arrives that says so. The application waits until one of the kernel's timers gives up,
and by default that takes long. tcptimer shows which timer runs, what it does, and how it ends.

This demo makes two hosts out of network namespaces, and five applications, each in its cgroup:
  orders    asks a database and waits for the answer; the database host vanishes
  checkout  connects to an address where nobody is
  logs      streams to a collector that stops reading, and then vanishes
  pool      keeps an idle connection with keepalive on; its peer vanishes
  reports   asks a database; the network fails for two seconds and comes back
TEXT

make_hosts
start_in peer ip netns exec "$peer_ns" "$stall" peer "$db_port" "$log_port" >"$tmp/peer"
peer_pid=$!
wait_for 50 "$peer_pid" grep -q ready "$tmp/peer" || fail "the peer did not start"

say "tcptimer trace netns $app_ns" \
	"A line for each event: the timer that fired, how long the stall has lasted, what the kernel" \
	"did, when the timer fires again, and when the kernel will end the connection."
start_in trace "$tcptimer" trace netns "$app_ns"
trace_pid=$!
wait_for 150 "$trace_pid" trace_attached || fail "tcptimer trace did not start (see: $tcptimer doctor)"
pause 0.5

say "The collector of 'logs' stops reading: its window closes. It still answers each probe, and as" \
	"long as it does, 'logs' would hang for ever: no limit of the kernel applies."
start_app logs stream "$logs_addr" "$log_port"
start_app orders request "$orders_addr" "$db_port"
start_app reports request "$reports_addr" "$db_port"
pause 2
start_app pool idle "$pool_addr" "$db_port"

say "Now the peer vanishes: no FIN, no RST, no ICMP. 'orders' and 'reports' ask into the void," \
	"'checkout' starts to connect, 'pool' knows nothing yet."
for addr in "$orders_addr" "$logs_addr" "$pool_addr" "$reports_addr"; do
	ip -n "$peer_ns" addr del "$addr/32" dev eth0
done
kill -USR1 "$pid_orders" "$pid_reports"
start_app checkout connect "$checkout_addr" 443
pause 2

say "The host of 'reports' is back. Its next retransmission gets through: that stall recovers."
ip -n "$peer_ns" addr add "$reports_addr/32" dev eth0
pause 2.5

say "Who hangs, on which timer, and until when? tcptimer list --stalled -p -N $app_ns"
"$tcptimer" list --stalled -p -N "$app_ns" || failed=1

say "From here on the kernel gives up, one connection after the other, when the list said it would." \
	"The summary holds each end against what was foretold."
wait_apps
pause 0.5
kill -TERM "$trace_pid"
wait "$trace_pid" || failed=1
trace_pid=

say "What each application was told, how long it waited, and what Linux's defaults make of it:"
printf '%-10s %-9s %-11s %8s   %s\n' application call result after "with the default settings"
report orders ETIMEDOUT "over 15 minutes (tcp_retries2=15; here 4)"
report checkout ETIMEDOUT "over 2 minutes (tcp_syn_retries=6; here 3)"
report logs ETIMEDOUT "over 15 minutes; for ever while probes are answered"
report pool ETIMEDOUT "2 h 11 min with keepalive on (here 3 s + 3 probes); for ever without"
report reports OK "the same: it recovered"
exit "$failed"
