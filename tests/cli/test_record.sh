#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# test_record.sh TCPTIMER: `record` of two connections that die in namespaces of its own, beside a live
# trace; then `replay` has to tell what the trace told, in whole, cut, damaged, and for another kernel.
set -u
tcptimer=$1
root=$(cd "$(dirname "$0")/../.." && pwd)
passed=0 failed=0
ns=tcptimer-test-record-$$
work=$(mktemp -d)
jobs=

skip() {
	echo "[  SKIPPED ] record: $1"
	[ -z "${CI:-}" ]
	exit
}
[ "$(id -u)" = 0 ] || skip "needs root"
cleanup() {
	for job in $jobs; do
		kill "$job" 2>/dev/null
	done
	ip netns del "$ns" 2>/dev/null
	ip netns del "$ns-peer" 2>/dev/null
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM
: >"$work/out" && : >"$work/err"
verdict() { # verdict STATUS NAME
	if [ "$1" -eq 0 ]; then
		passed=$((passed + 1))
		echo "ok $2"
	else
		failed=$((failed + 1))
		echo "not ok $2"
		sed 's/^/  /' "$work/out" "$work/err" | head -40
	fi
}
replay() { # replay STATUS NAME ARGUMENT…
	want=$1 name=$2
	shift 2
	"$tcptimer" replay "$@" >"$work/out" 2>"$work/err"
	got=$?
	[ "$got" = "$want" ]
	verdict $? "$name"
}
says() { # says NAME PATTERN: stdout of the last run
	grep -qE -- "$2" "$work/out"
	verdict $? "$1"
}
complains() { # complains NAME PATTERN: one line on stderr
	[ "$(wc -l <"$work/err")" = 1 ] && grep -qE -- "$2" "$work/err"
	verdict $? "$1"
}
holds() { # holds NAME FILTER: jq's filter over the array of the last run's objects
	jq -es "$2" "$work/out" >/dev/null
	verdict $? "$1"
}
await() { # await FILE: until it has something
	tries=0
	while [ ! -s "$1" ] && [ $tries -lt 300 ]; do
		sleep 0.1
		tries=$((tries + 1))
	done
}

ip netns add "$ns" && ip netns add "$ns-peer" || skip "no network namespace can be made"
ip -n "$ns" link add v0 type veth peer name v1 netns "$ns-peer"
ip -n "$ns" link set v0 address 02:00:00:00:00:01 up
ip -n "$ns-peer" link set v1 address 02:00:00:00:00:02 up
ip -n "$ns" address add 192.0.2.1/24 dev v0
ip -n "$ns-peer" address add 192.0.2.2/24 dev v1
ip -n "$ns" neighbour replace 192.0.2.2 lladdr 02:00:00:00:00:02 dev v0 nud permanent
ip -n "$ns" neighbour replace 192.0.2.3 lladdr 02:00:00:00:00:02 dev v0 nud permanent
ip -n "$ns-peer" neighbour replace 192.0.2.1 lladdr 02:00:00:00:00:01 dev v1 nud permanent
ip netns exec "$ns" sysctl -q -w net.ipv4.tcp_retries2=3 net.ipv4.tcp_syn_retries=1
ip netns exec "$ns" sysctl -q -w net.ipv4.tcp_syn_linear_timeouts=0 2>/dev/null
# One connection whose peer vanishes with data in flight, and one that nobody answers.
cat >"$work/app.py" <<'PY'
import ctypes, os, select, socket, subprocess, sys
libc = ctypes.CDLL(None)
def enter(name):
    fd = os.open("/run/netns/" + name, os.O_RDONLY)
    libc.setns(fd, 0)
    os.close(fd)
ns = sys.argv[1]
subprocess.run(["ip", "-n", ns + "-peer", "address", "replace", "192.0.2.2/24", "dev", "v1"])
enter(ns + "-peer")
server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(("192.0.2.2", 7070))
server.listen()
enter(ns)
data = socket.create_connection(("192.0.2.2", 7070))
peer = server.accept()[0]
subprocess.run(["ip", "-n", ns + "-peer", "address", "del", "192.0.2.2/24", "dev", "v1"])
data.send(b"x")
syn = socket.socket()
syn.setblocking(False)
syn.connect_ex(("192.0.2.3", 7171))
print(data.getsockname()[1], syn.getsockname()[1], flush=True)
for sock in data, syn:
    select.select([], [], [sock], 0)
    poll = select.poll()
    poll.register(sock, 0)
    poll.poll(60000)
    print(sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR), flush=True)
