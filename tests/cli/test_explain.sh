#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# test_explain.sh TCPTIMER: `explain` of a live connection in a network namespace of its own: by port,
# both ends and cookie, what-if, SVG, JSON by its schema, and the snapshot that `simulate` reads.
set -u
tcptimer=$1
root=$(cd "$(dirname "$0")/../.." && pwd)
passed=0 failed=0
ns=tcptimer-test-explain-$$
work=$(mktemp -d)
peers=

skip() {
	echo "[  SKIPPED ] explain: $1"
	[ -z "${CI:-}" ]
	exit
}
[ "$(id -u)" = 0 ] || skip "needs root"
cleanup() {
	[ -z "$peers" ] || kill "$peers" 2>/dev/null
	ip netns del "$ns" 2>/dev/null
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM
check() { # check NAME COMMAND…: the command succeeds
	name=$1
	shift
	if "$@" >"$work/out" 2>&1; then
		passed=$((passed + 1))
		echo "ok $name"
	else
		failed=$((failed + 1))
		echo "not ok $name"
		sed 's/^/  /' "$work/out"
	fi
}
says() { # says PATTERN COMMAND…: what it prints matches
	pattern=$1
	shift
	"$@" >"$work/said" 2>&1
	grep -qE "$pattern" "$work/said" || { cat "$work/said"; return 1; }
}
status_is() {
	want=$1
	shift
	"$@" >"$work/said" 2>&1
	got=$?
	[ "$got" = "$want" ] || { echo "exit status $got, not $want"; cat "$work/said"; return 1; }
}

ip netns add "$ns" || skip "no network namespace can be made"
ip -n "$ns" link set lo up
ip netns exec "$ns" /usr/bin/python3 -c '
import socket, time
server = socket.socket()
server.bind(("127.0.0.1", 7070))
server.listen()
client = socket.create_connection(("127.0.0.1", 7070))
peer = server.accept()[0]
client.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
client.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 60)
client.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 10)
client.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
print(client.getsockname()[1], flush=True)
time.sleep(60)' >"$work/port" &
peers=$!
tries=0
while [ ! -s "$work/port" ] && [ $tries -lt 100 ]; do
	sleep 0.1
	tries=$((tries + 1))
done
port=$(cat "$work/port")
cookie=$("$tcptimer" list -N "$ns" --json | jq ".[] | select(.local_port == $port) | .cookie")

check "several match: listed" says "127.0.0.1:$port +127.0.0.1:7070" "$tcptimer" explain "127.0.0.1:$port"
check "several match: exit status" status_is 1 "$tcptimer" explain :7070
check "none matches" says "no socket|matches" "$tcptimer" explain 127.0.0.1:1
check "none matches: exit status" status_is 1 "$tcptimer" explain 127.0.0.1:1
check "not a socket: exit status" status_is 2 "$tcptimer" explain nonsense
check "both ends" says "cookie $cookie" "$tcptimer" explain "127.0.0.1:$port" 127.0.0.1:7070
check "a healthy peer: never" says "never" "$tcptimer" explain "$cookie"
check "silent: the setting that decides" says "TCP_KEEPCNT = 3 \(socket option\)" \
	"$tcptimer" explain "$cookie" --peer silent
check "silent: RST and ETIMEDOUT" says "ETIMEDOUT; an RST goes out" "$tcptimer" explain "$cookie" --peer silent
check "what if" says "TCP_USER_TIMEOUT = 20s" \
	"$tcptimer" explain "$cookie" --peer silent --what-if user_timeout=20s
check "a setting that is none" status_is 2 "$tcptimer" explain "$cookie" --what-if frob=1
check "SVG" says "</svg>" "$tcptimer" explain "$cookie" --peer silent --svg -
"$tcptimer" explain "$cookie" --peer silent --json >"$work/explain.json"
fits() { /usr/bin/python3 "$root/tests/system/validate.py" "$1" <"$2"; }
check "JSON fits its schema" fits "$root/contrib/schema/explain.schema.json" "$work/explain.json"
# 60 s of idling and three probes 10 s apart, the wheel's rounding on top; some of it is over already
check "the deadline is that of 60/10/3" jq -e '.deadline_ms > 80000 and .deadline_ms < 105000' \
	"$work/explain.json"
check "saved" "$tcptimer" explain "$cookie" --peer silent --save "$work/snap" --json
"$tcptimer" explain "$cookie" --peer silent --save "$work/snap" --json >"$work/live.json"
"$tcptimer" simulate --snapshot "$work/snap" --json >"$work/snap.json"
check "simulate tells the same of the snapshot" jq -es '
	(.[0].events | map([.at_ms, .timer, .action, .n])) ==
	(.[1].events | map([.at_ms, .timer, .action, .n])) and
	.[0].deadline_ms == .[1].deadline_ms and .[0].cause == .[1].cause' \
	"$work/live.json" "$work/snap.json"
check "no snapshot file: refused" status_is 1 "$tcptimer" simulate --snapshot "$root/README.md"
head -c 300 "$work/snap" >"$work/cut"
check "a cut snapshot: refused" status_is 1 "$tcptimer" simulate --snapshot "$work/cut"
"$tcptimer" list -N "$ns" --json >"$work/list.json"
check "list agrees" jq -e ".[] | select(.cookie == $cookie) |
	.deadline_ms == null and .deadline_cause == \"keepalive\" and .deadline_if_silent_ms > 80000" \
	"$work/list.json"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
