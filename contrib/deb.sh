#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# deb.sh DIRECTORY VERSION: builds the Debian packages of this tree there.
# Receives the tree and contrib/debian; hands on DIRECTORY/*.deb, *.dsc and *.changes.
set -eu
dir=$1 version=$2
named=$(dpkg-parsechangelog -l contrib/debian/changelog -S Version)
if [ "$named" != "$version" ]; then
	echo "deb.sh: contrib/debian/changelog says $named, the Makefile $version: add an entry" >&2
	exit 1
fi
tree=$dir/tcptimer-$version
rm -rf "$dir"
mkdir -p "$tree"
tree=$(cd "$tree" && pwd)
trap 'rm -rf "$tree"' EXIT
trap 'exit 130' INT TERM HUP
# What git knows of or would, as it is now; elsewhere (a tarball) everything but what was built.
if files=$(git ls-files -co --exclude-standard 2>/dev/null) && [ -n "$files" ]; then
	git ls-files -co --exclude-standard | while IFS= read -r file; do
		[ ! -e "$file" ] || printf '%s\n' "$file"
	done | tar -c --verbatim-files-from -T - | tar -x -C "$tree"
else
	tar -c --exclude-vcs --exclude="./${dir%%/*}" . | tar -x -C "$tree"
fi
cp -R contrib/debian "$tree/debian"
# One list of what a build takes: that of deps.sh, less what every Debian build has.
sh contrib/deps.sh --packages build | grep -vxE 'gcc|make|libc6-dev' | sed 's/^/ /; s/$/,/' >"$dir/build-depends"
sed -e "/@BUILD_DEPENDS@/{r $dir/build-depends" -e 'd}' contrib/debian/control >"$tree/debian/control"
rm -f "$dir/build-depends"
# The variables of the make that runs this are not the package's.
cd "$tree"
env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL -u CI dpkg-buildpackage -us -uc -ui
