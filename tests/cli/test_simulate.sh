#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# test_simulate.sh TCPTIMER: what `tcptimer simulate` answers and how it fails, without privilege.
# Prints `ok NAME` or `not ok NAME` for each check, and a closing line; exit status 1 when one failed.
set -u
tcptimer=${1:?usage: test_simulate.sh TCPTIMER}
here=$(dirname "$0")
root=$here/../..
passed=0 failed=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM

verdict() { # verdict STATUS NAME
	if [ "$1" -eq 0 ]; then
		passed=$((passed + 1))
		echo "ok $2"
	else
		failed=$((failed + 1))
		echo "not ok $2"
	fi
}
simulate() {
	"$tcptimer" simulate "$@" 2>"$work/err"
}
# contains NAME MS KEY=VALUE…: what a kernel was measured to do lies in the deadline's range
contains() {
	name=$1 ms=$2
	shift 2
	simulate "$@" --json | jq -e --argjson ms "$ms" \
		'.deadline_min_ms <= $ms and $ms <= .deadline_max_ms' >/dev/null
	verdict $? "$name"
}
# answers NAME FILTER KEY=VALUE…: jq's filter holds for the JSON
answers() {
	name=$1 filter=$2
	shift 2
	simulate "$@" --json | jq -e "$filter" >/dev/null
	verdict $? "$name"
}
# refuses NAME WORD KEY=VALUE…: exit status 2 and one line on stderr that has WORD
refuses() {
	name=$1 word=$2
	shift 2
	simulate "$@" >"$work/out"
	status=$?
	[ "$status" -eq 2 ] && [ "$(wc -l <"$work/err")" -eq 1 ] && [ ! -s "$work/out" ] &&
		grep -qF -- "$word" "$work/err"
	verdict $? "$name"
}
# says NAME WORD KEY=VALUE…: the text has WORD
says() {
	name=$1 word=$2
	shift 2
	simulate "$@" | grep -qF -- "$word"
	verdict $? "$name"
}

# measured at 250 HZ
contains 'a SYN on 6.1 dies at 131.070 s' 131070 kernel=6.1 state=syn_sent
contains 'a SYN on 6.12 dies at 135.170 s' 135170 kernel=6.12 state=syn_sent
contains 'a SYN on 7.2 dies at 135.170 s' 135170 kernel=7.2 state=syn_sent
contains 'a segment on 6.12 gives up at 938.700 s' 938700 kernel=6.12 state=established
contains 'a segment on 6.12 gives up at 939.100 s' 939100 kernel=6.12 state=established
contains 'keepalive gives up at 7905.280 s' 7905280 keepalive=on
contains 'keepalive 3/2/9 ends by TCP_USER_TIMEOUT 6 s at 7.2 s' 7200 kernel=6.18 keepalive=3/2/9 user_timeout=6s
contains 'a zero window ends by TCP_USER_TIMEOUT 5 s, at 5.02 s after the first probe' 5230 \
	kernel=6.18 peer=zero_window user_timeout=5s
for ms in 15260 15490; do
	contains "three SYN retries without linear ones: $ms ms" $ms kernel=6.18 state=syn_sent \
		tcp_syn_retries=3 tcp_syn_linear_timeouts=0
done
# the ranges are no wider than the wheel's granularity there
answers 'the range of the default give-up is narrow' '.deadline_max_ms - .deadline_min_ms < 40000' \
	state=established

answers 'exact times have no range' '[.events[] | .at_min_ms == .at_max_ms] | all' jiffies=4294967296
answers 'exact within the range' '.deadline_ms >= 937000 and .deadline_ms <= 958000' jiffies=12345678
answers 'the default: 6.12, 250 HZ, silent' '.kernel == "6.12" and .hz == 250 and .peer == "silent"'
answers 'keepalive without data is idle' '.events[0].timer == "keepalive" and .cause == "keepalive" and .rst' \
	keepalive=on
answers 'data in flight beats keepalive' '.cause == "retries"' keepalive=on data=sent
answers 'a zero window that answers never ends' '.deadline_ms == null and .if_silent.cause == "probe0"' \
	peer=zero_window
answers 'nothing armed, nothing ends' '.events == [] and .deadline_ms == null and .cause == null' data=none
answers 'the limit and the runner-up are named' \
	'.limit.name == "TCP_USER_TIMEOUT" and .limit.value == 20000 and .runner_up.limit.name == "tcp_retries2"' \
	user_timeout=20s
answers 'errno by name' '.errno == "ETIMEDOUT"' state=established
answers 'ICMP unreachable in SYN_SENT' '.errno == "EHOSTUNREACH"' kernel=6.1 state=syn_sent peer=unreachable
answers 'an option beats its sysctl, whatever the order' '.limit.name == "TCP_SYNCNT" and .limit.value == 2' \
	state=syn_sent syn_retries=2 tcp_syn_retries=6
