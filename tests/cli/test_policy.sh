#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# test_policy.sh TCPTIMER: what `tcptimer policy check` prints and how it fails, without privilege.
# Prints `ok NAME` or `not ok NAME` for each check, and a closing line; exit status 1 when one failed.
set -u
tcptimer=${1:?usage: test_policy.sh TCPTIMER}
root=$(dirname "$0")/../..
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
check() {
	"$tcptimer" policy check "$@" >"$work/out" 2>"$work/err"
}
# exits NAME STATUS ARGUMENT…: that exit status, and nothing on stderr unless it is 2
exits() {
	name=$1 expected=$2
	shift 2
	check "$@"
	status=$?
	[ "$status" -eq "$expected" ] && { [ "$status" -eq 2 ] || [ ! -s "$work/err" ]; }
	verdict $? "$name"
}
# says NAME WORDS: the last check's output has a line with these words
says() {
	grep -qF -- "$2" "$work/out"
	verdict $? "$1"
}
last_line() {
	[ "$(tail -n 1 "$work/out")" = "$2" ]
	verdict $? "$1"
}
# refuses NAME WORDS ARGUMENT…: exit status 2, one line on stderr that has the words, no output
refuses() {
	name=$1 words=$2
	shift 2
	check "$@"
	status=$?
	[ "$status" -eq 2 ] && [ "$(wc -l <"$work/err")" -eq 1 ] && [ ! -s "$work/out" ] &&
		grep -qF -- "$words" "$work/err"
	verdict $? "$name"
}

cat >"$work/good.yaml" <<'YAML'
version: 1
rules:
  - name: a
    match: {cgroup: ["/a/**"]}
    set: {max_retries: 6, keepalive: {enable: true, idle: 30s, interval: 5s, probes: 3}}
YAML
cat >"$work/warns.yaml" <<'YAML'
version: 1
rules:
  - name: warns
    mode: enforce
    set:
      user_timeout: 20s
      keepalive: {enable: true, idle: 30s, interval: 5s, probes: 3}
YAML
cat >"$work/bad.yaml" <<'YAML'
version: 1
rules:
  - name: b
    set:
      user_timeout: 20
      max_retries: 16
YAML
cat >"$work/rto_max.yaml" <<'YAML'
version: 1
rules:
  - {name: r, set: {rto_max: 10s}}
YAML
printf 'version: 1\nrules: [{name: "\\e[31m", set: {max_retries: 1}}]\n' >"$work/escape.yaml"

