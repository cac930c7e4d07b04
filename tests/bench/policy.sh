#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# policy.sh BUILD: how soon a policy is in force on sockets that are there and in cgroups that are born; the
# daemon's start, memory and wake-ups.
set -eu
build=$1
tcptimer=$build/tcptimer
. "$(dirname "$0")/lib.sh"
daemon_setup
rounds=9 sizes="1000 20000 100000" seconds=10
! smoke || { rounds=1 sizes=100 seconds=1; }
mkdir "$cgroup/app"
one() { # one USER_TIMEOUT
	printf 'version: 1\nrules:\n  - {name: one, match: {cgroup: ["/%s/**"]}, set: {user_timeout: %s}}\n' "$id" "$1"
}
one 20s >"$work/a.yaml"
one 30s >"$work/b.yaml"
status_kib() { # status_kib FIELD
	sed -n "s/^$1:[^0-9]*\([0-9]*\).*/\1/p" "/proc/$daemon/status"
}
# What the log says is looked for every 10 ms, so that this is the upper end of it
: >"$work/rounds"
round=0
while [ $round -lt $rounds ]; do
	begin=$(now_ms)
	daemon_start "$work/a.yaml"
	echo $(($(now_ms) - begin)) >>"$work/ready"
	daemon_stop
	"$tcptimer" policy clear >/dev/null
	begin=$(now_ms)
	"$tcptimer" daemon --cgroup "/$id" --policy "$work/a.yaml" 2>"$work/log" &
	daemon=$!
	until grep -q 'is in force' "$work/log"; do
		sleep 0.01
	done
	echo $(($(now_ms) - begin)) >>"$work/rounds"
	daemon_stop
	"$tcptimer" policy clear >/dev/null
	round=$((round + 1))
done
figure daemon "start until the policy is in force" ms "< 150" <"$work/rounds"
figure daemon "start until ready, the trace included" ms <"$work/ready"

daemon_start "$work/a.yaml"
sleep 2
echo "$(status_kib VmRSS) 0" | awk '{print $1 / 1024}' | figure daemon "resident memory, idle" MiB "< 12"
awk '
	/^RssAnon/ {print $2 / 1024}' "/proc/$daemon/status" | figure daemon "resident memory of its own, idle" MiB
: >"$work/rounds"
round=0
while [ $round -lt 3 ]; do
	before=$(status_kib voluntary_ctxt_switches)
	sleep $seconds
	echo "$(status_kib voluntary_ctxt_switches) $before $seconds" | awk '{print ($1 - $2) / $3}' >>"$work/rounds"
	round=$((round + 1))
done
figure daemon "wake-ups a second, idle" wake-ups "0" <"$work/rounds"

: >"$work/rounds"
round=0
while [ $round -lt $rounds ]; do
	begin=$(date +%s%N)
	mkdir "$cgroup/born$round"
	key=$(stat -c %i "$cgroup/born$round" | awk '{n = $1; for (i = 0; i < 8; i++) {printf "%d ", n % 256; n = int(n / 256)}}')
	tries=0
	# shellcheck disable=SC2086
	until bpftool map lookup pinned "$pins/map_cgroups" key $key >/dev/null 2>&1; do
		tries=$((tries + 1))
		[ $tries -lt 2000 ] || { echo "policy.sh: a new cgroup was not taken" >&2; exit 1; }
	done
	echo $((($(date +%s%N) - begin) / 1000)) | awk '{print $1 / 1000}' >>"$work/rounds"
	round=$((round + 1))
done
figure policy "from mkdir to a cgroup's rules in force, at most" ms <"$work/rounds"

for sockets in $sizes; do
	HOLD_CGROUP=$cgroup/app/cgroup.procs
	hold "$sockets" 1 0
	: >"$work/rounds"
	round=0
	while [ $round -lt $rounds ]; do
		for file in a b; do
			begin=$(date +%s%N)
			"$tcptimer" policy apply "$work/$file.yaml" >"$work/applied"
			echo $((($(date +%s%N) - begin) / 1000)) | awk '{print $1 / 1000}' >>"$work/rounds"
		done
		round=$((round + 1))
	done
	cat "$work/applied" >&2
	figure policy "apply until the last of $sockets sockets is changed" ms <"$work/rounds"
	echo "$(status_kib VmRSS) 0" | awk '{print $1 / 1024}' |
		figure daemon "resident memory, $sockets sockets below its policy" MiB
	release
done
