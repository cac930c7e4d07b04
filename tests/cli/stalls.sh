# SPDX-License-Identifier: GPL-2.0-or-later
# Sourced by test_summary.sh and test_top.sh: two hosts made of network namespaces, applications in
# cgroups of their own, and a peer that vanishes. Receives $name and $work; leaves nothing behind.
# shellcheck shell=sh disable=SC2154

root=${root:-$(cd "$(dirname "$0")/../.." && pwd)}
app_ns=$name-a peer_ns=$name-b
passed=0 failed=0 pids=
PATH=$PATH:/usr/sbin:/sbin
container_id=7f3c0a9d81e24b56c7d8e9f00112233445566778899aabbccddeeff001122334

skip() {
	echo "[  SKIPPED ] $name: $1"
	[ -z "${CI:-}" ]
	exit
}
stalls_clean_up() {
	for pid in $pids; do
		kill "$pid" 2>/dev/null
	done
	[ -z "$pids" ] || wait $pids 2>/dev/null
	for ns in "$app_ns" "$peer_ns"; do
		[ ! -e "/run/netns/$ns" ] || ip netns del "$ns"
	done
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		[ -d "$cgroup_root/$name" ] || break
		rmdir "$cgroup_root/$name"/*/ "$cgroup_root/$name" 2>/dev/null && break
		sleep 0.2
	done
	rm -rf "$work"
}
check() { # check NAME COMMAND…: the command succeeds
	what=$1
	shift
	if "$@" >"$work/out" 2>&1; then
		passed=$((passed + 1))
		echo "ok $what"
	else
		failed=$((failed + 1))
		echo "not ok $what"
		sed 's/^/  /' "$work/out"
	fi
}
says() { # says PATTERN COMMAND…: what it prints matches
	pattern=$1
	shift
	"$@" >"$work/said" 2>&1
	grep -qE -- "$pattern" "$work/said" || { cat "$work/said"; return 1; }
}
status_is() {
	want=$1
	shift
	"$@" >"$work/said" 2>&1
	got=$?
	[ "$got" = "$want" ] || { echo "exit status $got, not $want"; cat "$work/said"; return 1; }
}
wait_until() { # wait_until TRIES COMMAND…: within TRIES * 0.2 s
	tries=$1
	shift
	while ! "$@" >/dev/null 2>&1; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || return 1
		sleep 0.2
	done
}
fits() { /usr/bin/python3 "$root/tests/system/validate.py" "$root/contrib/schema/$1" <"$2"; }
attached() { # attached PID: its programs are, as their links among its descriptors show
	grep -qs '^link_type:' "/proc/$1/fdinfo/"*
}
list_has() { # list_has JQ-CONDITION
	"$tcptimer" list --json netns "$app_ns" | jq -e "$1"
}

stalls_hosts() {
	ip netns add "$app_ns" || skip "no network namespace can be made"
	ip netns add "$peer_ns"
	ip -n "$app_ns" link add eth0 type veth peer name eth0 netns "$peer_ns"
	for ns in "$app_ns" "$peer_ns"; do
		ip -n "$ns" link set lo up
		ip netns exec "$ns" sysctl -qw net.ipv4.ip_forward=0 net.ipv4.tcp_no_metrics_save=1 \
			net.ipv4.tcp_congestion_control=reno
	done
	ip -n "$app_ns" addr add 192.0.2.1/24 dev eth0
	ip -n "$peer_ns" addr add 192.0.2.2/24 dev eth0
	ip -n "$app_ns" link set eth0 up
	ip -n "$peer_ns" link set eth0 up
	# Static neighbours: a vanished host must not be noticed by ARP.
	app_mac=$(ip netns exec "$app_ns" cat /sys/class/net/eth0/address)
	peer_mac=$(ip netns exec "$peer_ns" cat /sys/class/net/eth0/address)
	ip -n "$peer_ns" neigh replace 192.0.2.1 lladdr "$app_mac" dev eth0 nud permanent
	for addr in 192.0.2.2 192.0.2.40; do
		ip -n "$app_ns" neigh replace "$addr" lladdr "$peer_mac" dev eth0 nud permanent
	done
}

# part CGROUP NAMESPACE FIFO WORD…: stalls.py in a cgroup, its commands by the descriptor's FIFO
part() {
	cgroup=$cgroup_root/$name/$1 ns=$2 fifo=$work/$3
	shift 3
	mkdir -p "$cgroup"
	mkfifo "$fifo"
	sh -c 'echo $$ >"$1/cgroup.procs" && exec ip netns exec "$2" /usr/bin/python3 "$3" $4' sh \
		"$cgroup" "$ns" "$root/tests/cli/stalls.py" "$*" <"$fifo" >"$fifo.out" &
	pids="$pids $!"
}
peer_vanishes() {
	ip -n "$peer_ns" addr del 192.0.2.2/24 dev eth0
}
peer_returns() {
	ip -n "$peer_ns" addr add 192.0.2.2/24 dev eth0
}

# Five connections that stall: two retrans in a container, probe0 and keepalive in a unit, a SYN in a
# cgroup of a hostile name; and two that do not, and what the arguments add to the container.
stalls_start() {
	cgroup_root=$(awk '{ for (i = 7; i < NF; i++) if ($i == "-" && $(i + 1) == "cgroup2" && $4 == "/") { print $5; exit } }' /proc/self/mountinfo)
	[ -n "$cgroup_root" ] || skip "no cgroup v2 is mounted"
	trap stalls_clean_up EXIT
	trap 'exit 130' INT TERM HUP
	stalls_hosts
	evil=$(printf 'evil\033[2J')
	part peer "$peer_ns" peer peer
	exec 3>"$work/peer"
	wait_until 50 grep -q ready "$work/peer.out" || skip "the peer did not start"
	part "docker-$container_id.scope" "$app_ns" orders app orders request request reset close "$@"
	exec 4>"$work/orders"
	part web.service "$app_ns" logs app logs stream idle
	exec 5>"$work/logs"
	part "$evil" "$app_ns" pool app pool syn
	exec 6>"$work/pool"
	for part in orders logs pool; do
		wait_until 50 grep -q ready "$work/$part.out" || skip "$part did not start"
	done
	sleep 0.5
	peer_vanishes
	echo send >&4
	wait_until 100 list_has '[.[] | select(.stalled)] | length == 5'
}
