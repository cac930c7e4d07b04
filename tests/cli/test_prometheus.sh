#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# test_prometheus.sh: alert and recording rules as promtool sees them, their unit tests, and every query
# of the dashboard against a Prometheus on loopback. Needs no privilege once it is fetched.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
rules="$root/contrib/prometheus/tcptimer.rules.yml $root/contrib/prometheus/tcptimer.alerts.yml"
bin=$(sh "$root/tests/prometheus/fetch.sh") || {
	echo "[  SKIPPED ] prometheus: no promtool could be had"
	[ -z "${CI:-}" ]
	exit
}
passed=0 failed=0
work=$(mktemp -d)
child=
trap '[ -z "$child" ] || { kill "$child" 2>/dev/null; wait "$child" 2>/dev/null; }; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP

check() { # check NAME COMMAND…
	name=$1
	shift
	if "$@" >"$work/out" 2>&1; then
		passed=$((passed + 1))
		echo "ok $name"
	else
		failed=$((failed + 1))
		echo "not ok $name"
		sed 's/^/  /' "$work/out"
	fi
}
# shellcheck disable=SC2086
cp $rules "$root/contrib/prometheus/prometheus.yml" "$root/tests/prometheus/alerts.test.yml" "$work/"
# shellcheck disable=SC2086
check "promtool accepts the rules" "$bin/promtool" check rules $rules
check "promtool accepts the configuration" "$bin/promtool" check config "$work/prometheus.yml"
check "promtool's unit tests of the rules" "$bin/promtool" test rules "$work/alerts.test.yml"
sed -n "s|^ *- alert: ||p" "$root/contrib/prometheus/tcptimer.alerts.yml" >"$work/alerts"
while read -r alert; do
	# `alertname: NAME` at the end of a line is a test with the words that come with it.
	check "$alert is tested to fire" grep -q "alertname: $alert\$" "$work/alerts.test.yml"
done <"$work/alerts"
# shellcheck disable=SC2086
/usr/bin/python3 -B "$root/tests/prometheus/dashboard.py" "$bin/prometheus" "$root/contrib/grafana/tcptimer.json" \
	$rules &
child=$!
wait "$child"
status=$?
child=
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$status" -eq 0 ]
