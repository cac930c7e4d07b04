#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# test_top.sh TCPTIMER: `top` as a person sees it, in tmux, on real connections that stall: the table, its
# orders, tree, filter, explain, freezing, other sizes and terminals, and that it gives the terminal back.
set -u
tcptimer=$(realpath "$1")
name=tcptimer-test-top-$$
work=$(mktemp -d)
. "$(dirname "$0")/stalls.sh"
[ "$(id -u)" = 0 ] || skip "needs root"
command -v tmux >/dev/null || skip "needs tmux"

screen() {
	LC_ALL=C.UTF-8 tmux -u -L "$name" -f /dev/null "$@"
}
clean_up() {
	screen kill-server 2>/dev/null
	rm -f "${TMUX_TMPDIR:-/tmp}/tmux-$(id -u)/$name"
	stalls_clean_up
}
stalls_start || skip "the connections did not stall"
trap clean_up EXIT

see() {
	screen capture-pane -p
}
sees() { # sees PATTERN: it is on the screen, or will be
	wait_until 40 eval "see | grep -qE -- '$1'" || { see; return 1; }
}
sees_not() {
	wait_until 40 eval "! see | grep -qE -- '$1'" || { see; return 1; }
}
keys() {
	screen send-keys "$@"
}
row_is() { # row_is N PATTERN: line N of the table, from 1
	wait_until 40 eval "see | sed -n '$((5 + $1))p' | grep -qE -- '$2'" || { see; return 1; }
}
rows_are() { # the table has that many lines
	wait_until 40 eval "[ \"\$(see | sed '1,5d; \$d' | grep -c .)\" = $1 ]" || { see; return 1; }
}
rows() {
	see | sed '1,5d; $d'
}

# What is no terminal, or none that will do.
check "no terminal: an error" says "needs a terminal; .*summary" "$tcptimer" top </dev/null
check "no terminal: exit status" status_is 1 "$tcptimer" top </dev/null
check "not a filter: exit status" status_is 2 "$tcptimer" top frobnicate
check "not a number of seconds: exit status" status_is 2 "$tcptimer" top -d 0
on_terminal() { # on_terminal TERM: what top says there
	screen new-session -d -s other -x 80 -y 24 "TERM=$1 $tcptimer top; echo status \$?; sleep 60"
	wait_until 40 eval "screen capture-pane -p -t other | grep -q '^status'"
	screen capture-pane -p -t other
	screen kill-session -t other
}
check "TERM=dumb: an error" says "TERM=dumb cannot move its cursor" on_terminal dumb
check "an unknown TERM: an error" says "TERM=nosuch-terminal is no terminal that is known" on_terminal nosuch-terminal

screen new-session -d -x 80 -y 24 "sh"
keys "PS1='> '; stty -g; NO_COLOR=1 $tcptimer top netns $app_ns; echo status \$?; stty -g" Enter
check "comes up" sees "^tcptimer top [0-9:]{8}  kernel [0-9]"
check "says what is there" sees "^7 sockets, 5 stalled: syn 1, retrans 2, probe0 1, keepalive 1"
check "says what ended" sees "^ended in the last minute: .*; 0 lost"
check "says which policy" sees "policy (none|[0-9]+ rules?)"
check "has titles" sees "^REMOTE +TIMER +TRIES +FIRES +STALLED +ENDS IN +CAUSE"
check "has a line for each stall" rows_are 5
check "draws retransmissions" sees "^retransmissions .*[▁▂▃▄▅▆▇█]+ [0-9.]+/s"
check "the keys at the foot" sees "^F1 Help .*F10 Quit"

stalled_for() { # of the line with that timer
	rows | awk -v timer="$1" '$2 == timer { print $5; exit }'
}
before=$(stalled_for keepalive)
check "times go on" wait_until 40 eval '[ "$(stalled_for keepalive)" != "$before" ]'
keys Z
check "freezes" sees "FROZEN"
rows >"$work/frozen"
sleep 2
rows >"$work/frozen.after"
check "frozen: nothing moves" cmp "$work/frozen" "$work/frozen.after"
keys F8
check "goes on" sees_not "FROZEN"

