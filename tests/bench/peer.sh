#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# peer.sh COMMAND…: becomes COMMAND, which is bpftrace or one of bcc's tools, in a mount namespace of its own
# with what those look for and this host may lack: debugfs with tracefs in it, and a kernel's headers. The
# headers are those of the running kernel if there are any, else the newest of the distribution: enough for
# programs that read tracepoints' arguments only.
set -eu
[ "${1:-}" != inside ] || {
	shift
	cd /sys/kernel/debug
	[ -d tracing/events ] || mount -t debugfs debugfs .
	[ -d tracing/events ] || mount -t tracefs tracefs tracing
	modules=/lib/modules/$(uname -r)
	arch=$(dpkg --print-architecture 2>/dev/null || true)
	headers=$(ls -d /usr/src/linux-headers-*-"$arch" 2>/dev/null | tail -1)
	if ! [ -e "$modules/build" ] && [ -n "$headers" ]; then
		mount -t tmpfs tmpfs /lib/modules
		mkdir "$modules"
		ln -s "$headers" "$modules/build"
		ln -s "${headers%-"$arch"}-common" "$modules/source" # Debian's two halves
	fi
	# In the background a shell has ignored the interrupt, and Python would go on doing so.
	exec env --default-signal=INT "$@"
}
exec unshare --mount sh "$0" inside "$@"
