#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# test_summary.sh TCPTIMER: `summary` of real connections that stall, recover and end, each group held
# against what `list` and `trace` say of the same moment; its JSON by its schema; names and options.
set -u
tcptimer=$(realpath "$1")
name=tcptimer-test-summary-$$
work=$(mktemp -d)
. "$(dirname "$0")/stalls.sh"
[ "$(id -u)" = 0 ] || skip "needs root"

check "not a group: exit status" status_is 2 "$tcptimer" summary --by colour
check "not a group: says which there are" says "'colour'.*cgroup, netns, remote, process or rule" "$tcptimer" summary --by colour
check "an interval too short" says "'0.01' is no interval" "$tcptimer" summary 0.01
check "an interval that is none" status_is 2 "$tcptimer" summary 5parsecs
check "a count that is none" says "'0' is no count" "$tcptimer" summary 1 0
check "a filter that is none" status_is 2 "$tcptimer" summary 1 frobnicate

stalls_start reset reset close close || skip "the connections did not stall"

# ---- once: against `list`
"$tcptimer" list --json netns "$app_ns" >"$work/list.json"
"$tcptimer" summary --json --histogram netns "$app_ns" >"$work/once.json"
"$tcptimer" list --json netns "$app_ns" >"$work/list.after.json"
check "once: JSON fits its schema" fits summary.schema.json "$work/once.json"
check "once: nothing is counted" jq -e '.interval_ms == null and (.total | has("ended") | not)' "$work/once.json"
# Between two lists that agree, the summary says what both do.
same='[group_by(.cgroup)[] | {group: .[0].cgroup, sockets: length,
	stalled: (map(select(.stalled)) | length), states: (group_by(.state) | map({(.[0].state): length}) | add)}]'
check "once: the moment held still" jq -es "(.[0] | $same) == (.[1] | $same)" "$work/list.json" "$work/list.after.json"
check "once: groups are those of list" jq -es "(.[0] | $same) ==
	(.[1].groups | map({group, sockets, stalled, states}) | sort_by(.group))" "$work/list.json" "$work/once.json"
check "once: how they are stalled" jq -e '[.total.stalled_on | .retrans, .probe0, .keepalive, .syn] == [2, 1, 1, 1]' "$work/once.json"
check "once: the nearest deadline" jq -es '.[0] as $l | .[1].groups | all(. as $g |
	[$l[] | select(.cgroup == $g.group and .deadline_ms != null)] | min_by(.deadline_ms) |
	.deadline_cause == $g.deadline_cause and .deadline_ms - $g.deadline_ms < 10000 and
	.deadline_ms - $g.deadline_ms >= -1000)' "$work/list.json" "$work/once.json"
check "once: the oldest stall" jq -es '.[0] as $l | .[1].groups | all(. as $g |
	[$l[] | select(.cgroup == $g.group) | .stall_ms] | max <= $g.oldest_stall_ms + 5)' "$work/list.json" "$work/once.json"
check "once: histograms count all" jq -e '.total as $t | [.total.histograms.rto[].count] | add == $t.sockets' "$work/once.json"
check "once: a container by its name" jq -e '.groups[] | select(.name == "docker 7f3c0a9d81e2") | .stalled_on.retrans == 2' "$work/once.json"
check "once: a unit by its name" jq -e '.groups[] | select(.name == "web.service") | .stalled == 2' "$work/once.json"
check "what hurts most is first" jq -e '[.groups[].stalled] | . == (sort | reverse)' "$work/once.json"
check "text: a line for the container" says "^docker 7f3c0a9d81e2 +8 +2 +2 retrans " "$tcptimer" summary netns "$app_ns"
check "text: a hostile name is escaped" says "evil.x1b\[2J +1 +1 +1 syn " "$tcptimer" summary netns "$app_ns"
check "text: the path, with --full" says "^/$name/docker-$container_id.scope +8 " "$tcptimer" summary --full netns "$app_ns"
check "text: bars" says "^rto .* 2  #+$" "$tcptimer" summary --histogram netns "$app_ns"
check "by netns" says "^$app_ns +11 +5 " "$tcptimer" summary --by netns netns "$app_ns"
check "by remote" says "^192.0.2.40 +1 +1 +1 syn " "$tcptimer" summary --by remote netns "$app_ns"
check "by process" says "^orders/[0-9]+ +8 +2 +2 retrans " "$tcptimer" summary --by process netns "$app_ns"
check "by rule: none" says "^- +11 +5 " "$tcptimer" summary --by rule netns "$app_ns"
check "a filter" jq -e '.total.sockets == 2' <<JSON
$("$tcptimer" summary --json "netns $app_ns and timer retrans")
JSON

