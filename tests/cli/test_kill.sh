#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# test_kill.sh TCPTIMER: `kill` of own connections in network namespaces of its own: what it refuses,
# what it shows, whom it asks, and that just the chosen ones end, with ECONNABORTED.
set -u
tcptimer=$1
passed=0 failed=0
ns=tcptimer-test-kill-$$
work=$(mktemp -d)
app=

skip() {
	echo "[  SKIPPED ] kill: $1"
	[ -z "${CI:-}" ]
	exit
}
[ "$(id -u)" = 0 ] || skip "needs root"
cleanup() {
	[ -z "$app" ] || kill "$app" 2>/dev/null
	ip netns del "$ns" 2>/dev/null
	ip netns del "$ns-b" 2>/dev/null
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
		sed 's/^/  /' "$work/out" "$work/err"
	fi
}
run() { # run STATUS NAME ARGUMENT…: that exit status
	want=$1 name=$2
	shift 2
	"$tcptimer" kill "$@" >"$work/out" 2>"$work/err" </dev/null
	got=$?
	[ "$got" = "$want" ]
	verdict $? "$name"
}
says() { # says NAME PATTERN: the last run's output has it
	cat "$work/out" "$work/err" | grep -qE -- "$2"
	verdict $? "$1"
}
# on_tty ANSWER ARGUMENT…: with a terminal of its own, on which ANSWER is typed once it asks
on_tty() {
	answer=$1
	shift
	/usr/bin/python3 -c '
import os, pty, sys
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[2], [sys.argv[2], "kill"] + sys.argv[3:])
said = b""
asked = False
while True:
    try:
        data = os.read(fd, 4096)
    except OSError:
        break
    if not data:
        break
    said += data
    if not asked and b"[y/N]" in said:
        asked = True
        os.write(fd, sys.argv[1].encode() + b"\n")
sys.stdout.write(said.decode(errors="replace"))
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) if asked else 99)' \
		"$answer" "$tcptimer" "$@" >"$work/out" 2>"$work/err"
}

ip netns add "$ns" && ip netns add "$ns-b" || skip "no network namespace can be made"
ip -n "$ns" link set lo up
ip -n "$ns-b" link set lo up
# Six connections here, one elsewhere with the same ports at the server's end; each reports its error.
cat >"$work/app.py" <<'PY'
import os, socket, sys, time
def enter(name):
    fd = os.open("/run/netns/" + name, os.O_RDONLY)
    libc.setns(fd, 0)
    os.close(fd)
import ctypes
libc = ctypes.CDLL(None)
clients, peers, servers = [], [], []
for name, count in ((sys.argv[1], 6), (sys.argv[1] + "-b", 1)):
    enter(name)
    server = socket.socket()
    server.bind(("127.0.0.1", 7070))
    server.listen()
    servers.append(server)
    for i in range(count):
        clients.append(socket.create_connection(("127.0.0.1", 7070)))
        peers.append(server.accept()[0])
def tell(path):
    with open(path + ".new", "w") as file:
        for c in clients:
            error = c.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) or errors.get(c, 0)
            errors[c] = error
            file.write("%d %d\n" % (ports[c], error))
    os.rename(path + ".new", path)
errors = {}
ports = {c: c.getsockname()[1] for c in clients}
while True:
    tell(sys.argv[2])
    time.sleep(0.05)
PY
/usr/bin/python3 "$work/app.py" "$ns" "$work/told" &
app=$!
tries=0
while [ ! -s "$work/told" ] && [ $tries -lt 200 ]; do
	sleep 0.1
	tries=$((tries + 1))
done
port() { sed -n "${1}s/ .*//p" "$work/told"; }
# error N: what the N-th client's application was told, once it was told something, else 0
error() {
	tries=0
	while [ $tries -lt "${2:-50}" ]; do
		told=$(sed -n "${1}s/.* //p" "$work/told")
		[ "${told:-0}" != 0 ] && break
		sleep 0.1
		tries=$((tries + 1))
	done
	echo "${told:-0}"
}
errors() { grep -vc ' 0$' "$work/told"; }

run 2 'no filter'
says 'no filter: what to do' 'needs a FILTER'
run 2 'a filter that may match all' state established
says 'it says what to add' 'name an address, port, cgroup, netns or pid'
run 2 'a filter that is none' frobnicate
run 2 'an option that is none' --frobnicate netns "$ns"
run 1 'nothing matches' netns "$ns" and dport = :1
says 'nothing matches: said' 'no connection matches'
run 0 'a dry run' --dry-run netns "$ns" and sport = :"$(port 1)"
says 'it shows the connection' "ESTAB +127.0.0.1:$(port 1) +127.0.0.1:7070"
says 'it shows the owner' "python3/$app"
says 'it says what would be' '^1 would be destroyed'
run 0 'a dry run of all' --dry-run netns "$ns"
says 'listeners are left alone' '^12 would be destroyed'
setsid -w "$tcptimer" kill netns "$ns" and sport = :"$(port 1)" >"$work/out" 2>"$work/err" </dev/null
[ $? = 1 ]
verdict $? 'without a terminal and --yes: refused'
says 'it says how' '--yes'
on_tty n netns "$ns" and sport = :"$(port 1)"
[ $? = 1 ]
verdict $? 'the answer no'
says 'no: said' 'nothing was destroyed'
on_tty '' netns "$ns" and sport = :"$(port 1)"
[ $? = 1 ]
verdict $? 'no answer is no'
sleep 0.3
[ "$(errors)" = 0 ]
verdict $? 'all of them live so far'

on_tty y netns "$ns" and sport = :"$(port 1)"
verdict $? 'the answer yes'
says 'it counts' '1 destroyed'
[ "$(error 1)" = 103 ]
verdict $? 'the application gets ECONNABORTED'
[ "$(errors)" = 1 ]
verdict $? 'no other one ended'
run 0 '--yes' --yes netns "$ns" and sport = :"$(port 2)"
[ "$(error 2)" = 103 ]
verdict $? '--yes: ECONNABORTED'
[ "$(errors)" = 2 ]
verdict $? '--yes: no other one ended'
run 0 'several' --yes netns "$ns" and '(' sport = :"$(port 3)" or sport = :"$(port 4)" ')'
says 'several: counted' '^2 destroyed'
[ "$(error 3)" = 103 ] && [ "$(error 4)" = 103 ]
verdict $? 'several: ECONNABORTED'
run 0 'of a process' --yes pid "$app" and netns "$ns" and sport = :"$(port 5)"
[ "$(error 5)" = 103 ]
verdict $? 'of a process: ECONNABORTED'
run 0 'all of a namespace' --yes netns "$ns" and dport = :7070
[ "$(error 6)" = 103 ]
verdict $? 'all of a namespace: the last one'
[ "$(error 7 5)" = 0 ]
verdict $? 'the other namespace is left alone'

# What the iterator does not reach goes by netlink: mini-sockets.
cat >"$work/wait.py" <<'PY'
import socket
server = socket.socket()
server.bind(("127.0.0.1", 7171))
server.listen()
client = socket.create_connection(("127.0.0.1", 7171))
peer = server.accept()[0]
client.close()
peer.close()
PY
ip netns exec "$ns" /usr/bin/python3 "$work/wait.py"
run 0 'TIME-WAIT' --yes netns "$ns" and state time-wait and dport = :7171
[ -z "$("$tcptimer" list --no-header netns "$ns" and dport = :7171)" ]
verdict $? 'TIME-WAIT: gone'
run 1 'as nobody there is nothing to kill' netns "$ns" and dport = :7171
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
