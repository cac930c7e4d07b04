#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# all.sh BUILD OUT ARGUMENT…: conformance on this host with short settings, then in every guest with
# default and other settings and those drawn at random (hours of theirs), and the merged table. A host whose kernel skips BPF programs now and
# then (the run says so: "nothing is proven") gets up to three tries; a disagreement gets none.
set -u
build=$1 out=$2
shift 2
mkdir -p "$out"
try=1
while :; do
	"$build/conformance" --json "$out/host.json" --snapshots "$out" >"$out/host.log" 2>&1
	status=$?
	[ "$status" -ne 0 ] && [ "$try" -lt 3 ] && grep -q 'nothing is proven' "$out/host.log" || break
	echo "conformance: the kernel kept events back in run $try; again"
	try=$((try + 1))
done
grep -v ' passed$' "$out/host.log" | tail -n 60
sh "$(dirname "$0")/guests.sh" "$build" "$out" "$@" || status=1
exit "$status"
