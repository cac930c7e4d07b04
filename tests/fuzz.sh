#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# fuzz.sh DIR SECONDS TARGET…: each libFuzzer target for a while; what it finds stays in DIR/corpus.
# FUZZ_LONG: names of targets that run FUZZ_LONG_SECONDS (default 60), since outsiders feed them.
set -u
dir=$1 default=$2
shift 2
passed=0 failed=0
for t in "$@"; do
	name=$(basename "$t") seconds=$default
	case " ${FUZZ_LONG:-} " in
	*" $name "*) seconds=${FUZZ_LONG_SECONDS:-60} ;;
	esac
	mkdir -p "$dir/corpus/$name"
	seeds=tests/fuzz/seeds/$name
	[ -d "$seeds" ] || seeds=
	echo "== $name, ${seconds}s"
	# shellcheck disable=SC2086
	if "$t" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
		-artifact_prefix="$dir/$name-" "$dir/corpus/$name" $seeds >"$dir/$name.log" 2>&1; then
		passed=$((passed + 1))
		grep -E 'number_of_executed_units' "$dir/$name.log"
	else
		failed=$((failed + 1))
		tail -40 "$dir/$name.log"
	fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