PY
rec=$work/night.rec
# When this kernel ran no BPF program at some timer, nothing is known of tcptimer: again.
attempt=0
while [ $attempt -lt 3 ]; do
	attempt=$((attempt + 1))
	rm -f "$work/traced" "$work/recording"
	"$tcptimer" record "$rec" >"$work/summary" 2>"$work/recording" &
	recorder=$!
	"$tcptimer" trace --json netns "$ns" >"$work/trace.json" 2>"$work/traced" &
	tracer=$!
	jobs="$recorder $tracer"
	await "$work/recording"
	await "$work/traced"
	/usr/bin/python3 "$work/app.py" "$ns" >"$work/ports"
	sleep 0.5
	kill -INT $recorder $tracer
	wait $recorder
	recorded=$?
	wait $tracer
	jobs=
	grep -q '^lost *0$' "$work/summary" && grep -q '^lost *0$' "$work/traced" && break
done
cp "$work/summary" "$work/out"
cp "$work/recording" "$work/err"
[ $recorded = 0 ]
verdict $? 'an interrupted recording is a whole one'
says 'its summary names the file' "^-- recorded $rec"
says 'its summary counts events' '^events +[0-9]+: .*abort [0-9]'
says 'its summary has the size' "^bytes +$(stat -c %s "$rec")\$"
[ "$(stat -c %a "$rec")" = 600 ]
verdict $? 'others cannot read it'
[ "$(sed -n 2,3p "$work/ports" | tr '\n' ' ')" = "110 110 " ]
verdict $? 'both connections timed out'

replay 0 'replay' "$rec" netns "$ns"
says 'its title' "^-- recorded on $(uname -n), Linux $(uname -r), from 20"
says 'retransmissions' 'expired +retrans +192.0.2.1:[0-9]+ +192.0.2.2:7070 .* sent retransmission 2, next in'
says 'deadlines' '; ends in .* \(retries\)'
says 'the end' 'abort +retrans .* gave up: retransmissions unanswered [345] times \(ETIMEDOUT\)'
says 'the SYN' 'abort +syn .* 192.0.2.3:7171'
says 'who' 'python3/[0-9]+'
says 'foretold' '^foretold +2 ends, 2 by the cause foretold'
says 'nothing lost' '^lost +0$'
"$tcptimer" replay - <"$rec" >"$work/stdin" 2>&1
"$tcptimer" replay "$rec" >"$work/whole" 2>&1
cmp -s "$work/stdin" "$work/whole"
verdict $? 'the same from stdin'
/usr/bin/python3 -c '
import os, sys
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
sys.exit(os.spawnv(os.P_WAIT, sys.argv[1], [sys.argv[1], "replay", "-"]))' "$tcptimer" <"$rec" >"$work/nobody" 2>&1
cmp -s "$work/nobody" "$work/whole"
verdict $? 'the same without root'
replay 0 'a filter' "$rec" netns "$ns" and dport = :7171
! grep -q ':7070' "$work/out" && grep -q ':7171' "$work/out"
verdict $? 'it filters'

fits() { # fits NAME SCHEMA
	/usr/bin/python3 "$root/tests/system/validate.py" "$root/contrib/schema/$2" <"$work/out" >>"$work/err" 2>&1
	verdict $? "$1"
}
replay 0 'replay --json' --json "$rec" netns "$ns"
fits 'JSON fits the schema of trace' trace.schema.json
# The two looked at the same sockets at their own moments: what is not the moment's is the same.
jq -es --slurpfile live "$work/trace.json" '
	def told: [.[] | select(.event != "lost")] | group_by(.local_port) | map(map(
		[.event, .timer, .action, .n, .cause, .errno, .next_ms, .deadline_ms, .deadline_cause,
		 .local_addr, .remote_addr, .remote_port, .state, .cookie, .netns, .netns_name, .cgroup,
		 .pid, .comm, .retransmits, .rto_ms]));
	told == ($live | told) and (told | length) == 2' "$work/out" >/dev/null
verdict $? 'it tells what the live trace told'
jq -es --slurpfile live "$work/trace.json" '
	def at: [.[] | select(.event == "abort")] | sort_by(.local_port) | map(.time | .[0:19] + "Z" | fromdate);
	[at, ($live | at)] | transpose | all((.[0] - .[1]) | fabs <= 1)' "$work/out" >/dev/null
