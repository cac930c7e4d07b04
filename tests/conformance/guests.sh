#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# guests.sh BUILD OUT [ARGUMENT…]: runs BUILD/conformance in a guest of each kernel in
# tests/guest/kernels, two at a time, with the arguments; leaves OUT/NAME.json and OUT/NAME.log, and
# merges these with OUT/host.json, if there, into OUT/table.md and OUT/table.json.
# A kernel that can't be had is reported; with CI=true it fails.
set -eu
build=$1 out=$2
shift 2
here=$(dirname "$0")
guest=$here/../guest
mkdir -p "$out"
rm -f "$out"/*.rc "$out"/*.missing
begin=$(date +%s)

one() { # NAME SUITE ARGUMENT…
	name=$1 suite=$2
	shift 2
	if ! dir=$(sh "$guest/fetch.sh" "$name" "$suite" 2>"$out/$name.log"); then
		: >"$out/$name.missing"
		return
	fi
	rc=0
	sh "$guest/run.sh" "$dir" "$build/guest-init" 420 "$build/conformance" -- \
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
files=
[ ! -s "$out/host.json" ] || files=$out/host.json
for name in $names; do
	if [ -e "$out/$name.missing" ]; then
		echo "guests.sh: the kernel of $name can't be had:"
		sed 's/^/    /' "$out/$name.log" | tail -n 5
		[ "${CI:-}" != true ] || status=1
		continue
	fi
	if [ "$(cat "$out/$name.rc")" -ne 0 ]; then
		status=1
		echo "== $name"
		sed -n '/^[^ ].*: .*$/,$p' "$out/$name.log" | grep -v ' passed \| skipped ' || true
	fi
	if [ -s "$out/$name.json" ]; then
		files="$files $out/$name.json"
	else
		status=1
		echo "guests.sh: no result of $name:"
		tail -n 15 "$out/$name.log"
	fi
done
if [ -n "$files" ]; then
	# shellcheck disable=SC2086
	"$build/conformance" --merge --json "$out/table.json" --markdown "$out/table.md" $files >"$out/table.txt" || status=1
	grep -v '^.\{58\} *\(-\{0,1\}[0-9]\|lacks\)' "$out/table.txt" || true
fi
echo "guests.sh: $(($(date +%s) - begin)) s"
[ ! -s "$out/table.txt" ] || tail -n 1 "$out/table.txt"
exit "$status"
