#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# docs.sh BUILD: man pages lint clean; every command has a page and every page a command.
set -u
build=$1
passed=0 failed=0
check() { # check NAME COMMAND…
	name=$1
	shift
	if out=$("$@" 2>&1) && [ -z "$out" ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		printf '%s: failed\n%s\n' "$name" "$out"
	fi
}
for page in man/*.[158]; do
	check "mandoc -Tlint $page" mandoc -Tlint -W warning "$page"
done
for command in $("$build/tcptimer" help | sed -n 's/^  \([a-z]*\) .*/\1/p'); do
	check "a page for $command" test -f "man/tcptimer-$command.8"
	check "$command in tcptimer(8)" grep -q "^\.It Xr tcptimer-$command 8\|^\.Xr tcptimer-$command 8\|Ic $command" man/tcptimer.8
done
# what the BPF programs and the engine share is C for both
for header in model policy_match; do
	check "$header.h is C for the BPF target" ${CLANG:-clang} -target bpf -mcpu=v3 -Wall -Wextra -Werror -Wno-unused-function -fsyntax-only \
		-include bpf/kernel.h -Iinclude -x c include/tcptimer/$header.h
done
# make install puts everything in its place, and nothing outside
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT INT TERM
make -s install DESTDIR="$root" PREFIX=/usr >/dev/null 2>&1
for file in sbin/tcptimer lib/libtcptimer.a lib/pkgconfig/tcptimer.pc include/tcptimer/engine.h \
	share/man/man8/tcptimer.8 share/tcptimer/schema/list.schema.json share/bash-completion/completions/tcptimer; do
	check "installs $file" test -f "$root/usr/$file"
done
check "installs only below PREFIX" test "$(ls "$root")" = usr
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
