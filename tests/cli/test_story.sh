#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# test_story.sh TCPTIMER: the README's two-minute story, its commands word for word, and what they show.
# Runs in a network namespace, with a socket and pins of its own.
set -u
tcptimer=$1
here=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
passed=0 failed=0

check() { # WHAT COMMAND…
	what=$1
	shift
	if "$@" >/dev/null 2>&1; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAILED: $what"
	fi
}

cleanup() {
	"$tcptimer" policy clear --pin-dir "$TCPTIMER_PIN_DIR" >/dev/null 2>&1
	for pid in $(cat "$work/pids" 2>/dev/null); do
		kill "$pid" 2>/dev/null
	done
	ip netns del tcptimer-peer 2>/dev/null
	[ -z "${cgroup:-}" ] || rmdir "$cgroup" 2>/dev/null
	[ -z "${mounted:-}" ] || umount "$mounted" 2>/dev/null
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

[ -x "$tcptimer" ] || { echo "0 passed, 1 failed"; exit 1; }
mountpoint -q /sys/fs/bpf || mount -t bpf bpf /sys/fs/bpf
cgroup=$(findmnt -nt cgroup2 -o TARGET | head -n 1)
if [ -z "$cgroup" ]; then
	mounted=$work/cgroup cgroup=$work/cgroup
	mkdir "$mounted" && mount -t cgroup2 tcptimer-test "$mounted"
fi
cgroup=$cgroup/tcptimer-demo
export TCPTIMER_SOCKET="$work/ctl.sock" TCPTIMER_PIN_DIR="/sys/fs/bpf/tcptimer-test-story-$$"

# The commands stand between these two lines of the README, in a block of code.
sed -n '/^<!-- story -->$/,/^<!-- end of the story -->$/p' "$here/README.md" |
	sed -n '/^```sh$/,/^```$/p' | grep -v '^```' | sed 's/sudo //g' >"$work/story"
cat >>"$work/story" <<'END'
for job in $(jobs -p); do echo "$job"; done >"$STORY_PIDS"
END
check "the README has the story" grep -q 'tcptimer daemon' "$work/story"
(cd "$here" && STORY_PIDS="$work/pids" timeout 150 unshare --net bash "$work/story") >"$work/out" 2>&1

count() { # N PATTERN: that many lines have it
	[ "$(grep -c "$2" "$work/out")" -eq "$1" ]
}
check "the daemon runs" grep -q 'policy .* is in force' "$work/out"
check "trace announces the end, twice" count 2 'retransmission 1, .*ends in .* (policy)$'
check "the application gets ETIMEDOUT, twice" count 2 'Connection timed out'
check "trace names the policy and its rule, twice" count 2 'ended by policy: .*rule demo'
check "policy show counts one" grep -Eq '^demo +enforce +1 .* 1$' "$work/out"
check "and, after kill -9 of the daemon, two" grep -Eq '^demo +enforce +2 .* 2$' "$work/out"
check "policy clear says so" grep -q 'nothing is attached' "$work/out"
check "no pin is left" test ! -e "$TCPTIMER_PIN_DIR"
if [ "$failed" -ne 0 ]; then
	echo "what the story printed:"
	tail -n 60 "$work/out"
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
