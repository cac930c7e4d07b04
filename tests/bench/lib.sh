# SPDX-License-Identifier: GPL-2.0-or-later
# For the parts of the benchmark: a directory that goes away also when killed, sockets that are held, rounds.
here=$(dirname "$0")
work=$(mktemp -d)
id=tcptimer-bench-$$
held=
finish=
cleanup() {
	[ -z "$finish" ] || $finish
	release
	rm -rf "$work"
}
hold() { # hold SOCKETS NAMESPACES STALLED: sets $pids, one a namespace
	mkfifo "$work/hold.in" "$work/hold.out"
	"$build/bench/bench_hold" "$@" <"$work/hold.in" >"$work/hold.out" &
	held=$!
	exec 8>"$work/hold.in"
	read -r word pids <"$work/hold.out" && [ "$word" = ready ] ||
		{ echo "bench: $1 sockets could not be held" >&2; exit 1; }
}
release() {
	[ -n "$held" ] || return 0
	exec 8>&-
	wait "$held" 2>/dev/null
	held=
	rm -f "$work/hold.in" "$work/hold.out"
}
smoke() { [ -n "${BENCH_SMOKE:-}" ]; }
trap cleanup EXIT
trap 'exit 130' INT TERM HUP
