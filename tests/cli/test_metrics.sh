#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# test_metrics.sh TCPTIMER: what `daemon --metrics` tells to curl's kind, to promtool and to a Prometheus,
# and what scrapers can't do to it; in a network namespace, a cgroup, with pins and sockets of its own.
set -u
tcptimer=$(realpath "$1")
root=$(cd "$(dirname "$0")/../.." && pwd)
passed=0 failed=0
id=tcptimer-test-metrics-$$
pins=/sys/fs/bpf/$id
port=9782
many=${METRICS_CGROUPS:-10000}
cgroup=
daemon=
hold=
prometheus=

skip() {
	echo "[  SKIPPED ] metrics: $1"
	[ -z "${CI:-}" ]
	exit
}
[ "$(id -u)" = 0 ] || skip "needs root"
mount=$(sed -n 's/^[^ ]* \([^ ]*\) cgroup2 .*/\1/p' /proc/mounts | head -1)
[ -n "$mount" ] || skip "no cgroup2 is mounted"
grep -q '^[^ ]* /sys/fs/bpf bpf ' /proc/mounts || mount -t bpf bpf /sys/fs/bpf || skip "no bpffs can be mounted"
bin=$(sh "$root/tests/prometheus/fetch.sh") || skip "no promtool could be had"
work=$(mktemp -d)
cgroup=$mount/$id
PATH=$PATH:/usr/sbin:/sbin
export TCPTIMER_SOCKET="$work/run/ctl.sock" TCPTIMER_PIN_DIR="$pins"