exits 'a good policy passes' 0 "$work/good.yaml"
last_line 'it is counted' '1 rule, 0 errors, 0 warnings'
exits 'a good policy passes --strict' 0 --strict "$work/good.yaml"
exits 'warnings pass' 0 --kernel 6.12 "$work/warns.yaml"
last_line 'they are counted' '1 rule, 0 errors, 1 warning'
says 'a finding has file, line, column and severity' "$work/warns.yaml:6:21: warning: rule 'warns': user_timeout 20s is"
says 'a finding has its code' '[user-timeout-below-keepalive-idle]'
says 'the evidence names the kernel' '    Linux 6.12, HZ 250: established, idle'
says 'the evidence has the timeline' 'keepalive probe 1'
says 'the evidence has the end with the setting' 'ends after 35.1s–37.2s by TCP_USER_TIMEOUT = 20s'
says 'the evidence has the end without' 'ends after 45.4s–47.4s by TCP_KEEPCNT = 3'
says 'a zero-window peer is remarked' 'note: rule '"'warns'"': user_timeout 20s also ends'
exits 'warnings fail with --strict' 1 --strict --kernel 6.12 "$work/warns.yaml"
exits 'errors fail' 1 "$work/bad.yaml"
says 'a bare number is refused with its unit' "$work/bad.yaml:5:21: error: rule 'b': 20 has no unit: write 20s or 20ms [no-unit]"
says 'and what else is wrong' "$work/bad.yaml:6:20: error: rule 'b': '16' is out of range"
last_line 'errors are counted' '0 rules, 2 errors, 0 warnings'
exits 'rto_max is an error before 6.15' 1 --kernel 6.12 "$work/rto_max.yaml"
says 'and says since when' 'since 6.15'
exits 'rto_max is none on 6.18' 0 --strict --kernel 6.18 "$work/rto_max.yaml"
exits 'the storm is known by the stable level' 0 --kernel 6.6.40 "$work/warns.yaml"
says 'the storm is warned of' '[retransmission-storm]'
exits 'and not once it is fixed' 0 --kernel 6.6.41 "$work/warns.yaml"
! grep -q storm "$work/out"
verdict $? 'no storm on 6.6.41'
exits 'several files are one policy' 1 "$work/good.yaml" "$work/good.yaml"
says 'a name in two files' "the name 'a' is taken by the rule at $work/good.yaml:3"
exits 'several files in order' 0 --kernel 6.18 "$work/good.yaml" "$work/rto_max.yaml"
last_line 'all rules are counted' '2 rules, 0 errors, 0 warnings'
exits 'a file that is not there' 1 "$work/none.yaml"
says 'is named with the reason' "$work/none.yaml: error: can't be read: No such file or directory"
exits 'a directory' 1 "$work"
exits 'an escape sequence' 1 "$work/escape.yaml"
says 'is escaped' "'\\x1b[31m' is no name"
exits 'endless input ends' 1 /dev/zero
says 'endless input is too large' '[too-large]'
head -c 67108864 /dev/zero | tr '\0' '[' >"$work/deep.yaml"
exits '64 MiB of brackets' 1 "$work/deep.yaml"
head -c 500000 /dev/zero | tr '\0' '[' >"$work/deep.yaml"
exits 'half a MiB of brackets' 1 "$work/deep.yaml"
says 'brackets are too deep' '[too-deep]'
exits 'standard input' 0 /dev/stdin <"$work/good.yaml"

for kernel in 6.1 6.12 6.18 7.2; do
	for file in "$root"/contrib/examples/*.yaml; do
		exits "$(basename "$file") passes --strict on $kernel" 0 --strict --kernel $kernel "$file"
	done
done

refuses 'check without a file' 'needs a FILE'
refuses 'an option that is none' '--nonsense' --nonsense "$work/good.yaml"
refuses 'a kernel that is none' '6.12' --kernel nine "$work/good.yaml"
refuses 'a kernel before all that are modelled' 'profiles' --kernel 2.6.32 "$work/good.yaml"
"$tcptimer" policy >"$work/out" 2>"$work/err"
[ $? -eq 2 ] && grep -q '^  check ' "$work/err" && [ ! -s "$work/out" ]
verdict $? 'policy alone lists its subcommand'
"$tcptimer" policy frobnicate >"$work/out" 2>"$work/err"
[ $? -eq 2 ] && grep -q "no subcommand 'frobnicate'" "$work/err"
verdict $? 'a subcommand that is none'
"$tcptimer" policy check -h | grep -q -- '--strict'
verdict $? 'help tells the options'

for file in good warns bad rto_max escape; do
	"$tcptimer" policy check --json --kernel 6.12 "$work/$file.yaml"
done >"$work/json"
"$tcptimer" policy check --json --kernel 6.6.40 "$work/warns.yaml" "$work/none.yaml" >>"$work/json"
"$tcptimer" policy check --json "$root"/contrib/examples/*.yaml >>"$work/json"
/usr/bin/python3 "$root/tests/system/validate.py" "$root/contrib/schema/policy-check.schema.json" <"$work/json"
verdict $? 'JSON fits its schema'
check --json --kernel 6.12 "$work/warns.yaml"
jq -e '.rules == 1 and .errors == 0 and .warnings == 1 and .notes == 1 and
	(.findings[0] | .code == "user-timeout-below-keepalive-idle" and .line == 6 and .column == 21 and
	.rule == "warns" and .evidence.with.limit == "TCP_USER_TIMEOUT" and
	.evidence.with.deadline_ms < .evidence.without.deadline_ms)' "$work/out" >/dev/null
verdict $? 'JSON says what the text says'
check --json --strict --kernel 6.12 "$work/warns.yaml"
[ $? -eq 1 ]
verdict $? 'JSON has the same exit status'

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