verdict $? 'at the time of the recording'

replay 0 'replay --explain' --explain "$rec" netns "$ns" and dport = :7070
says 'explain: the connection' "^192.0.2.1:[0-9]+ -> 192.0.2.2:7070  cookie [0-9]+"
says 'explain: the owner' '^process +python3/[0-9]+$'
says 'explain: the namespace' "^netns +[0-9]+ \($ns\)$"
says 'explain: the end' '^ended +after .*: retries; the application got ETIMEDOUT'
says 'explain: what was foretold' '^foretold +after .* \(retries\)$'
replay 0 'replay --explain --json' --explain --json --kernel 4.3 "$rec" netns "$ns"
fits 'explain: JSON fits its schema' replay-explain.schema.json
holds 'explain: both connections' 'length == 2 and all(.end == "abort" and .errno == "ETIMEDOUT")'
holds 'explain: foretold by its cause' 'all(.cause == .foretold_cause)'
holds 'explain: each event is there' '
	map(select(.remote_port == 7070))[0].events | (.[0].event == "stall" and .[-1].event == "abort" and
		length >= 5 and [.[1:-1][] | .event == "expired"] == [range(1; length - 1) | true] and
		[.[1:-1][].n] == [range(1; length - 1)])'
holds 'explain: the other kernel is named' 'all(.kernel == "4.3" and .kernel_foretold_cause != null)'
replay 0 'replay --kernel' --kernel 4.3 "$rec" netns "$ns"
says 'another kernel beside the one that was recorded' '; ends in .* \(retries\); on 4.3 in .* \(retries\)'
replay 0 'replay --kernel --json' --json --kernel 6.6.40 "$rec" netns "$ns"
fits 'another kernel: JSON fits the schema' trace.schema.json

# What a policy would have done: the one rule ends it, the other has nothing to end.
cat >"$work/policy.yaml" <<'YAML'
version: 1
rules:
  - name: impatient
    match: {remote_port: [7070]}
    set: {user_timeout: 1s}
  - name: patient
    match: {remote_port: [7171]}
    set: {user_timeout: 1h}
YAML
replay 0 'replay --policy' --policy "$work/policy.yaml" "$rec" netns "$ns"
says 'the end that the rule would have brought' 'would_end .*192.0.2.2:7070 .* rule impatient would have ended it \(user_timeout\)'
[ "$(grep -c 'would have ended it' "$work/out")" = 1 ]
verdict $? 'once, and not the other one'
says 'rules are summed up' '^policy +impatient takes 0 of [0-9]+ connections at the start, would have ended 1$'
replay 0 'replay --policy --json' --json --policy "$work/policy.yaml" "$rec" netns "$ns"
fits 'policy: JSON fits the schema' trace.schema.json
# The timer that finds the limit passed is the next retransmission's: after the first that is due behind 1 s.
jq -es '
	(map(select(.event == "would_end"))[0].time | sub("\\.[0-9]+"; "") | fromdate) as $would |
	map(select(.event == "abort" and .remote_port == 7070))[0].time | sub("\\.[0-9]+"; "") | fromdate |
	. - $would >= 2' "$work/out" >/dev/null
verdict $? 'policy: sooner than the kernel did'
replay 0 'replay --policy --explain' --explain --json --policy "$work/policy.yaml" "$rec" netns "$ns"
fits 'policy: timelines fit their schema' replay-explain.schema.json
holds 'policy: the rule of each connection' '
	(map({key: (.remote_port | tostring), value: [.policy_rule, .policy_mode, .policy_cause]}) | from_entries) ==
	{"7070": ["impatient", "enforce", "user_timeout"], "7171": ["patient", "enforce", null]}'
holds 'policy: its moment lies behind 1 s and before the end' '
	map(select(.remote_port == 7070))[0] | .policy_end_ms >= 1000 and .policy_end_ms < .end_ms'
replay 0 'replay --policy --explain as text' --explain --policy "$work/policy.yaml" "$rec" netns "$ns"
says 'policy: in words' '^policy +rule impatient \(enforce\) would have ended it after .* \(user_timeout\), .* sooner$'
says 'policy: in words, not' '^policy +rule patient \(enforce\) would not have ended it$'
printf 'version: 1\nrules: [{name: x, set: {user_timeout: 20}}]\n' >"$work/bad.yaml"
replay 1 'a policy that is none' --policy "$work/bad.yaml" "$rec"
complains 'a policy that is none: said' 'bad.yaml:2:.*no unit'

