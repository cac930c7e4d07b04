# SPDX-License-Identifier: GPL-2.0-or-later
# systemd_inside.sh: what systemd.sh looks at, inside its guest; lines "ok WHAT" and "not ok WHAT" on the console.
# shellcheck shell=sh
exec >/dev/ttyS0 2>&1
echo "guest: begin"

check() { # check NAME COMMAND…: the command succeeds
	what=$1
	shift
	if "$@" >/tmp/out 2>&1; then
		echo "ok $what"
	else
		echo "not ok $what"
		sed 's/^/  /' /tmp/out
		journalctl -u tcptimer --no-pager -o cat | tail -n 6 | sed 's/^/  log: /'
	fi
}
says() { # says PATTERN COMMAND…: what it prints matches
	pattern=$1
	shift
	"$@" >/tmp/said 2>&1
	grep -qE -- "$pattern" /tmp/said || { cat /tmp/said; return 1; }
}
await() { # await COMMAND…: it succeeds within two minutes of the guest's time
	for _ in $(seq 40); do
		"$@" >/tmp/awaited 2>&1 && return
		sleep 3
	done
	cat /tmp/awaited
	return 1
}
show() { # show PROPERTY: of the unit
	systemctl show -P "$1" tcptimer
}
is() { # is VALUE PROPERTY
	[ "$(show "$2")" = "$1" ] || { echo "$2 is $(show "$2"), not $1"; return 1; }
}
log() { # log PATTERN: the unit's journal has it
	journalctl -u tcptimer --no-pager -o cat | grep -qE -- "$1"
}

check "the unit starts at boot" await systemctl is-active -q tcptimer
check "... by READY=1" is 0 NRestarts
check "... says so in its STATUS" says '1 rule in force' show StatusText
check "... its policy is in force" says 'shop +enforce' tcptimer policy show
check "... its socket is root's alone" says '^600 root root$' stat -c '%a %U %G' /run/tcptimer/ctl.sock
check "... the rest of /sys stays read-only to it" nsenter -t "$(show MainPID)" -m sh -c '! touch /sys/fs/cgroup/x 2>/dev/null && ! echo 1 >/proc/sys/net/ipv4/ip_forward 2>/dev/null && test -d /sys/fs/bpf/tcptimer'

# ---- a service whose peer falls silent ----
ip netns add peer
ip link add v0 type veth peer name v1 netns peer
ip addr add 192.0.2.1/24 dev v0
ip link set v0 up
ip -n peer addr add 192.0.2.2/24 dev v1
ip -n peer link set v1 up
ip netns exec peer python3 -c '
import socket, time
server = socket.create_server(("192.0.2.2", 7070))
held = [server.accept() for _ in range(3)]
time.sleep(100000)' &
cat >/tmp/application.py <<'P'
import errno, socket, subprocess
client = socket.create_connection(("192.0.2.2", 7070))
subprocess.run("ip -n peer route add blackhole 192.0.2.1/32", shell=True, check=True)
client.send(b"x")
try:
    client.recv(1)
except OSError as e:
    print(errno.errorcode[e.errno])
subprocess.run("ip -n peer route del blackhole 192.0.2.1/32", shell=True, check=True)
P
cat >/run/systemd/system/application.service <<'U'
[Service]
Type=oneshot
Slice=shop.slice
ExecStart=/usr/bin/python3 /tmp/application.py
U
systemctl daemon-reload
application() { # a service of the slice, to its end; what it said
	systemctl start application
	journalctl -u application --no-pager -o cat | tail -n 4
}
ended() { # ended N: connections by the rule
	says "\"ended\": ?$1\b" tcptimer policy show --json
}
sleep 2
check "a service of the slice gets ETIMEDOUT" says '^ETIMEDOUT' application
check "... policy show counts it" await ended 1
check "... the journal has rule, connection and error" await log "rule 'shop' ended 192.0.2.1:.* of /shop.slice/application.service by max_retries \(ETIMEDOUT\)"
check "... and the rule as a field" says '192.0.2.2:7070' journalctl --no-pager -o cat TCPTIMER_RULE=shop

# ---- its life ----
systemctl reload tcptimer
check "reload" await is active ActiveState
check "... is logged" await log '^reloading'
pid=$(show MainPID)
check "restart" systemctl restart tcptimer
check "... another process" [ "$(show MainPID)" != "$pid" ]
check "... takes over what is pinned" says '"adopted": ?true' tcptimer status --json
pid=$(show MainPID)
kill -9 "$pid"
check "kill -9: its policy goes on" says 'shop +enforce' tcptimer policy show
check "... a service gets ETIMEDOUT" says '^ETIMEDOUT' application
check "... it is started again" await is active ActiveState
check "... by systemd" is 1 NRestarts
pid=$(show MainPID)
kill -STOP "$pid"
check "a daemon that hangs: the watchdog ends it" await is 2 NRestarts
check "... and the next one runs" await is active ActiveState
check "... with the policy" says 'shop +enforce' tcptimer policy show
check "... two ends counted all the while" await ended 2

# ---- metrics, by the drop-in ----
mkdir -p /etc/systemd/system/tcptimer.service.d
cp /usr/share/tcptimer/examples/metrics.conf /etc/systemd/system/tcptimer.service.d/
systemctl daemon-reload
check "with the drop-in for metrics" systemctl restart tcptimer
scrape() {
	bash -c 'exec 3<>/dev/tcp/127.0.0.1/9782; printf "GET /metrics HTTP/1.0\r\n\r\n" >&3; cat <&3'
}
check "... a scrape" says '^tcptimer_policy_ended_total\{rule="shop"\} 2' scrape

# ---- its end ----
check "stop" systemctl stop tcptimer
check "... exit status 0" is 0 ExecMainStatus
check "... the policy goes on" says 'none runs' tcptimer policy show
check "clear" tcptimer policy clear
check "... no pin is left" [ ! -e /sys/fs/bpf/tcptimer ]
check "nothing was denied" [ -z "$(journalctl -b --no-pager -o short | grep -E 'tcptimer.*(not permitted|denied)|type=1326')" ]
echo "guest: end"
systemctl poweroff -f -f
