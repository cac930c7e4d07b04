#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# test_preview.sh TCPTIMER: `policy preview` of live connections in two network namespaces and a cgroup
# of its own: rules, directions, old and new, a stall's end, JSON by its schema; and what was foretold
# held against the same sockets once their application has set the same options itself.
set -u
tcptimer=$1
root=$(cd "$(dirname "$0")/../.." && pwd)
passed=0 failed=0
ns=tcptimer-test-preview-$$
work=$(mktemp -d)
cgroup=
peers=

skip() {
	echo "[  SKIPPED ] preview: $1"
	[ -z "${CI:-}" ]
	exit
}
[ "$(id -u)" = 0 ] || skip "needs root"
mount=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
[ -n "$mount" ] || skip "needs cgroup2 mounted"
cleanup() {
	for pid in $peers; do
		kill "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	done
	ip netns del "$ns-a" 2>/dev/null
	ip netns del "$ns-b" 2>/dev/null
	[ -z "$cgroup" ] || rmdir "$cgroup"
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM
verdict() { # verdict STATUS NAME
	if [ "$1" -eq 0 ]; then
		passed=$((passed + 1))
		echo "ok $2"
	else
		failed=$((failed + 1))
		echo "not ok $2"
		[ ! -s "$work/out" ] || sed 's/^/  /' "$work/out" | head -n 20
		[ ! -s "$work/err" ] || sed 's/^/  /' "$work/err"
	fi
}
preview() { # exit status in $status
	"$tcptimer" policy preview "$@" >"$work/out" 2>"$work/err"
	status=$?
}
says() { # says NAME PATTERN: the last preview's output has it
	grep -qE -- "$2" "$work/out"
	verdict $? "$1"
}
holds() { # holds NAME JQ: of the last preview's JSON
	jq -e "$2" "$work/out" >/dev/null 2>"$work/err"
	verdict $? "$1"
}
refuses() { # refuses NAME STATUS WORDS ARGUMENT…: that exit status and words on stderr, no output
	name=$1 expected=$2 words=$3
	shift 3
	preview "$@"
	[ "$status" -eq "$expected" ] && [ ! -s "$work/out" ] && grep -qF -- "$words" "$work/err"
	verdict $? "$name"
}
wait_for() { # wait_for COMMAND…: for up to 30 s
	tries=0
	while ! "$@" >/dev/null 2>&1; do
		tries=$((tries + 1))
		[ $tries -lt 300 ] || return 1
		sleep 0.1
	done
}

# ---- two hosts; a wire that can be cut without either end's noticing

cgroup=$mount/$ns
mkdir "$cgroup" || skip "no cgroup can be made"
ip netns add "$ns-a" && ip netns add "$ns-b" &&
	ip -n "$ns-a" link add eth0 type veth peer name eth0 netns "$ns-b" || skip "no veth pair can be made"
for side in a b; do
	ip -n "$ns-$side" link set lo up
	ip -n "$ns-$side" link set eth0 up
done
ip -n "$ns-a" addr add 192.0.2.1/24 dev eth0
ip -n "$ns-b" addr add 192.0.2.2/24 dev eth0
mac() { ip -n "$1" -j link show dev eth0 | jq -r '.[0].address'; }
ip -n "$ns-a" neigh replace 192.0.2.2 lladdr "$(mac "$ns-b")" dev eth0 nud permanent
ip -n "$ns-a" neigh replace 192.0.2.3 lladdr 02:00:00:00:00:03 dev eth0 nud permanent
ip -n "$ns-b" neigh replace 192.0.2.1 lladdr "$(mac "$ns-a")" dev eth0 nud permanent

ip netns exec "$ns-b" /usr/bin/python3 -c '
import socket, time
server = socket.socket()
server.bind(("192.0.2.2", 7070))
server.listen()
print("listens", flush=True)
held = [server.accept() for _ in range(3)]
time.sleep(600)' >"$work/server" &
peers="$peers $!"
wait_for test -s "$work/server" || skip "no server"

# `plain` sends into the cut wire on USR1; `asks` has its own TCP_USER_TIMEOUT; `quiet` is idle; one
# more sends SYNs to nobody. On USR2 plain and quiet set what the policy would.
cat >"$work/client.py" <<'PY'
import signal, socket
TCP_USER_TIMEOUT = 18
plain, asks, quiet = (socket.create_connection(("192.0.2.2", 7070)) for _ in range(3))
asks.setsockopt(socket.IPPROTO_TCP, TCP_USER_TIMEOUT, 5000)
syn = socket.socket()
syn.setblocking(False)
syn.connect_ex(("192.0.2.3", 7070))
def send(*_):
    plain.send(b"x")
def limit(*_):
    for s in plain, quiet:
        s.setsockopt(socket.IPPROTO_TCP, TCP_USER_TIMEOUT, 20000)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 30)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    print("limited", flush=True)