# What is sent to the terminal, once it is drawn, is what has changed.
screen pipe-pane -o "cat >$work/bytes"
wait_until 60 test -s "$work/bytes"
sleep 3
screen pipe-pane
check "never clears the screen" sh -c "! grep -q '$(printf '\033\\[[0-3]*J')' $work/bytes"
check "draws what has changed" test "$(wc -c <"$work/bytes")" -lt $((80 * 24 * 4))

# Orders. The SYN ends within minutes, keepalive in nine, the others in more.
check "by deadline: the SYN first" row_is 1 " syn "
keys T
check "by timer" row_is 1 " keepalive "
keys I
check "by timer, inverted" row_is 1 " syn "
keys I D
check "by deadline" row_is 2 " keepalive "
keys F6
check "the menu of orders" sees "^cgroup *$"
keys Down Down Enter
check "by cgroup, by the menu" sees "by cgroup"
check "by cgroup: the container first" row_is 1 "docker"
keys F5
check "a tree: the container" row_is 1 "^docker 7f3c0a9d81e2 \(2\)"
check "a tree: the unit" sees "^web.service \(2\)"
check "a tree: a hostile name escaped" sees "evil.x1b\[2J \(1\)"
keys t
check "a table again" rows_are 5

# Explain: of the first line that is left by the filter.
keys F4
check "filter: what it is now" sees "^filter: netns $app_ns"
keys -l " and timer"
keys Enter
check "filter: what is wrong with it" sees "timer"
check "filter: still to be corrected" sees "^filter: .*and timer_"
keys C-u
keys -l "netns $app_ns and timer retrans"
keys Enter
check "filter: two are left" rows_are 2
check "filter: they are counted" sees "^2 sockets, 2 stalled: retrans 2"
keys Down Enter
check "explain: whose" sees "^process +orders/[0-9]+"
check "explain: how it ends" sees "the connection ends: ETIMEDOUT"
check "explain: what decides" sees "^decided   by tcp_retries2 = 15"
keys Escape
check "back at the table" sees "^REMOTE +TIMER"
keys /
keys C-u
keys -l "netns $app_ns"
keys Enter
check "filter: all again" rows_are 5
keys h
check "help" sees "^F4  / +filter"
keys x
check "help goes away" rows_are 5

screen resize-window -x 200 -y 50
check "200 columns: both ends and whose" sees "^LOCAL +REMOTE +STATE .*PROCESS +CGROUP"
check "200 columns: the process" sees "orders/[0-9]+ +docker 7f3c0a9d81e2"
check "200 columns: the foot is at the foot" sh -c "LC_ALL=C.UTF-8 tmux -L $name capture-pane -p | sed -n 50p | grep -q '^F1 Help'"
screen resize-window -x 40 -y 12
check "40 columns: a table still" sees "^REMOTE +TIMER +STALLED"
screen resize-window -x 30 -y 5
check "5 lines: says so" sees "the screen is too small"
screen resize-window -x 80 -y 24
check "80 columns again" rows_are 5

keys q
check "quits" sees "^status 0"
wait_until 20 eval 'see | grep -A1 "^status 0" | tail -1 | grep -q :'
check "the terminal is as it was" sh -c "[ \"\$(LC_ALL=C.UTF-8 tmux -L $name capture-pane -p | grep -cE '^[0-9a-f:]{40,}' )\" -ge 2 ] &&
	LC_ALL=C.UTF-8 tmux -L $name capture-pane -p -J | grep -E '^[0-9a-f]+:' | sort -u | wc -l | grep -qx 1"
screen kill-server
wait_until 20 eval '! screen list-sessions 2>/dev/null'
# A server on its way out refuses a new session.
wait_until 20 screen new-session -d -x 80 -y 24 "LC_ALL=C TERM=vt100 $tcptimer top netns $app_ns"
check "vt100, no UTF-8: comes up" rows_are 5
check "vt100, no UTF-8: ASCII alone" sh -c "! LC_ALL=C.UTF-8 tmux -L $name capture-pane -p | LC_ALL=C grep -q '[^ -~]'"
keys F10
keys q
check "vt100: quits" wait_until 40 eval '! screen has-session 2>/dev/null'
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
