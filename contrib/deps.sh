#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Makes sure that what tcptimer is built, shown and tested with is on this machine.
# Receives groups: deps.sh [--check] build|demo|test|package|kubernetes|bench|peers...; installs missing Debian packages by
# name. `deps.sh --packages GROUP` lists a group's, for debian/control.
# Silent with status 0 when nothing is missing; 1 when something is and could not be installed.
set -eu

# bpftool and ip live in sbin, which an ordinary user's PATH lacks.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

# groups | Debian package | how it is found | what it is
# found by: cmd COMMAND..., header FILE below /usr/include, pc PKG-CONFIG-EXPRESSION, py PYTHON-MODULE,
#           clang-rt LIBRARY
table() {
	arch=$(dpkg --print-architecture 2>/dev/null || uname -m)
	cat <<TABLE
build|gcc|cmd gcc|the C compiler gcc
build|libc6-dev|header stdio.h|the C library's headers
build|make|cmd make|GNU make
build|clang|cmd clang|the C compiler clang, with its BPF target
build|llvm|cmd llvm-strip|the LLVM binary tools (llvm-strip)
build|bpftool|cmd bpftool|bpftool
build|pkg-config|cmd pkg-config|pkg-config
build|libbpf-dev|pc libbpf >= 1.1|the libbpf development headers (1.1 or newer)
build|libelf-dev|pc libelf|the libelf development headers
build|zlib1g-dev|pc zlib|the zlib development headers
build|libjson-c-dev|pc json-c|the json-c development headers
build|libcyaml-dev|pc libcyaml|the libcyaml development headers
build|libyaml-dev|pc yaml-0.1|the libyaml development headers
build|libsystemd-dev|pc libsystemd|the libsystemd development headers
build|libseccomp-dev|pc libseccomp|the libseccomp development headers
build|libcap-dev|pc libcap|the libcap development headers
build|libmd-dev|pc libmd|the libmd development headers
build|libncurses-dev|pc ncursesw|the ncurses development headers
build|libmicrohttpd-dev|pc libmicrohttpd|the libmicrohttpd development headers
demo,test,bench|iproute2|cmd ip ss|the iproute2 commands ip and ss
test,package|libcmocka-dev|pc cmocka|the cmocka development headers
test|python3|cmd /usr/bin/python3|Python 3
test|python3-jsonschema|py jsonschema|the Python module jsonschema
test,bench|jq|cmd jq|jq
test|mandoc|cmd mandoc|mandoc
test,package|systemd|cmd systemd-analyze|systemd-analyze, for the unit
test|tmux|cmd tmux|tmux, for the live screen
test|curl|cmd curl|curl
test,bench|procps|cmd ps sysctl|the procps commands ps and sysctl
test|clang-format|cmd clang-format|clang-format
test|qemu-system-x86|cmd qemu-system-x86_64|the emulator qemu-system-x86_64, for the guests
test|cpio|cmd cpio|cpio, for the guests' file system
test|xz-utils|cmd xz|xz, for the guests' modules
test|zstd|cmd zstd|zstd, for the guests' modules
test|kmod|cmd insmod|kmod, for the guest with systemd
bench|valgrind|cmd valgrind|valgrind, which counts instructions
peers|bpftrace|cmd bpftrace|bpftrace, a peer
peers|bpfcc-tools|cmd tcpretrans-bpfcc|bcc's tools, peers
peers|linux-headers-$arch|kernel-headers|a kernel's headers, for bcc's tools
test|libclang-rt-dev|clang-rt fuzzer|clang's runtime libraries (libFuzzer and the sanitizers)
package|debhelper|cmd dh|debhelper
package|dpkg-dev|cmd dpkg-buildpackage|the dpkg development tools
package|lintian|cmd lintian|lintian
kubernetes|kubernetes-client|cmd kubectl|kubectl, for kustomize
kubernetes|npm|cmd npm node|npm and node, for the Kubernetes schemas
kubernetes|python3-yaml|py yaml|the Python module yaml
TABLE
}

say() {
	echo "tcptimer: $*"
}

# present KIND WHAT...
present() {
	kind=$1
	shift
	case $kind in
	cmd)
		for command; do
			command -v "$command" >/dev/null || return 1
		done
		;;
	header) [ -e "/usr/include/$1" ] ;;
	pc) pkg-config --exists "$*" 2>/dev/null ;;
	py)
		/usr/bin/python3 -c 'import importlib.util as util, sys
sys.exit(util.find_spec(sys.argv[1]) is None)' "$1" 2>/dev/null
		;;
	kernel-headers)
		[ -e "/lib/modules/$(uname -r)/build" ] || ls -d /usr/src/linux-headers-* >/dev/null 2>&1
		;;
	clang-rt)
		ls "$(clang -print-resource-dir 2>/dev/null)"/lib/*/libclang_rt."$1"*.a >/dev/null 2>&1
		;;
	esac
}

# Sets missing_packages ("a b") and missing_roles ("one, two") for the groups given.
find_missing() {
	missing_packages=
	missing_roles=
	while IFS='|' read -r row_groups package how role; do
		for group; do
			case ",$row_groups," in
			*",$group,"*) ;;
			*) continue ;;
			esac
			# shellcheck disable=SC2086
			if ! present $how </dev/null; then
				missing_packages="$missing_packages${missing_packages:+ }$package"
				missing_roles="$missing_roles${missing_roles:+, }$role"
			fi
			break
		done
	done <<ROWS
$(table)
ROWS
}

apt() {
	DEBIAN_FRONTEND=noninteractive apt-get -y -q -o DPkg::Lock::Timeout=120 "$@" </dev/null 2>&1
}

usage() {
	echo "usage: deps.sh [--check|--packages] build|demo|test|package|kubernetes|bench|peers..." >&2
	exit 2
}

check_only= list_only=
case ${1-} in
--check)
	check_only=yes
	shift
	;;
--packages)
	list_only=yes
	shift
	;;
esac
[ $# -gt 0 ] || usage
for group; do
	case $group in
	build | demo | test | package | kubernetes | bench | peers) ;;
	*) usage ;;
	esac
done

if [ -n "$list_only" ]; then
	table | awk -F'|' -v group="$1" 'index("," $1 ",", "," group ",") { print $2 }'
	exit 0
fi
find_missing "$@"
[ -n "$missing_packages" ] || exit 0

if [ -n "$check_only" ] || ! command -v apt-get >/dev/null; then
	say "missing: $missing_roles" >&2
	exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
	say "missing: $missing_roles" >&2
	say "to install: sudo apt-get install --no-install-recommends $missing_packages" >&2
	exit 1
fi

say "installing: $missing_packages"
# A stale package list may still do: only the installation decides.
update_log=$(apt update) || true
# shellcheck disable=SC2086
if ! install_log=$(apt --no-install-recommends install $missing_packages); then
	reason=$(printf '%s\n%s\n' "$update_log" "$install_log" | sed -n 's/^E: //p' | tail -n 1)
	say "apt-get could not install $missing_packages: ${reason:-no reason given}" >&2
	exit 1
fi
find_missing "$@"
if [ -n "$missing_packages" ]; then
	say "installed, but still not found: $missing_roles" >&2
	exit 1
fi