signal.signal(signal.SIGUSR1, send)
signal.signal(signal.SIGUSR2, limit)
print(*(s.getsockname()[1] for s in (plain, asks, quiet, syn)), flush=True)
while True:
    signal.pause()
PY
# Into the cgroup first: `ip netns exec` hides where it is mounted.
sh -c 'echo $$ >"$1/cgroup.procs" && exec ip netns exec "$2" /usr/bin/python3 "$3"' sh "$cgroup" "$ns-a" \
	"$work/client.py" >"$work/client" &
client=$!
peers="$peers $client"
wait_for test -s "$work/client" || skip "no client"
read -r plain asks quiet syn <"$work/client"

cat >"$work/policy.yaml" <<YAML
version: 1
rules:
  - name: servers
    match: {direction: accept, local_port: [7070], remote: [192.0.2.0/24]}
    mode: audit
    set: {user_timeout: 30s}
  - name: clients
    match: {cgroup: ["/$ns/**"], direction: connect}
    mode: enforce
    set:
      user_timeout: 20s
      syn_retries: 2
      keepalive: {enable: true, idle: 30s, interval: 5s, probes: 3}
YAML
cat >"$work/gentle.yaml" <<YAML
version: 1
rules:
  - {name: gentle, match: {cgroup: ["/$ns/**"]}, mode: default, set: {user_timeout: 20s}}
YAML
cat >"$work/retries.yaml" <<YAML
version: 1
rules:
  - {name: few, match: {cgroup: ["/$ns"]}, set: {max_retries: 1}}
YAML
printf 'version: 1\nrules:\n  - {name: b, set: {user_timeout: 20}}\n' >"$work/bad.yaml"

# ---- text

preview "$work/policy.yaml" dst 192.0.2.0/24
[ "$status" -eq 0 ]
verdict $? 'exit status'
says 'a row tells old and new' "192.0.2.1:$quiet .* clients .*never→.* user_timeout none→20s, .*keepalive.enable false→true, keepalive.idle 2h→30s, keepalive.interval 75s→5s, keepalive.probes 9→3"
says 'the stricter user_timeout is kept' "192.0.2.1:$asks .* clients  *never .* keepalive.enable"
says 'audit says so' '192.0.2.2:7070 .* servers \(audit\) '
says 'a SYN to nobody would end soon' "^!!? +192.0.2.1:$syn .*syn_retries 6→2"
says 'the sums of a rule' '^clients +enforce +4 +4 +1 +0 '
says 'the sums of audit' '^servers +audit +3 +3 +0 +0 '
says 'audit changes nothing' '^audit changes nothing'
preview "$work/gentle.yaml" "src 192.0.2.1 and dport = :7070"
says 'default yields to the application' '^gentle +default +4 +3 +0 +1 '
preview "$work/policy.yaml" sport = ":$quiet"
[ "$(grep -c '192.0.2' "$work/out")" -eq 1 ]
verdict $? 'a filter'
preview "$work/policy.yaml" dport = :1
says 'nothing would change' '^no socket would change$'

# ---- JSON

preview --json "$work/policy.yaml" dst 192.0.2.0/24
jq -c . "$work/out" >"$work/json"
holds 'directions, by the listener of the namespace' '[.sockets[] | [.rule, .direction, .connection.local_port == 7070]] | unique ==
	[["clients", "connect", false], ["servers", "accept", true]]'