size=$(stat -c %s "$rec")
# Cut or damaged: what comes before is told just so, then the place.
for at in 255 $((size / 3)) $((size / 2)) $((size - 1)); do
	head -c "$at" "$rec" >"$work/part"
	replay 1 "cut at byte $at" "$work/part"
	complains "cut at byte $at: said" "part': it (ends within a record|ends without|is not as long).*, at byte [0-9]+"
	cp "$rec" "$work/part"
	printf '\377\000' | dd of="$work/part" bs=1 seek="$at" conv=notrunc 2>/dev/null
	replay 1 "damaged at byte $at" "$work/part"
	complains "damaged at byte $at: said" "part': (a checksum differs|its header|it ends within).*, at byte [0-9]+"
	place=$(sed 's/.*at byte \([0-9]*\).*/\1/' "$work/err")
	[ "$place" -le "$at" ]
	verdict $? "damaged at byte $at: at or before it"
	sed '/^$/,$d' "$work/out" >"$work/lines"
	head -c "$(stat -c %s "$work/lines")" "$work/whole" | cmp -s - "$work/lines"
	verdict $? "damaged at byte $at: the lines before are those of the whole"
done
replay 1 'no recording' "$root/README.md"
complains 'no recording: said' 'README.md.: it is not a recording'
replay 1 'no such file' "$work/none"
complains 'no such file: said' 'No such file'
replay 1 'a directory' "$work"
replay 1 'nothing' /dev/null
replay 1 'endless zeroes' /dev/zero
replay 2 'no file named'
replay 2 'a kernel that is none' --kernel nine "$rec"
complains 'a kernel that is none: said' '6.12'
replay 2 'a filter that is none' "$rec" frobnicate

"$tcptimer" record - -d 0.5 2>"$work/err" | "$tcptimer" replay - >"$work/out" 2>&1
grep -q '^lost' "$work/out"
verdict $? 'a recording that is replayed as it is made'
"$tcptimer" record /dev/full -d 1 >"$work/out" 2>"$work/err"
[ $? = 1 ] && grep -q 'No space left' "$work/err"
verdict $? 'a full disk'
{ "$tcptimer" record - -a -d 30 2>"$work/err"; echo $? >"$work/status"; } | head -c 1 >/dev/null
[ "$(cat "$work/status")" = 1 ] && grep -q 'reader of the pipe has gone' "$work/err"
verdict $? 'a pipe that nobody reads'
# A reader that has stopped reading: it ends when its time is over all the same. A FIFO's 64 KiB fill
# with the same sockets again and again: hundreds of connections at the start.
mkfifo "$work/fifo"
/usr/bin/python3 -c '
import socket, sys, time
server = socket.socket()
server.bind(("127.0.0.1", 0))
server.listen(600)
kept = [socket.create_connection(server.getsockname()) for i in range(300)]
with open(sys.argv[1], "rb") as fifo:
    time.sleep(60)' "$work/fifo" &
jobs=$!
timeout -k 1 30 "$tcptimer" record -d 3 "$work/fifo" >"$work/out" 2>"$work/err"
status=$?
kill $jobs
jobs=
[ $status = 1 ] && grep -q 'did not take it all' "$work/err"
verdict $? 'a pipe whose reader stands still'
# As many sockets as it takes: a limit of one KiB cuts within the snapshots.
(
	ulimit -f 2
	"$tcptimer" record "$work/limited" -d 1 >"$work/out" 2>"$work/err"
)
[ $? = 1 ] && grep -q 'File too large' "$work/err"
verdict $? 'a file that may not grow'
[ ! -s "$work/limited" ] || { "$tcptimer" replay "$work/limited" 2>&1 | grep -q 'ends without an end mark'; }
verdict $? 'what is there is whole records'
"$tcptimer" record >"$work/out" 2>"$work/err"
[ $? = 2 ]
verdict $? 'record without a file'
"$tcptimer" record -c none "$work/x" >"$work/out" 2>"$work/err"
[ $? = 2 ] && [ ! -e "$work/x" ]
verdict $? 'a count that is none'
"$tcptimer" record "$work/no/such/x" >"$work/out" 2>"$work/err"
[ $? = 1 ] && grep -q 'No such file' "$work/err"
verdict $? 'a directory that is not there'
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
