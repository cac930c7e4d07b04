#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# test_daemon.sh TCPTIMER: the daemon's life, its files, its control socket, and what is left behind, in
# a cgroup, with pins and a socket of its own. What a policy does to connections is tested elsewhere.
set -u
tcptimer=$1
root=$(cd "$(dirname "$0")/../.." && pwd)
passed=0 failed=0
work=$(mktemp -d)
chmod 755 "$work"
id=tcptimer-test-daemon-$$
pins=/sys/fs/bpf/$id
cgroup=
daemon=
hold=

skip() {
	echo "[  SKIPPED ] daemon: $1"
	[ -z "${CI:-}" ]
	exit
}
[ "$(id -u)" = 0 ] || skip "needs root"
mount=$(sed -n 's/^[^ ]* \([^ ]*\) cgroup2 .*/\1/p' /proc/mounts | head -1)
[ -n "$mount" ] || skip "no cgroup2 is mounted"
grep -q '^[^ ]* /sys/fs/bpf bpf ' /proc/mounts || mount -t bpf bpf /sys/fs/bpf || skip "no bpffs can be mounted"
cgroup=$mount/$id
PATH=$PATH:/usr/sbin:/sbin
export TCPTIMER_SOCKET="$work/run/ctl.sock" TCPTIMER_PIN_DIR="$pins"