# ---- an interval: against `trace`. Two stalls that begin and recover, a reset and a close lie well in it.
# Each program set counts by itself: where the kernel left out runs of one (it does on some hosts under
# load, and says so), their numbers differ, and the interval is repeated.
looks="cgroup netns remote process filter"
interval() {
	"$tcptimer" trace -a --json >"$work/trace.json" 2>"$work/trace.err" &
	trace=$!
	pids="$pids $trace"
	for by in cgroup netns remote process; do
		"$tcptimer" summary 12 1 --json --by $by >"$work/$by.json" &
		eval "summary_$by=\$!"
		pids="$pids $!"
	done
	"$tcptimer" summary 12 1 --json "netns $app_ns" >"$work/filter.json" &
	summary_filter=$!
	pids="$pids $!"
	wait_until 100 attached "$trace" || skip "trace did not start"
	for by in $looks; do
		eval "wait_until 100 attached \$summary_$by" || skip "summary did not start"
	done
	sleep 1.5
	peer_vanishes
	echo send >&4
	sleep 1.5
	peer_returns
	sleep 2.5
	echo reset >&4
	echo close >&4
	for by in $looks; do
		eval "wait \$summary_$by"
	done
	sleep 0.5
	kill -INT "$trace"
	wait "$trace" 2>/dev/null
	grep -q '^lost *0$' "$work/trace.err" &&
		! grep -q '^missed' "$work/trace.err" && jq -es 'all(.lost | add == 0)' \
		"$work/cgroup.json" "$work/netns.json" "$work/remote.json" "$work/process.json" "$work/filter.json"
}
peer_returns
wait_until 100 list_has '[.[] | select(.timer == "retrans" and .stalled)] == []' || skip "the stalls did not recover"
for try in 1 2 3; do
	interval >/dev/null && break
	echo "# try $try: something was lost: $(cat "$work/cgroup.json" "$work/filter.json" | jq -c .lost | tr '\n' ' ')"
done
for by in cgroup netns remote process filter; do
	check "interval, $by: JSON fits its schema" fits summary.schema.json "$work/$by.json"
	check "interval, $by: nothing is lost" jq -e '.lost | if add == 0 then true else tostring + "\n" | halt_error(1) end' "$work/$by.json"
