#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# doctor.sh BUILD OUT: `tcptimer doctor` in a guest of each kernel in tests/guest/kernels: every program
# passes that kernel's verifier and attaches, but for those that the kernel is too old for.
# A kernel that can't be had is reported; with CI=true it fails.
set -u
build=$1 out=$2
here=$(dirname "$0")
mkdir -p "$out"
passed=0 failed=0

one() { # NAME SUITE
	dir=$(sh "$here/fetch.sh" "$1" "$2" 2>"$out/$1.doctor") || return 0
	sh "$here/run.sh" "$dir" "$build/guest-init" 300 "$build/tcptimer" -- /bin/tcptimer doctor \
		>"$out/$1.doctor" 2>&1
	echo "ended: $?" >>"$out/$1.doctor"
}

names=
before=
while read -r name suite _; do
	case $name in '' | '#'*) continue ;; esac
	names="$names $name"
	one "$name" "$suite" </dev/null &
	[ -z "$before" ] || wait "$before" # two at a time
	before=$!
done <"$here/kernels"
wait

for name in $names; do
	if ! grep -q '^ended: ' "$out/$name.doctor"; then
		echo "doctor.sh: the kernel of $name can't be had"
		[ "${CI:-}" != true ] || failed=$((failed + 1))
	# bpf_sock_destroy() is of 6.5: `kill` has another way before. bpf_rdonly_cast() is of 6.2: `list
	# --stalled` has the iterator before.
	elif grep -q 'and `daemon` can run\.$' "$out/$name.doctor" && grep -q '^ended: 0$' "$out/$name.doctor" &&
		! grep '^\(warn\|FAIL\)' "$out/$name.doctor" |
			grep -qv "^warn \(policy settings\|$([ "$name" = 6.1 ] && echo 'destroy_chosen\|walk_table')\) "; then
		echo "ok   $name: $(grep -c '^ok' "$out/$name.doctor") checks"
		passed=$((passed + 1))
	else
		echo "FAIL $name"
		grep -v '^ok' "$out/$name.doctor" | tail -n 40
		failed=$((failed + 1))
	fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