cleanup() {
	[ -z "$daemon" ] || kill -9 "$daemon" 2>/dev/null
	[ -z "$hold" ] || kill "$hold" 2>/dev/null
	"$tcptimer" policy clear >/dev/null 2>&1
	rm -f "$pins"/* 2>/dev/null
	rmdir "$pins" "$cgroup"/* "$cgroup" 2>/dev/null
	ip netns del "$id-a" 2>/dev/null
	ip netns del "$id-b" 2>/dev/null
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM HUP
mkdir "$cgroup" || skip "no cgroup can be made"

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
	grep -qE "$pattern" "$work/said" || { cat "$work/said"; return 1; }
}
status_is() {
	want=$1
	shift
	"$@" >"$work/kept" 2>&1
	got=$?
	[ "$got" = "$want" ] || { echo "exit status $got, not $want"; cat "$work/kept"; return 1; }
}
await() { # await COMMAND…: it succeeds within 20 s
	tries=0
	while ! "$@" >"$work/awaited" 2>&1; do
		tries=$((tries + 1))
		[ $tries -lt 200 ] || { cat "$work/awaited"; return 1; }
		sleep 0.1
	done
}
start() { # start OPTION…: until it says that it is ready
	: >"$work/log"
	"$tcptimer" daemon --cgroup "/$id" "$@" 2>"$work/log" &
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
digest() {
	"$tcptimer" policy show --json | jq -r .digest
}
in_force() { # in_force FILE…: these, and nothing else
	[ "$(digest)" = "$(cat "$@" | sha256sum | cut -d' ' -f1)" ]
}
holds() { # holds FILTER: of the status
	"$tcptimer" status --json | jq -e "$1"
}
kept_back() { # kept_back N: so many looks at the files have changed nothing
	[ "$(grep -c 'what was in force stays in force' "$work/log")" = "$1" ]
}
no_more_fds() { # no_more_fds N: than those
	[ "$(ls "/proc/$daemon/fd" | wc -l)" -le "$1" ]
}
fds() {
	ls "/proc/$daemon/fd" | wc -l
}
fits() {
	/usr/bin/python3 "$root/tests/system/validate.py" "$1" <"$2"
}
client() {
	/usr/bin/python3 "$root/tests/cli/ctl_client.py" "$TCPTIMER_SOCKET" "$@"
}
policy() { # policy NAME USER_TIMEOUT
	printf 'version: 1\nrules:\n  - name: %s\n    match: {cgroup: ["/%s/**"]}\n    set: {user_timeout: %s}\n' \
		"$1" "$id" "$2"
}
file=$work/policy.yaml
policy first 30s >"$file"
cp "$file" "$work/first.yaml"
policy second 40s >"$work/second.yaml"
policy third 50s >"$work/third.yaml"
printf 'version: 1\nrules:\n  - {name: bad, set: {max_retries: 99}}\n' >"$work/bad.yaml"
printf 'version: 1\nrules:\n  - name: ha' >"$work/half.yaml"

# ---- nothing runs ----
check "no daemon: status says so" says 'no daemon runs.*ctl.sock' "$tcptimer" status
check "no daemon: exit status" status_is 1 "$tcptimer" status
check "no daemon: show says that nothing is in force" says 'no policy is in force' "$tcptimer" policy show
check "no daemon: apply says how to start one" says 'tcptimer daemon' "$tcptimer" policy apply "$file"
check "no daemon: clear has nothing to do" says 'nothing was in force' "$tcptimer" policy clear
check "bad files and nothing in force: no start" status_is 1 "$tcptimer" daemon --cgroup "/$id" --policy "$work/bad.yaml"
check "... with the findings" says "bad.yaml:3:36: error: rule 'bad': '99' is out of range" cat "$work/kept"
check "... and nothing in force" says 'no policy is in force|policy   none' "$tcptimer" policy show
"$tcptimer" policy clear >/dev/null 2>&1
check "a missing file" says 'none.yaml: error: can.t be read' "$tcptimer" daemon --cgroup "/$id" --policy "$work/none.yaml"
"$tcptimer" policy clear >/dev/null 2>&1
check "no bpffs there" says 'mount -t bpf' "$tcptimer" daemon --cgroup "/$id" --policy "$file" --pin-dir "$work/pins"
check "... and nothing made there" not test -e "$work/pins"
check "no such cgroup" status_is 1 "$tcptimer" daemon --cgroup "/$id/none" --policy "$file"
check "a word too many" status_is 2 "$tcptimer" daemon "$file"
mkdir "$work/libs" && : >"$work/libs/libsystemd.so.0"
check "a library that can't be loaded: told" says 'the daemon needs this library: .*libsystemd.so.0' \
	env LD_LIBRARY_PATH="$work/libs" "$tcptimer" daemon --cgroup "/$id" --policy "$file"
check "... exit status" status_is 1 env LD_LIBRARY_PATH="$work/libs" "$tcptimer" daemon --cgroup "/$id" --policy "$file"
check "... other commands do without it" status_is 0 env LD_LIBRARY_PATH="$work/libs" "$tcptimer" --version

# ---- start, and what it says of itself ----
check "starts" start --policy "$file"
check "its policy is in force" in_force "$file"
check "the pins are there" test -e "$pins/link_sockops"
"$tcptimer" status --json >"$work/status.json"
"$tcptimer" policy show --json >"$work/show.json"
check "status fits its schema" fits "$root/contrib/schema/status.schema.json" "$work/status.json"
check "policy show fits its schema" fits "$root/contrib/schema/policy-show.schema.json" "$work/show.json"
check "status has the pid" holds ".pid == $daemon and .policy.adopted == false"
check "show has the rule" jq -e '.rules[0].name == "first" and .rules[0].set.user_timeout.us == 30000000' "$work/show.json"
check "status as text" says "daemon +pid $daemon" "$tcptimer" status
check "show as text" says 'first +enforce' "$tcptimer" policy show
check "a second daemon: refused with the pid" says "runs already, with pid $daemon;" "$tcptimer" daemon --cgroup "/$id" --policy "$file"
check "... exit status" status_is 1 "$tcptimer" daemon --cgroup "/$id" --policy "$file"
check "... also with another socket" says "pid $daemon works on $pins" "$tcptimer" daemon --cgroup "/$id" --policy "$file" --socket "$work/other/ctl.sock"
check "clear through another socket: refused" says "pid $daemon works on $pins" "$tcptimer" policy clear --socket "$work/other/ctl.sock"
check "no new privileges" grep -q '^NoNewPrivs:	1' "/proc/$daemon/status"
check "system calls are filtered" grep -q '^Seccomp:	2' "/proc/$daemon/status"
# sys_admin, sys_ptrace, dac_read_search, syslog
check "capabilities" grep -q '^CapEff:	0000000400280004' "/proc/$daemon/status"
check "... and none beyond them" grep -q '^CapBnd:	0000000400280004' "/proc/$daemon/status"

# ---- files that change ----
cp "$work/bad.yaml" "$file"
check "a bad file: told with its place" await grep -q "policy.yaml:3:36: error" "$work/log"
check "... keeps the policy" in_force "$work/first.yaml"
check "... and status tells" holds '.last_reload.errors == 1'
mv "$work/second.yaml" "$file"
cp "$file" "$work/second.yaml"
check "a file replaced by a rename" await in_force "$work/second.yaml"
(cat "$work/half.yaml"; sleep 2) >"$file" &
hold=$!
sleep 1
check "a file that is being written: not looked at" kept_back 1
check "... keeps the policy" in_force "$work/second.yaml"
wait "$hold"
hold=
check "a half file, closed: refused" await kept_back 2
check "... keeps the policy" in_force "$work/second.yaml"
kill -HUP "$daemon"
check "SIGHUP with a bad file: told" await kept_back 3
check "... keeps the policy" in_force "$work/second.yaml"
cat "$work/third.yaml" >"$file"
check "a file that was written and closed" await in_force "$work/third.yaml"
rm "$file"
check "the file removed: told" await grep -q "policy.yaml: error: can't be read" "$work/log"
check "... keeps the policy" in_force "$work/third.yaml"
head -c 67108864 /dev/zero | tr '\0' '#' >"$work/large.yaml"
check "64 MiB: refused" says 'larger than 1 MiB' "$tcptimer" policy apply "$work/large.yaml"
mv "$work/large.yaml" "$file"
check "64 MiB in the daemon's file: refused" await grep -q 'larger than 1 MiB' "$work/log"
head -c 500000 /dev/zero | tr '\0' '[' >"$work/deep"
mv "$work/deep" "$file"
check "500000 levels of YAML: refused" await grep -q 'too-deep' "$work/log"
mkfifo "$work/fifo"
mv "$work/fifo" "$file"
check "a FIFO: refused, not waited for" await grep -q 'no regular file' "$work/log"
check "... the policy is in force all the while" in_force "$work/third.yaml"
check "memory stayed small" awk '/^VmHWM/ { exit $2 > 131072 }' "/proc/$daemon/status"
rm "$file"
cp "$work/first.yaml" "$file"
check "the file again" await in_force "$work/first.yaml"

# ---- apply ----
check "apply" says 'policy +[0-9a-f]{12}, 1 rule' "$tcptimer" policy apply "$work/second.yaml"
check "... is in force" in_force "$work/second.yaml"
check "... and its source is told" holds '.policy.source == "apply"'
check "apply a bad file: exit status" status_is 1 "$tcptimer" policy apply "$work/bad.yaml"
check "... its place" says 'bad.yaml:3:36: error' cat "$work/kept"
check "... keeps the policy" in_force "$work/second.yaml"
check "apply two files" "$tcptimer" policy apply "$work/second.yaml" "$work/third.yaml"
check "... in force" in_force "$work/second.yaml" "$work/third.yaml"
kill -HUP "$daemon"
check "SIGHUP: the files again" await in_force "$work/first.yaml"

# ---- clients ----
before=$(fds)
for manner in garbage silent slow many gone stranger; do
	check "clients: $manner" client $manner
done
chmod 600 "$TCPTIMER_SOCKET"
check "clients: none left" await holds '.clients.now == 1'
check "clients: no descriptor leaked" await no_more_fds "$before"
check "clients: counted" holds '.clients.refused > 900'

# ---- comings and goings, confined ----
churn() {
	for i in 1 2 3 4 5 6 7 8 9 10; do
		for j in 1 2 3 4 5 6 7 8 9 10; do mkdir "$cgroup/$i-$j"; done
		rmdir "$cgroup"/*-*
		ip netns add "$id-a" && ip -n "$id-a" link set lo up
		"$tcptimer" policy apply "$work/second.yaml" "$work/third.yaml" >/dev/null || return 1
		ip netns del "$id-a"
		"$tcptimer" policy apply "$work/first.yaml" >/dev/null || return 1
	done
}
before=$(fds)
check "100 cgroups, 10 namespaces, 20 policies" churn
sleep 1.5
check "... no descriptor leaked" await no_more_fds "$before"
check "... no map entry leaked" await holds '.maps.cgroups <= 2'
check "... nothing was denied" not grep -qi 'not permitted' "$work/log"

# ---- a connection that the policy ends ----
ended() {
	ip netns add "$id-a" && ip netns add "$id-b" || return 1
	ip -n "$id-a" link add veth0 type veth peer name veth0 netns "$id-b" || return 1
	for side in a b; do
		ip -n "$id-$side" link set lo up
		ip -n "$id-$side" link set veth0 up
	done
	ip -n "$id-a" addr add 192.0.2.1/24 dev veth0
	ip -n "$id-b" addr add 192.0.2.2/24 dev veth0
	ip netns exec "$id-b" /usr/bin/python3 -c '
import socket, time
server = socket.create_server(("192.0.2.2", 7070))
peer = server.accept()[0]
time.sleep(120)' &
	hold=$!
	await ip netns exec "$id-a" sh -c 'ip netns exec '"$id-b"' ss -Htln | grep -q :7070' || return 1
	echo "$hold" >"$work/peer"
	# ip mounts another /sys: into the cgroup first
	sh -c "echo \$\$ >'$cgroup/in/cgroup.procs' && echo \$\$ >'$work/client' && exec ip netns exec '$id-a' /usr/bin/python3 -c '
import errno, socket, subprocess
client = socket.create_connection((\"192.0.2.2\", 7070))
client.send(b\"x\")
subprocess.run([\"ip\", \"netns\", \"exec\", \"$id-b\", \"ip\", \"route\", \"add\", \"blackhole\", \"192.0.2.1/32\"], check=True)
client.send(b\"y\")
client.settimeout(60)
try:
    client.recv(1)
except OSError as e:
    print(errno.errorcode[e.errno])
'"
}
mkdir "$cgroup/in"
printf 'version: 1\nrules:\n  - {name: strict, match: {cgroup: ["/%s/**"]}, set: {max_retries: 2}}\n' "$id" >"$work/strict.yaml"
check "a policy that ends connections" "$tcptimer" policy apply "$work/strict.yaml"
check "its connection gets ETIMEDOUT" says ETIMEDOUT ended
kill "$hold" 2>/dev/null
hold=
check "... the log has rule, connection, limit and error" await grep -q "rule 'strict' ended 192.0.2.1:[0-9]* -> 192.0.2.2:7070 of /$id/in by max_retries (ETIMEDOUT)" "$work/log"
check "... status counts it" await holds '.ends.policy == 1 and .rules[0].ended == 1'
ip netns del "$id-a"
ip netns del "$id-b"
sed 's/set:/mode: audit, set:/; s/strict/mild/' "$work/strict.yaml" >"$work/mild.yaml"
check "a policy that only tells" "$tcptimer" policy apply "$work/mild.yaml"
ended >"$work/audited" 2>&1 &
audited=$!
check "... of the moment" await grep -q "audit: rule 'mild' would have ended 192.0.2.1:[0-9]* -> 192.0.2.2:7070 of /$id/in at .* (ETIMEDOUT); it lives on" "$work/log"
check "... the connection lives on" kill -0 "$audited"
check "... status counts it" await holds '.audit.would_have_ended == 1 and .ends.policy == 1'
kill "$(cat "$work/peer")" "$(cat "$work/client")"
wait "$audited" 2>/dev/null
rmdir "$cgroup/in"
check "back to the first" "$tcptimer" policy apply "$work/first.yaml"

# ---- the pins wiped under it ----
rm "$pins"/*
rmdir "$pins"
check "pins wiped: it goes on" in_force "$work/first.yaml"
check "... what is attached stays" test -n "$(bpftool cgroup show "$cgroup")"
check "... the next policy pins again" "$tcptimer" policy apply "$work/second.yaml"
check "... all of it" test -e "$pins/link_sockops" -a -e "$pins/map_source"
check "... and is in force" in_force "$work/second.yaml"

# ---- killed at any moment ----
one_of_two() {
	in_force "$work/second.yaml" || in_force "$work/third.yaml"
}
for moment in 0.02 0.05 0.09 0.14 0.2 0.27 0.35 0.5; do
	(while "$tcptimer" policy apply "$work/third.yaml" && "$tcptimer" policy apply "$work/second.yaml"; do :; done) >/dev/null 2>&1 &
	hold=$!
	sleep $moment
	stop KILL
	wait "$hold"
	hold=
	check "killed after $moment s of policies: one of them goes on" one_of_two
	check "... the next daemon starts" start --policy "$file"
	check "... with one of them whole" one_of_two
done
check "back to the first" "$tcptimer" policy apply "$work/first.yaml"

# ---- killed, and the next one ----
check "killed" not stop KILL
check "what is pinned goes on" test -e "$pins/link_sockops"
check "show without a daemon" says 'daemon +none runs' "$tcptimer" policy show
"$tcptimer" policy show --json >"$work/pinned.json"
check "... fits the schema" fits "$root/contrib/schema/policy-show.schema.json" "$work/pinned.json"
check "... has the rule" jq -e '.pid == null and .rules[0].name == "first" and .rules[0].counters != null' "$work/pinned.json"
check "the next daemon" start --policy "$file"
check "... adopts" holds '.policy.adopted'
check "... keeps what was applied" grep -q 'is kept' "$work/log"
kill -HUP "$daemon"
check "... until SIGHUP" await holds '.policy.source == "files"'
check "killed with a policy of files" not stop KILL
cp "$work/bad.yaml" "$file"
check "bad files at the start of the next: it starts" start --policy "$file"
check "... keeps what was in force" in_force "$work/first.yaml"
check "... and says so" grep -q 'what was in force stays in force' "$work/log"
cp "$work/third.yaml" "$file"
check "... until they are good" await in_force "$work/third.yaml"
check "SIGTERM: exit status 0" stop TERM
check "... the socket is gone" not test -e "$TCPTIMER_SOCKET"
check "... the policy is not" test -e "$pins/link_sockops"

# ---- clear ----
check "the next daemon" start --policy "$file" --policy "$work/later.d"
check "clear" says 'nothing is attached' "$tcptimer" policy clear
check "... no pin is left" not test -e "$pins"
check "... no program is attached" test -z "$(bpftool cgroup show "$cgroup" 2>/dev/null)"
check "... the daemon stays" holds '.policy.attached == false'
check "... show says so" says 'cleared' "$tcptimer" policy show
cp "$work/second.yaml" "$file"
check "a file changed after it: not loaded, and told" await grep -q 'but the policy was cleared' "$work/log"
check "... nothing is attached" not test -e "$pins"
kill -HUP "$daemon"
check "SIGHUP attaches again" await in_force "$work/second.yaml"
check "... the programs are there" test -n "$(bpftool cgroup show "$cgroup")"
mkdir "$work/later.d"
cp "$work/third.yaml" "$work/later.d/third.yaml"
check "a directory that appears later" await in_force "$work/second.yaml" "$work/later.d/third.yaml"
cp "$work/bad.yaml" "$work/later.d/.hidden.yaml"
cp "$work/bad.yaml" "$work/later.d/bad.yaml~"
cp "$work/first.yaml" "$work/later.d/0.yaml"
check "its files in order; an editor's are not read" await in_force "$work/second.yaml" "$work/later.d/0.yaml" "$work/later.d/third.yaml"
check "stops" stop INT
check "clear without a daemon" says 'cleared without a daemon' "$tcptimer" policy clear
check "... no pin is left" not test -e "$pins"
check "--detach-on-exit" start --policy "$file" --detach-on-exit --audit
check "--audit: every rule" sh -c "'$tcptimer' policy show --json | jq -e '.audit and .rules[0].mode == \"audit\"'"
check "stops" stop TERM
check "... and takes all away" not test -e "$pins"
check "... no program is attached" test -z "$(bpftool cgroup show "$cgroup" 2>/dev/null)"

# ---- systemd's side ----
/usr/bin/python3 -c '
import socket, sys
listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.bind(sys.argv[1])
listener.settimeout(60)
while True:
    said = listener.recv(4096).decode()
    print(said.replace("\n", " "), flush=True)
    if said.startswith("STOPPING"):
        break' "$work/notify" >"$work/notified" &
hold=$!
await test -S "$work/notify"
NOTIFY_SOCKET=$work/notify WATCHDOG_USEC=3000000
export NOTIFY_SOCKET WATCHDOG_USEC
check "started by systemd" start --policy "$file" --detach-on-exit
unset NOTIFY_SOCKET WATCHDOG_USEC
check "... READY" await grep -q '^READY=1' "$work/notified"
check "... STATUS" await grep -q '^STATUS=1 rule in force' "$work/notified"
check "... the watchdog is fed" await grep -q '^WATCHDOG=1' "$work/notified"
kill -HUP "$daemon"
check "... RELOADING with its time" await grep -q '^RELOADING=1 MONOTONIC_USEC=[0-9]' "$work/notified"
check "... READY again" await sh -c "[ \$(grep -c '^READY=1' '$work/notified') = 2 ]"
check "... stops" stop TERM
check "... STOPPING" await grep -q '^STOPPING=1' "$work/notified"
wait "$hold"
hold=
if command -v systemd-analyze >/dev/null; then
	sed "s,^ExecStart=[^ ]*,ExecStart=$(realpath "$tcptimer")," "$root/contrib/systemd/tcptimer.service" >"$work/tcptimer.service"
	check "the unit is valid" test -z "$(systemd-analyze verify --man=no "$work/tcptimer.service" 2>&1)"
fi

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
