#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# guests.sh BUILD OUT [ARGUMENT…]: runs BUILD/conformance in a guest of each kernel in
# tests/guest/kernels, two at a time, with the arguments. Leaves OUT/NAME.json and OUT/NAME.log, and
# adds to OUT/runs each JSON file that there has to be.
# A kernel that can't be had is reported; with CI=true it fails.
set -eu
build=$1 out=$2
shift 2
here=$(dirname "$0")
guest=$here/../guest
limit=420 # seconds of real time; two at a time, so that all come to no more than a quarter of an hour
begin=$(date +%s)

one() { # NAME SUITE ARGUMENT…
	name=$1 suite=$2
	shift 2
	if ! dir=$(sh "$guest/fetch.sh" "$name" "$suite" 2>"$out/$name.log"); then
		: >"$out/$name.missing"
		return
	fi
	rc=0
	sh "$guest/run.sh" "$dir" "$build/guest-init" "$limit" "$build/conformance" -- \
		/bin/conformance --json - "$@" >"$out/$name.console" 2>&1 || rc=$?
	sed -n 's/^@conformance //p' "$out/$name.console" >"$out/$name.json"
	sed '/^@conformance /d' "$out/$name.console" >"$out/$name.log"
	rm -f "$out/$name.console"
	echo "$rc" >"$out/$name.rc"
}

names=
before=
while read -r name suite _; do
	case $name in '' | '#'*) continue ;; esac
	names="$names $name"
	one "$name" "$suite" "$@" </dev/null &
	[ -z "$before" ] || wait "$before" || true # two at a time
	before=$!
done <"$guest/kernels"
wait

status=0
for name in $names; do
	if [ -e "$out/$name.missing" ]; then
		echo "guests.sh: the kernel of $name can't be had:"
		tail -n 5 "$out/$name.log" | sed 's/^/    /'
		[ "${CI:-}" != true ] || status=1
		[ "${CI:-}" != true ] || echo "$out/$name.json" >>"$out/runs"
		continue
	fi
	echo "$out/$name.json" >>"$out/runs"
	echo "== $name"
	if [ "$(cat "$out/$name.rc")" -ne 0 ]; then
		status=1
		grep -v '^.\{58\} \(passed\|skipped\) ' "$out/$name.log" | tail -n 200
	else
		sed -n '/^kernel /,/^[0-9]* skipped/p' "$out/$name.log"
	fi
done
echo "guests.sh: $(($(date +%s) - begin)) s"
exit "$status"