cleanup() {
	[ -z "$daemon" ] || kill -9 "$daemon" 2>/dev/null
	[ -z "$prometheus" ] || kill -9 "$prometheus" 2>/dev/null
	[ -z "$hold" ] || kill "$hold" 2>/dev/null
	wait
	"$tcptimer" policy clear >/dev/null 2>&1
	rm -f "$pins"/* 2>/dev/null
	rmdir "$pins" 2>/dev/null
	find "$cgroup" -depth -type d -exec rmdir {} + 2>/dev/null
	ip netns del "$id" 2>/dev/null
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM HUP
mkdir "$cgroup" "$cgroup/named" "$cgroup/many" || skip "no cgroup can be made"
# What is sent to 192.0.2.9 arrives, and is for nobody there.
ip netns add "$id" && ip -n "$id" link set lo up && ip -n "$id" link add void0 type veth peer name void1 &&
	ip -n "$id" addr add 192.0.2.1/24 dev void0 && ip -n "$id" link set void0 up && ip -n "$id" link set void1 up &&
	ip -n "$id" neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 dev void0 nud permanent || skip "no network namespace can be made"

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
		tail -5 "$work/log" | sed 's/^/  log: /'
	fi
}
not() {
	! "$@"
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
	"$@" >"$work/kept" 2>&1
	got=$?
	[ "$got" = "$want" ] || { echo "exit status $got, not $want"; cat "$work/kept"; return 1; }
}
await() { # await COMMAND…: it succeeds within three minutes
	tries=0
	while ! "$@" >"$work/awaited" 2>&1; do
		tries=$((tries + 1))
		[ $tries -lt 360 ] || { cat "$work/awaited"; return 1; }
		sleep 0.5
	done
}
inside() { # in the namespace; not by `ip netns exec`, which mounts another /sys; not with &: its pid is a shell's
	nsenter --net="/run/netns/$id" "$@"
}
start() { # start OPTION…: until it says that it is ready
	: >"$work/log"
	nsenter --net="/run/netns/$id" "$tcptimer" daemon --cgroup "/$id" --policy "$work/policy.yaml" "$@" 2>"$work/log" &
	daemon=$!
	tries=0
	while ! grep -q 'is ready' "$work/log"; do
		tries=$((tries + 1))
		kill -0 "$daemon" 2>/dev/null && [ $tries -lt 300 ] || { daemon=; return 1; }
		sleep 0.1
	done
}
stop() { # stop SIGNAL
	kill "-$1" "$daemon"
	wait "$daemon" 2>/dev/null
	ended=$?
	daemon=
	return $ended
}
client() { # client MANNER…
	nsenter --net="/run/netns/$id" /usr/bin/python3 -B "$root/tests/cli/metrics_client.py" "$@"
}
scrape() {
	inside curl -sf --max-time 60 "$@"
}
fds() {
	ls "/proc/$daemon/fd" | wc -l
}
no_more_fds() {
	[ "$(fds)" -le "$1" ]
}
accepted() { # by promtool, which complains of names, types, help and order
	scrape "http://127.0.0.1:$port/metrics" >"$work/page" && [ -s "$work/page" ] &&
		"$bin/promtool" check metrics <"$work/page" >"$work/lint" 2>&1 && [ ! -s "$work/lint" ] || { cat "$work/lint"; return 1; }
}
asked() { # asked QUERY JQ-FILTER: what the Prometheus says of it
	inside curl -sf -G --max-time 20 "http://127.0.0.1:9090/api/v1/query" --data-urlencode "query=$1" >"$work/answer" || return 1
	jq -e ".data.result | $2" "$work/answer" || { cat "$work/answer"; return 1; }
}
connect_from() { # connect_from DIRECTORY COUNT: connections that stall, held by $hold
	rm -f "$work/held"
	nsenter --net="/run/netns/$id" /usr/bin/python3 -B "$root/tests/cli/stalled_in_cgroups.py" 192.0.2.9 "$1" "$2" >"$work/held" &
	hold=$!
	await grep -q ready "$work/held"
}
let_go() {
	kill "$hold"
	wait "$hold" 2>/dev/null
	hold=
}
cat >"$work/policy.yaml" <<YAML
version: 1
rules:
  - {name: named, match: {cgroup: ["/$id/named/**"]}, set: {syn_retries: 3}}
  - {name: rest, set: {user_timeout: 1h}}
YAML
digest=$(sha256sum <"$work/policy.yaml" | cut -d' ' -f1)
alive() {
	"$tcptimer" status --json | jq -e ".pid == $daemon"
}

# ---- where ----
: >"$work/log"
check "no port" says "--metrics '70000': a port is a number" "$tcptimer" daemon --metrics 70000
check "... exit status" status_is 2 "$tcptimer" daemon --metrics 70000
check "a name is not looked up" says 'no names; PORT, ADDRESS:PORT or unix:PATH' "$tcptimer" daemon --metrics 'example.org:80'
check "a hostile word is escaped" says "'\\\\x1b\[2J:80'" "$tcptimer" daemon --metrics "$(printf '\033[2J:80')"
check "--metrics-cgroup alone" says 'without --metrics' "$tcptimer" daemon --metrics-cgroup '/a'
check "no pattern" status_is 2 "$tcptimer" daemon --metrics 1 --metrics-cgroup 'a'
check "no number of cgroups" status_is 2 "$tcptimer" daemon --metrics 1 --metrics-cgroups-max 100000
check "an address that is not here: no start" says 'metrics at http://203.0.113.7:9782/metrics: Cannot assign' \
	inside "$tcptimer" daemon --cgroup "/$id" --policy "$work/policy.yaml" --metrics 203.0.113.7:9782
check "... and nothing attached" not test -e "$pins"
mkdir "$work/libs" && : >"$work/libs/libmicrohttpd.so.12"
check "a library that can't be loaded: told" says 'the daemon needs this library: .*libmicrohttpd.so.12' \
	env LD_LIBRARY_PATH="$work/libs" "$tcptimer" daemon --cgroup "/$id" --policy "$work/policy.yaml" --metrics 9782
check "... and nothing attached" not test -e "$pins"
check "off without the option" start
check "... nothing listens" test -z "$(inside ss -Htln)"
check "... stops" stop TERM

# ---- a scrape ----
check "starts" start --metrics "$port" --metrics-cgroup "/$id/many/*"
check "... on loopback only" says "127.0.0.1:$port " inside ss -Htln
check "... one socket" test "$(inside ss -Htln | wc -l)" = 1
check "... says where" grep -q "metrics at http://127.0.0.1:$port/metrics" "$work/log"
check "another daemon at the port: told" says 'Address already in use; --metrics names another' \
	inside "$tcptimer" daemon --cgroup "/$id" --policy "$work/policy.yaml" --pin-dir "$pins-other" --socket "$work/other/ctl.sock" --metrics "$port"
check "promtool accepts the page" accepted
check "both formats, by Accept" client $port formats
check "GET, HEAD, /health and nothing else" client $port requests
check "the policy's digest" client $port has "tcptimer_policy_info{digest=\"$digest\"}" 1
check "it is confined" grep -q '^Seccomp:	2' "/proc/$daemon/status"

# ---- stalls, ends, rules ----
check "a connection that stalls" connect_from "$cgroup/named" 2
check "... is counted by state, timer, cgroup and rule" await client $port has 'tcptimer_sockets{state="syn_sent"}' + \
	'tcptimer_stalled{timer="syn"}' + "tcptimer_cgroup_stalled{cgroup=\"/$id/named/0\"}" 1 \
	"tcptimer_cgroup_stalled{cgroup=\"/$id/named/1\"}" 1 'tcptimer_policy_sockets{rule="named"}' 2 \
	'tcptimer_policy_sockets{rule="rest"}' 0 'tcptimer_oldest_stall_seconds' + 'tcptimer_stalls_total{timer="syn"}' +
check "... its retransmissions and timeouts" await client $port has tcptimer_retransmissions_total + \
	tcptimer_rto_seconds_count + tcptimer_deadline_seconds_count + 'tcptimer_policy_options_set_total{rule="named"}' 2
check "promtool accepts it" accepted
check "a real Prometheus" sh -c "printf 'global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs:\n- {job_name: tcptimer, static_configs: [{targets: [\"127.0.0.1:$port\"]}]}\n' >'$work/prometheus.yml'"
nsenter --net="/run/netns/$id" "$bin/prometheus" --config.file="$work/prometheus.yml" --storage.tsdb.path="$work/tsdb" \
	--web.listen-address=127.0.0.1:9090 --log.level=warn >"$work/prometheus.log" 2>&1 &
prometheus=$!
check "... has scraped it five times" await asked 'sum_over_time(up{job="tcptimer"}[1m])' '(.[0].value[1] | tonumber) >= 5'
check "... each time whole" asked 'min_over_time(up{job="tcptimer"}[1m])' '.[0].value[1] == "1"'
check "... and answers from it" asked 'tcptimer_build_info' '.[0].metric.version == "0.1.0"'
check "... the ends by the rule, when they come" await asked 'tcptimer_policy_ended_total{rule="named"}' '.[0].value[1] == "2"'
# The trace is the whole host's: others' connections may have ended as well.
check "... by cause" await asked 'tcptimer_ends_total{cause="policy"}' '(.[0].value[1] | tonumber) >= 2'
check "... as they were foretold" asked 'tcptimer_prediction_ends_total - tcptimer_prediction_missed_total' '(.[0].value[1] | tonumber) >= 2'
check "... the length of the stalls" asked 'tcptimer_stall_seconds_count' '(.[0].value[1] | tonumber) >= 2'
check "... a quantile" asked 'histogram_quantile(0.5, tcptimer_rto_seconds_bucket)' '(.[0].value[1] | tonumber) > 0.05'
check "... the cgroup is seen to be well again" await asked "tcptimer_cgroup_stalled{cgroup=\"/$id/named/0\"}" '.[0].value[1] == "0"'
kill "$prometheus"
wait "$prometheus" 2>/dev/null
prometheus=
check "... without a complaint" test -z "$(grep -v 'Received SIGTERM' "$work/prometheus.log")"
let_go

# ---- policies that come and go ----
check "policy clear" "$tcptimer" policy clear
check "... no policy is told of" client $port has "tcptimer_policy_info{digest=\"$digest\"}" - 'tcptimer_policy_sockets{rule="named"}' - 'tcptimer_sockets{state="listen"}' +
kill -HUP "$daemon"
check "... and again" await client $port has "tcptimer_policy_info{digest=\"$digest\"}" 1

# ---- a node with many cgroups ----
check "$many cgroups with a stalled connection each" connect_from "$cgroup/many" "$many"
check "... are 512 series and the rest" await client $port bounded 513 "$many"
check "... its rule has them all" await client $port has 'tcptimer_policy_sockets{rule="rest"}' "$many"
check "... promtool accepts it" accepted
let_go
check "... memory stayed small" awk '/^VmHWM/ { exit $2 > 262144 }' "/proc/$daemon/status"

# ---- scrapers that mean no good ----
before=$(fds)
check "what is no request" client $port hostile
check "unread answers" client $port unread
check "... no descriptor leaked" await no_more_fds "$before"
nsenter --net="/run/netns/$id" /usr/bin/python3 -B "$root/tests/cli/metrics_client.py" $port slow 40 >"$work/slow" 2>&1 &
hold=$!
await grep -q holding "$work/slow"
check "all places taken: the daemon goes on" alive
check "... policy is applied" says 'policy' "$tcptimer" policy apply "$work/policy.yaml"
check "... slow ones are closed, and the next is served" wait "$hold"
hold=
check "... and told" grep -q 'too slow' "$work/log"
check "... no descriptor leaked" await no_more_fds "$before"
check "nothing was denied" not grep -qi 'not permitted' "$work/log"
check "stops" stop TERM
check "... nothing listens" test -z "$(inside ss -Htln)"

# ---- a UNIX socket ----
sock=$work/run/metrics.sock
echo precious >"$sock"
check "a file at its path: no start" not start --metrics "unix:$sock"
check "... told" grep -q 'metrics.sock: Address already in use' "$work/log"
check "... and kept" grep -q precious "$sock"
rm "$sock"
check "starts" start --metrics "unix:$sock" --metrics-cgroup "/$id/many/*" --metrics-cgroups-max 0
check "... for root and its group" test "$(stat -c %a "$sock")" = 660
check "... a scrape" says '^tcptimer_build_info' scrape --unix-socket "$sock" http://x/metrics
check "... no series for cgroups but one" client "$sock" bounded 1 0
check "... nothing listens on TCP" test -z "$(inside ss -Htln)"
check "... slow clients there as well" client "$sock" slow 20
check "killed" not stop KILL
check "... the socket is left" test -S "$sock"
check "the next one takes its place" start --metrics "unix:$sock"
check "... a scrape" says '^tcptimer_build_info' scrape --unix-socket "$sock" http://x/metrics
check "stops" stop TERM
check "... the socket is gone" not test -e "$sock"

# ---- systemd's side ----
if command -v systemd-analyze >/dev/null; then
	mkdir "$work/tcptimer.service.d"
	for unit in tcptimer.service metrics.conf; do
		sed "s,^ExecStart=/[^ ]*,ExecStart=$tcptimer," "$root/contrib/systemd/$unit" >"$work/$unit"
	done
	mv "$work/metrics.conf" "$work/tcptimer.service.d/"
	check "the unit with the drop-in is valid" test -z "$(systemd-analyze verify --man=no "$work/tcptimer.service" 2>&1)"
fi

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
