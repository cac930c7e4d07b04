#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# all.sh BUILD OUT ARGUMENT…: conformance on this host with short settings, then in every guest with
# default and other settings (hours of theirs), each with the arguments; and the merged table.
# Leaves OUT/table.{txt,md,json}, OUT/full.md, the runs' logs, and snapshots of disagreements.
set -u
build=$1 out=$2
shift 2
here=$(dirname "$0")
rm -rf "$out"
mkdir -p "$out"
status=0
begin=$(date +%s)
echo "conformance: this host, then guests; $*"
timeout 300 "$build/conformance" --json "$out/host.json" "$@" >"$out/host.log" 2>&1 || status=1
# what passed need not be listed
grep -v '^.\{58\} passed \|^[0-9]* passed, ' "$out/host.log" | tail -n 80
echo "$out/host.json" >"$out/runs"
echo "conformance: $(($(date +%s) - begin)) s on this host"
sh "$here/guests.sh" "$build" "$out" "$@" || status=1
# shellcheck disable=SC2046
"$build/conformance" --merge --json "$out/table.json" --markdown "$out/table.md" --snapshots "$out" \
	$(cat "$out/runs") >"$out/table.txt" 2>&1 || status=1
"$build/conformance" --merge --all --markdown "$out/full.md" $(cat "$out/runs") >/dev/null 2>&1
# scenarios on which all agree need not be listed either
grep -v '^.\{58\}  *\(-\{0,1\}[0-9]\|lacks\)' "$out/table.txt" | grep -v '^[0-9]* passed, ' || true
grep 'FAILED' "$out/table.txt" || true
echo "conformance: $(($(date +%s) - begin)) s in all"
tail -n 1 "$out/table.txt"
exit "$status"