done
# The interval's ends are known to a fraction of a second: events near them may be in or out.
held() { # held SUMMARY GROUP-KEY GROUP SUMMARY-KEY TRACE-CONDITION AT-LEAST
	jq -es --arg key "$2" --arg group "$3" --argjson least "$6" '
		def seconds: (.time | sub("\\.\\d+Z$"; "Z") | fromdateiso8601) +
			(.time | capture("\\.(?<f>\\d+)Z") | "0." + .f | tonumber);
		.[0] as $s | .[1:] as $events | ($s | seconds) as $to | ($to - $s.interval_ms / 1000) as $from |
		($s.groups | map(select(.group == $group)) | .[0] | '"$4"') as $n |
		[$events[] | select(.[$key] == $group and ('"$5"'))] as $mine |
		($mine | map(select(seconds > $from + 0.2 and seconds < $to - 0.2)) | length) as $low |
		($mine | map(select(seconds > $from - 0.2 and seconds < $to + 0.7)) | length) as $high |
		if $low >= $least and $n >= $low and $n <= $high then true
		else "\($n) of \($low) to \($high)\n" | halt_error(1) end' "$1" "$work/trace.json"
}
container=/$name/docker-$container_id.scope
for key in "retransmissions|.action == \"retransmitted\"|2" "timeouts|(.timer | IN(\"retrans\", \"syn\", \"synack\")) and (.action | IN(\"retransmitted\", \"retransmit_failed\", \"aborted\", \"ended\"))|2" \
	"recovered.count|.event == \"recovered\"|2" "ended.peer_reset // 0|.cause == \"peer_reset\"|1"; do
	field=${key%%|*} rest=${key#*|}
	check "interval: the container's $field as in trace" held "$work/cgroup.json" cgroup "$container" ".$field" "${rest%|*}" "${rest##*|}"
	check "interval: the namespace's $field as in trace" held "$work/netns.json" netns_name "$app_ns" ".$field" "${rest%|*}" "${rest##*|}"
	check "interval: the remote address's $field as in trace" held "$work/remote.json" remote_addr 192.0.2.2 ".$field" "${rest%|*}" "${rest##*|}"
	check "interval: with a filter, $field as in trace" held "$work/filter.json" cgroup "$container" ".$field" "${rest%|*}" "${rest##*|}"
done
check "interval: the unit's probes as in trace" held "$work/cgroup.json" cgroup "/$name/web.service" ".probes" '.action == "probed"' 1
check "interval: the SYN's retransmissions as in trace" held "$work/cgroup.json" cgroup "/$name/$(printf 'evil\033[2J')" ".retransmissions" '.action == "retransmitted"' 0
check "interval: closed in order" jq -e --arg g "$container" '.groups[] | select(.group == $g) | .ended.closed == 1' "$work/cgroup.json"
check "interval: how long the stalls were that recovered" jq -es --arg g "$container" '
	(.[0].groups[] | select(.group == $g) | .recovered) as $r |
	[.[1:][] | select(.event == "recovered" and .cgroup == $g) | .stall_ms] as $t |
	($r.max_ms - ($t | max) | fabs) < 200 and ($r.mean_ms - ($t | add / length) | fabs) < 200' "$work/cgroup.json" "$work/trace.json"
check "interval: the peer reset what it reset" jq -e --arg g "/$name/peer" '.groups[] | select(.group == $g) | .ended.local_reset == 1' "$work/cgroup.json"
check "interval: the process's ends" jq -e '[.groups[] | select(.group == "orders")][0] | .ended.peer_reset == 1 and .ended.closed == 1 and .recovered.count == 2' "$work/process.json"
check "interval: the filter leaves the peer out" jq -e '.total.ended.local_reset == null and .total.ended.peer_reset == 1' "$work/filter.json"
check "interval, text: what was counted" says "RETRANS/S +PROBES/S +TIMEOUTS/S +RECOVERED" "$tcptimer" summary 0.2 1
check "so many intervals" test "$("$tcptimer" summary 0.2 3 --json | wc -l)" = 3
"$tcptimer" summary 60 >"$work/interrupted" 2>&1 &
pid=$!
wait_until 50 attached "$pid"
kill -INT "$pid"
wait "$pid"
check "interrupted: exit status" test $? = 0

# ---- by rule: a policy ends the container's connections
grep -q '^[^ ]* /sys/fs/bpf bpf ' /proc/mounts || mount -t bpf bpf /sys/fs/bpf || skip "no bpffs can be mounted"
pins=/sys/fs/bpf/$name
export TCPTIMER_SOCKET="$work/run/ctl.sock" TCPTIMER_PIN_DIR="$pins"
policy_clean_up() {
	kill "$daemon" 2>/dev/null && wait "$daemon" 2>/dev/null
	"$tcptimer" policy clear >/dev/null 2>&1
	rm -f "$pins"/* 2>/dev/null
	rmdir "$pins" 2>/dev/null
	stalls_clean_up
}
cat >"$work/policy.yaml" <<YAML
version: 1
rules:
  - name: orders-give-up
    match:
      cgroup: ["/$name/docker-*.scope"]
    mode: enforce
    set:
      user_timeout: 3s
YAML
chmod 755 "$work"
"$tcptimer" daemon --cgroup "/$name" --policy "$work/policy.yaml" 2>"$work/log" &
daemon=$!
trap policy_clean_up EXIT
check "a policy is in force" wait_until 100 grep -q 'is ready' "$work/log"
check "by rule: the container's sockets" says "^orders-give-up +[0-9]+ +0 " "$tcptimer" summary --by rule netns "$app_ns"
"$tcptimer" summary 9 1 --by rule --json >"$work/rule.json" &
summary_rule=$!
pids="$pids $!"
wait_until 50 attached "$summary_rule" || skip "summary did not start"
sleep 0.5
peer_vanishes
echo send >&4
wait "$summary_rule"
check "by rule: JSON fits its schema" fits summary.schema.json "$work/rule.json"
check "by rule: ends by policy" jq -e '.groups[] | select(.group == "orders-give-up") | .ended.policy == 2' "$work/rule.json"
check "by rule: what was sent again before" jq -e '.groups[] | select(.group == "orders-give-up") | .retransmissions >= 4 and .timeouts >= 6' "$work/rule.json"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
