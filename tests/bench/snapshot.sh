#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# snapshot.sh BUILD: `list` against `ss`, in turns, output to a file. ss shows one namespace: with more it is
# run in each of them.
set -eu
build=$1
. "$(dirname "$0")/lib.sh"
[ "$(id -u)" = 0 ] || { echo "snapshot.sh: needs root" >&2; exit 1; }
tcptimer=$build/tcptimer
rounds=7
sizes="1000:1 20000:1 100000:1 20000:100"
! smoke || { rounds=1; sizes="100:1 100:3"; }
for size in $sizes; do
	sockets=${size%:*} spaces=${size#*:}
	hold "$sockets" "$spaces" 10
	peer= peer_plain=
	for pid in $pids; do
		peer="$peer nsenter --net=/proc/$pid/ns/net ss -tinoe;"
		peer_plain="$peer_plain nsenter --net=/proc/$pid/ns/net ss -tinoeH;"
	done
	what="$sockets sockets"
	[ "$spaces" = 1 ] || what="$what in $spaces namespaces"
	goal=
	stalled_goal=
	[ "$sockets" -lt 20000 ] || { goal="ratio > 4"; stalled_goal="ratio > 20"; }
	"$build/bench/bench_run" snapshot $rounds "$goal" "list, $what" "$tcptimer list" "ss -tinoe" "$peer"
	"$build/bench/bench_run" snapshot $rounds "" "list --json, $what" "$tcptimer list --json" \
		"ss -tinoeH" "$peer_plain"
	"$build/bench/bench_run" snapshot $rounds "$stalled_goal" "list --stalled, $what" \
		"$tcptimer list --stalled" "ss -tinoe" "$peer"
	release
done
