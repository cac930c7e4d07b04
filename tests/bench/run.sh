#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# run.sh BUILD OUT [smoke|PART...]: measures, and leaves OUT/figures.json and OUT/table.md; prints the table.
# smoke: tiny sizes. PART: only tests/bench/PART.sh. Each part prints one JSON object a figure.
set -u
build=$1 out=$2
shift 2
here=$(dirname "$0")
BENCH_SMOKE=
[ "${1:-}" != smoke ] || { BENCH_SMOKE=1; shift; }
export BENCH_SMOKE
parts=${*:-engine snapshot overhead policy events}
mkdir -p "$out"
: >"$out/figures.jsonl"
status=0
for part in $parts; do
	echo "bench: $part, load $(cut -d' ' -f1 /proc/loadavg)" >&2
	sh "$here/$part.sh" "$build" >"$out/$part.jsonl" || { echo "bench: $part failed" >&2; status=1; }
	jq -c --arg load "$(cut -d' ' -f1 /proc/loadavg)" '. + {load: ($load | tonumber)}' \
		<"$out/$part.jsonl" >>"$out/figures.jsonl" || status=1
	[ -s "$out/$part.jsonl" ] || { echo "bench: $part gave no figure" >&2; status=1; }
done
sh "$here/table.sh" "$out/figures.jsonl" "$out/figures.json" >"$out/table.md" || status=1
cat "$out/table.md"
exit $status