answers 'rtt gives the RTO' '.events[-2].rto_ms > 0 and .events[0].at_ms > 300' rtt=200ms tcp_early_retrans=0
answers 'rto_max on 6.18 shortens the life' '.deadline_ms < 500000' kernel=6.18 tcp_rto_max_ms=10000
for state in established syn_sent syn_recv fin_wait1 fin_wait2 time_wait close_wait last_ack closing; do
	answers "state=$state ends" '.deadline_ms > 0 and (.events | length) > 0' "state=$state"
done
for kernel in 3.15 4.3 5.10 5.15 6.1 6.6 6.12 6.18 7.2; do
	answers "kernel=$kernel" ".kernel == \"$kernel\" and .deadline_ms > 0" "kernel=$kernel"
done

answers 'compare: an array in the order given' '[.[].kernel] == ["6.1", "6.12", "7.2"]' \
	--compare kernel=6.1,6.12,7.2 state=syn_sent
simulate --compare kernel=6.1,6.12,7.2 state=syn_sent >"$work/compare"
head -n 4 "$work/compare" | tail -n 1 | grep -q 'EVENT.*6\.1.*6\.12.*7\.2' &&
	tail -n 1 "$work/compare" | grep -q '^deadline'
verdict $? 'compare: a column a kernel, the deadline last'
simulate --compare kernel=6.12,6.18 tcp_rto_max_ms=5000 >/dev/null && grep -q 'kernel 6.12 has no' "$work/err"
verdict $? 'compare: a setting that one kernel lacks is left out there, and said'

refuses 'a mistyped key' "did you mean 'user_timeout'" user_timout=5s
refuses 'a mistyped key of its own' "did you mean 'kernel'" kernal=6.1
refuses 'a mistyped sysctl' "did you mean 'tcp_retries2'" tcp_retires2=5
refuses 'a time without unit' 'user_timeout=5000' user_timeout=5000
refuses 'a value out of range' '0..255' tcp_retries2=256
refuses 'a kernel that is no profile' '6.12' kernel=9.9
refuses 'a state that cannot be' 'syn_sent' state=listen
refuses 'a setting that came later' 'since 6.15' kernel=6.12 tcp_rto_max_ms=5000
refuses 'a word that is no KEY=VALUE' 'KEY=VALUE' established
refuses 'several kernels without --compare' '--compare' kernel=6.1,6.12
refuses 'an option that is none' "--nonsense" --nonsense
refuses 'bytes of a terminal in a key' '\x1b' "$(printf '\033[31m=1')"
refuses 'data that this state cannot have' 'data=none' state=syn_sent data=none

says 'the text names the setting that decided' 'tcp_retries2 = 15 (sysctl)' state=established
says 'the text names what the application gets' 'the application gets ETIMEDOUT' state=established
says 'long runs are folded' '8 more, one each 1m15s' keepalive=on
says 'the runner-up is told' 'without   that limit, tcp_retries2 = 15' user_timeout=20s
says 'a silent peer beside one that answers' 'if the peer fell silent now' peer=zero_window
says 'settings are listed' 'tcp_syn_linear_timeouts' --settings

simulate --svg "$work/one.svg" rto=300ms >/dev/null && simulate --svg "$work/many.svg" --compare \
	kernel=6.1,6.12,7.2 state=syn_sent >/dev/null && simulate --svg - keepalive=on >"$work/stdout.svg" &&
	/usr/bin/python3 - "$work"/*.svg <<'PYTHON'
import sys
import xml.etree.ElementTree as ET

for name in sys.argv[1:]:
    svg = ET.parse(name).getroot()
    assert svg.tag == "{http://www.w3.org/2000/svg}svg" and svg.get("version") == "1.1", name
    assert not [e for e in svg.iter() if e.tag.endswith("script")], name
    # labels of one line of text never overlap
    lines = {}
    for e in svg.iter("{http://www.w3.org/2000/svg}text"):
        if e.get("class") == "halo":
            continue
        width = 0.55 * float(e.get("font-size")) * len(e.text)
        left = float(e.get("x")) - {"start": 0, "middle": width / 2, "end": width}[e.get("text-anchor")]
        lines.setdefault(e.get("y"), []).append((left, left + width, e.text))
    for row in lines.values():
        row.sort()
        for a, b in zip(row, row[1:]):
            assert a[1] <= b[0], (name, a, b)
PYTHON
verdict $? 'SVG: well-formed, no script, no label over another'
simulate --svg /nonexistent/a.svg >/dev/null
[ $? -eq 1 ] && [ "$(wc -l <"$work/err")" -eq 1 ]
verdict $? 'SVG: a file that cannot be written'

for words in 'state=established' 'peer=zero_window' 'data=none' 'state=time_wait' 'keepalive=on' \
	'--compare kernel=3.15,7.2 state=syn_sent' 'state=fin_wait1' 'peer=unreachable' 'peer=resets' 'peer=acks'; do
	# shellcheck disable=SC2086
	simulate $words --json | jq -c .
done | /usr/bin/python3 "$root/tests/system/validate.py" "$root/contrib/schema/simulate.schema.json"
verdict $? 'JSON fits its schema'

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
