#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# fetch.sh: prints a directory with promtool and prometheus: the installed ones, else the distribution's
# package, unpacked to $TCPTIMER_CACHE/prometheus and kept. Not installed: that would start a server.
set -eu
if promtool=$(command -v promtool) && [ -x "${promtool%/*}/prometheus" ]; then
	echo "${promtool%/*}"
	exit 0
fi
cache=${TCPTIMER_CACHE:-/var/cache/tcptimer-test}
dir=$cache/prometheus/usr/bin
if [ ! -x "$dir/promtool" ]; then
	mkdir -p "$cache"
	work=$(mktemp -d "$cache/.fetch-prometheus.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	trap 'exit 130' INT TERM HUP
	cd "$work"
	if ! apt-get -q -o APT::Sandbox::User=root download prometheus >log 2>&1; then
		apt-get -q -o DPkg::Lock::Timeout=120 update >>log 2>&1 || true
		apt-get -q -o APT::Sandbox::User=root download prometheus >>log 2>&1 || {
			sed -n 's/^E: /fetch.sh: prometheus: /p' log >&2
			exit 1
		}
	fi
	dpkg-deb -x prometheus_*.deb tree
	rm -rf "$cache/prometheus"
	mv tree "$cache/prometheus"
fi
echo "$dir"
