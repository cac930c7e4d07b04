#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# fetch.sh NAME SUITE: the suite's kernel, through the machine's own package source, unpacked to
# $TCPTIMER_CACHE/NAME/{vmlinuz,modules/,version}. Prints that directory. Fetched once, then kept.
set -eu
name=$1 suite=$2
cache=${TCPTIMER_CACHE:-/var/cache/tcptimer-test}
dir=$cache/$name
if [ -f "$dir/version" ]; then
	echo "$dir"
	exit 0
fi
work=$cache/.fetch-$name.$$
mkdir -p "$work/parts" "$work/lists/partial" "$work/archives/partial" "$work/tree"
trap 'rm -rf "$work"' EXIT INT TERM

# The machine's own package source with another suite: the first stanza or line of the main archive.
sources=$(ls /etc/apt/sources.list.d/*.sources 2>/dev/null | head -n 1 || true)
if [ -n "$sources" ]; then
	awk 'BEGIN { RS = ""; ORS = "\n" } NR == 1' "$sources" |
		sed "s/^Suites:.*/Suites: $suite/" >"$work/parts/guest.sources"
elif grep -q '^deb ' /etc/apt/sources.list 2>/dev/null; then
	awk -v suite="$suite" '$1 == "deb" { i = $2 ~ /^\[/ ? 4 : 3; $i = suite; print; exit }' \
		/etc/apt/sources.list >"$work/parts/guest.list"
else
	echo "fetch.sh: no apt source of this machine to take $suite from" >&2
	exit 1
fi
apt() { # apt-get or apt-cache with lists of its own; the machine's stay as they are
	tool=$1
	shift
	"$tool" -q -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$work/parts" \
		-o Dir::State::lists="$work/lists" -o Dir::Cache::archives="$work/archives" \
		-o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o APT::Sandbox::User=root "$@"
}
apt apt-get update >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }

# linux-image-amd64 depends on the real image; a newer one splits it into binary and modules.
arch=$(dpkg --print-architecture)
packages=$(apt apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts \
	--no-breaks --no-replaces --no-enhances "linux-image-$arch" |
	sed -n 's/^\(linux-\(image\|binary\|modules\)-[0-9].*\)$/\1/p' | sort -u)
[ -n "$packages" ] || { echo "fetch.sh: $suite has no linux-image-$arch" >&2; exit 1; }
# shellcheck disable=SC2086
(cd "$work" && apt apt-get download $packages >>"$work/log" 2>&1) || { cat "$work/log" >&2; exit 1; }
for deb in "$work"/*.deb; do
	dpkg-deb -x "$deb" "$work/tree"
done
kernel=$(ls "$work"/tree/boot/vmlinuz-* "$work"/tree/usr/lib/modules/*/vmlinuz 2>/dev/null | head -n 1)
modules=$(ls -d "$work"/tree/lib/modules/* "$work"/tree/usr/lib/modules/* 2>/dev/null | head -n 1)
[ -n "$kernel" ] && [ -n "$modules" ] || { echo "fetch.sh: no kernel in $packages" >&2; exit 1; }
rm -rf "$dir"
mkdir -p "$dir/modules"
cp "$kernel" "$dir/vmlinuz"
# What the guests use, found by name: the rest stays out.
for m in tun veth; do
	find "$modules" -name "$m.ko*" -exec cp {} "$dir/modules/" \;
done
for f in "$dir"/modules/*; do
	case $f in
	*.xz) xz -d "$f" ;;
	*.zst) zstd -q --rm -d "$f" ;;
	*.gz) gzip -d "$f" ;;
	esac
done
basename "$modules" >"$dir/version"
echo "$dir"