holds 'every connection once' '[.sockets[].connection.cookie] | length == 7 and (unique | length) == 7'
holds 'the verdicts' "[.sockets[] | select(.connection.local_port == $asks) | .settings[] | [.setting, .verdict]] ==
	[[\"user_timeout\", \"stricter\"], [\"syn_retries\", \"late\"], [\"keepalive.enable\", \"change\"],
	[\"keepalive.idle\", \"change\"], [\"keepalive.interval\", \"change\"], [\"keepalive.probes\", \"change\"]]"
holds 'values in their units' "[.sockets[] | select(.connection.local_port == $quiet) | .settings[] |
	select(.setting == \"keepalive.idle\")] == [{setting: \"keepalive.idle\", verdict: \"change\", old_us: 7200000000, new_us: 30000000}]"
holds 'a SYN ends by syn_retries, sooner' ".sockets[] | select(.connection.local_port == $syn) |
	.soon != \"later\" and .end.new.cause == \"syn_retries\" and .end.new.deadline_ms < .end.old.deadline_ms"
holds 'the nearest end of a rule is that' '.rules | map(select(.rule == "clients")) | .[0].nearest_ms < 60000'

# ---- a stall, and its end with the rule

ip -n "$ns-b" link set eth0 down
kill -USR1 $client
stalls() { "$tcptimer" list --stalled --json -N "$ns-a" "sport = :$plain" | jq -e '.[0].retransmits >= 2'; }
wait_for stalls
verdict $? 'the connection stalls'
preview --json "$work/retries.yaml" sport = ":$plain"
jq -c . "$work/out" >>"$work/json"
holds 'max_retries: the next retransmission ends it' '.sockets[0] | .end.new.cause == "policy" and .end.new.limit == "max_retries" and
	.end.new.errno == "ETIMEDOUT" and .end.new.attempts >= 2 and .soon != "later" and
	.end.new.deadline_ms < .end.old.deadline_ms and .end.old.cause == "retries"'
preview "$work/retries.yaml" sport = ":$plain"
says 'and is marked' "^!!? +192.0.2.1:$plain .*retries→.*max_retries .*max_retries none→1"

# The same options set by hand: the ends that were foretold are those that the kernel's state now gives.
preview --json "$work/policy.yaml" "sport = :$plain or sport = :$quiet"
jq -c . "$work/out" >>"$work/json"
cp "$work/out" "$work/foretold"
kill -USR2 $client
wait_for grep -q limited "$work/client"
"$tcptimer" list --json -N "$ns-a" >"$work/list"
/usr/bin/python3 - "$work/foretold" "$work/list" "$plain" "$quiet" >"$work/out" 2>"$work/err" <<'PY'
import datetime, json, sys
def at(connection, ms):
    time = datetime.datetime.fromisoformat(connection["time"].replace("Z", "+00:00"))
    return time.timestamp() * 1000 + ms
foretold = {s["connection"]["local_port"]: s for s in json.load(open(sys.argv[1]))["sockets"]}
real = {s["local_port"]: s for s in json.load(open(sys.argv[2]))}
plain, quiet = int(sys.argv[3]), int(sys.argv[4])
then, now = foretold[plain], real[plain]
print("plain", then["end"]["new"], now["deadline_ms"], now["deadline_cause"])
# A retransmission between the two may take its new interval from the limit that holds by then.
assert then["end"]["new"]["cause"] == now["deadline_cause"] == "user_timeout"
assert abs(at(then["connection"], then["end"]["new"]["deadline_ms"]) - at(now, now["deadline_ms"])) < 600
then, now = foretold[quiet], real[quiet]
print("quiet", then["end_if_silent"]["new"], now["deadline_if_silent_ms"], now["keepalive"])
assert then["end_if_silent"]["old"]["deadline_ms"] is None
# Keepalive counts from the moment at which it was switched on: by as much later as that was.
late = at(now, 0) - at(then["connection"], 0)
drift = at(now, now["deadline_if_silent_ms"]) - at(then["connection"], then["end_if_silent"]["new"]["deadline_ms"])
print("late", late, "drift", drift)
assert -1100 < drift < late + 1100, (drift, late)
PY
verdict $? 'what was foretold is what the options bring'
preview "$work/policy.yaml" sport = ":$quiet"
says 'set already: no change' '^no socket would change$'

# ---- refused

preview "$work/bad.yaml"
[ "$status" -eq 1 ] && grep -qF "$work/bad.yaml:3:35: error: rule 'b': 20 has no unit" "$work/out"
verdict $? 'a file with errors is told as policy check does'
preview --json "$work/policy.yaml" "$work/bad.yaml"
[ "$status" -eq 1 ] && /usr/bin/python3 "$root/tests/system/validate.py" "$root/contrib/schema/policy-check.schema.json" <"$work/out"
verdict $? 'and as its JSON'
refuses 'no file' 2 'needs a FILE'
refuses 'a filter that is none' 2 'frobnicate' "$work/policy.yaml" frobnicate
refuses 'an option that is none' 2 '--frob' --frob "$work/policy.yaml"
preview -h
says 'help' 'preview'
/usr/bin/python3 "$root/tests/system/validate.py" "$root/contrib/schema/policy-preview.schema.json" <"$work/json" >"$work/out" 2>"$work/err"
verdict $? 'JSON fits its schema'

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
