#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# test_package.sh DIRECTORY: the Debian packages there: lint, what they install, upgrade, removal with a
# policy in force, purge. In a throwaway copy of this system (an overlay over /, with a bpffs and a /run
# of its own) in mount and pid namespaces of its own: nothing of it is seen outside, nothing stays.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
here=$(cd "$(dirname "$0")" && pwd)/$(basename "$0")
PATH=$PATH:/usr/sbin:/sbin
passed=0 failed=0

skip() {
	echo "[  SKIPPED ] package: $1"
	[ -z "${CI:-}" ]
	exit
}

# ---- outside: a place to work, and the namespaces ----
if [ "${1-}" != --inside ]; then
	debs=$(cd "${1:?usage: test_package.sh DIRECTORY}" && pwd)
	[ "$(id -u)" = 0 ] || skip "needs root"
	mount=$(sed -n 's/^[^ ]* \([^ ]*\) cgroup2 .*/\1/p' /proc/mounts | head -n 1)
	[ -n "$mount" ] || skip "no cgroup2 is mounted"
	work=$(mktemp -d)
	cgroup=tcptimer-test-package-$$
	child=
	# With the pid namespace's first process all others in it end, and with them its mounts.
	trap '[ -z "$child" ] || { kill -9 "$child" 2>/dev/null; wait "$child" 2>/dev/null; }
		rmdir "$mount/$cgroup" 2>/dev/null; rm -rf "$work"' EXIT
	trap 'exit 130' INT TERM HUP
	mkdir "$mount/$cgroup" || skip "no cgroup can be made"
	unshare --mount --propagation private --pid --fork --kill-child -- \
		sh "$here" --inside "$debs" "$work" "$cgroup" "$mount" &
	child=$!
	wait "$child"
	status=$?
	child=
	exit "$status"
fi
debs=$2 work=$3 cgroup=$4 mount=$5

verdict() { # verdict STATUS NAME
	if [ "$1" -eq 0 ]; then
		passed=$((passed + 1))
		echo "ok $2"
	else
		failed=$((failed + 1))
		echo "not ok $2"
		sed 's/^/  /' "$work/out"
	fi
}
check() { # check NAME COMMAND…
	name=$1
	shift
	"$@" >"$work/out" 2>&1
	verdict $? "$name"
}
prints() { # prints PATTERN COMMAND…: it succeeds, and prints the pattern
	pattern=$1
	shift
	"$@" >"$work/said" 2>&1 && grep -q -- "$pattern" "$work/said" || { cat "$work/said"; return 1; }
}
not() {
	! "$@"
}
in_root() {
	chroot "$work/root" "$@"
}
has() { # has PATH…: files of the throwaway root, read by all and written by root only
	for path; do
		[ -e "$work/root$path" ] || { echo "$path is missing"; return 1; }
		[ "$(stat -Lc %U:%G "$work/root$path")" = root:root ] || { stat "$work/root$path"; return 1; }
	done
}
# What is there that was not before, but for dpkg's and ld.so's own; directories that the overlay
# had to make are those of the system below.
leftovers() {
	(cd "$work/upper" && find . ! -type d ! -type c ! -path './var/lib/dpkg/*' ! -path './var/log/*' \
		! -path './var/cache/*' ! -path './etc/ld.so.cache' ! -path './tmp/*'
	find . -name '*tcptimer*' ! -path './var/lib/dpkg/*' ! -path './tmp/*') | sort -u
}

# ---- inside ----
mkdir "$work/layer" "$work/root"
mount -t tmpfs tcptimer-test "$work/layer" && mkdir "$work/layer/upper" "$work/layer/work" &&
	ln -s layer/upper "$work/upper" &&
	mount -t overlay tcptimer-test -o "lowerdir=/,upperdir=$work/layer/upper,workdir=$work/layer/work" \
		"$work/root" 2>/dev/null || skip "no overlay over / can be mounted"
mount -t proc proc "$work/root/proc" && mount --rbind /sys "$work/root/sys" &&
	mount -t bpf bpf "$work/root/sys/fs/bpf" && mount -t tmpfs tcptimer-test "$work/root/run" &&
	mount --bind /dev "$work/root/dev" || skip "the throwaway root could not be furnished"
# Not what this host has of it by other ways.
rm -rf "$work/root/etc/tcptimer" "$work/root/usr/local/sbin/tcptimer"
mkdir "$work/root/tmp/debs" && cp "$debs"/*.deb "$work/root/tmp/debs/"
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 PATH
package=$(cd "$debs" && echo tcptimer_*.deb) library=$(cd "$debs" && echo libtcptimer-dev_*.deb)
version=$(dpkg-deb -f "$debs/$package" Version)
unit=$root/contrib/systemd/tcptimer.service

check "lintian finds nothing, source and packages" not prints . \
	lintian --allow-root --pedantic --display-info "$debs"/*.changes

check "the packages install" in_root dpkg -i "/tmp/debs/$package" "/tmp/debs/$library"
check "the binary runs and says the package's version" prints "^tcptimer $version\$" in_root tcptimer --version
check "files are as they were packed" in_root dpkg -V tcptimer libtcptimer-dev
check "an empty policy directory with a README" has /etc/tcptimer/policy.d/README
check "no policy comes with it" not ls "$work"/root/etc/tcptimer/*.yaml "$work"/root/etc/tcptimer/policy.d/*.yaml
for file in "$root"/man/*.[58] "$root"/contrib/schema/*.json "$root"/contrib/examples/*.yaml; do
	name=$(basename "$file")
	case $name in
	*.[58]) has "/usr/share/man/man${name##*.}/$name.gz" ;;
	*.json) has "/usr/share/tcptimer/schema/$name" ;;
	*.yaml) has "/usr/share/doc/tcptimer/examples/$name" ;;
	esac
done >"$work/out"
[ ! -s "$work/out" ]
verdict $? "pages, schemas and examples are in their places"
check "rules, dashboard and completion too" has /usr/share/tcptimer/prometheus/tcptimer.alerts.yml \
	/usr/share/tcptimer/grafana/tcptimer.json /usr/share/bash-completion/completions/tcptimer
check "an example passes the check" in_root tcptimer policy check /usr/share/tcptimer/examples/policy.yaml
if [ -f "$unit" ]; then
	service=$(in_root dpkg -L tcptimer | grep '/systemd/system/tcptimer.service$')
	check "the unit is in systemd's directory" has "$service"
	check "systemd-analyze verify has nothing to say" not prints . in_root systemd-analyze verify --man=no "$service"
	check "the unit runs the packaged binary" grep -q '^ExecStart=/usr/sbin/tcptimer ' "$work/root$service"
	check "the unit is not enabled" [ -z "$(find "$work/root/etc/systemd" -name tcptimer.service)" ]
fi

cat >"$work/root/tmp/use.c" <<'C'
#include <stdio.h>
#include <tcptimer/engine.h>

int main(void)
{
	const struct tcptimer_profile *profile = tcptimer_profile_by_name("6.12");

	return !profile || puts(profile->name) < 0;
}
C
# shellcheck disable=SC2016
check "a program builds against the library and runs" prints '^6.12$' in_root sh -c \
	'cd /tmp && gcc use.c $(pkg-config --cflags --libs tcptimer) -lm -o use && ./use'
rm -f "$work/root/tmp/use" "$work/root/tmp/use.c"

# ---- with a policy in force ----
pins=$work/root/sys/fs/bpf/tcptimer
in_force() { # the daemon comes, puts the policy in force, and is killed: what is pinned stays
	printf 'version: 1\nrules: [{name: a, match: {cgroup: ["/%s/**"]}, set: {max_retries: 5}}]\n' "$cgroup" \
		>"$work/root/etc/tcptimer/policy.yaml"
	chroot "$work/root" tcptimer daemon --cgroup "/$cgroup" >"$work/log" 2>&1 &
	daemon=$!
	for _ in $(seq 300); do
		in_root tcptimer policy show --json 2>/dev/null | grep -q '"a"' && break
		kill -0 "$daemon" 2>/dev/null || break
		sleep 0.2
	done
	kill -9 "$daemon" 2>/dev/null
	wait "$daemon" 2>/dev/null
	[ -n "$(ls "$pins" 2>/dev/null)" ] || { cat "$work/log"; return 1; }
}
attached() { # cgroup programs on the test's cgroup
	bpftool cgroup show "$mount/$cgroup" 2>/dev/null | grep -c '^[0-9]'
}
if in_root tcptimer help | grep -q '^  daemon '; then
	check "a policy is in force" in_force
	check "its programs are attached" [ "$(attached)" -gt 0 ]
	check "an upgrade" in_root dpkg -i "/tmp/debs/$package"
	check "leaves it in force" [ "$(attached)" -gt 0 ]
	check "removal" prints 'taking the policy out of force' in_root dpkg -r tcptimer
	check "detaches its programs" [ "$(attached)" -eq 0 ]
	check "removes its pins" [ ! -e "$pins" ]
	check "keeps the policy" has /etc/tcptimer/policy.yaml /etc/tcptimer/policy.d/README
	check "it installs again" in_root dpkg -i "/tmp/debs/$package"
	check "a policy is in force again" in_force
else
	mkdir "$pins"
fi

# Removal must not depend on the policy: a binary that fails is as good as none.
in_root mv /usr/sbin/tcptimer /usr/sbin/tcptimer.away
printf '#!/bin/sh\nexit 1\n' >"$work/root/usr/sbin/tcptimer"
chmod 755 "$work/root/usr/sbin/tcptimer"
check "removal goes on when the policy can't be cleared" prints 'could not be cleared' in_root dpkg -r tcptimer
rm -f "$work/root/usr/sbin/tcptimer.away"
check "what is pinned is still there" [ -e "$pins" ]
check "a purge" in_root dpkg -P tcptimer libtcptimer-dev
check "removes the pins" [ ! -e "$pins" ]
check "and the programs" [ "$(attached)" -eq 0 ]
check "and the configuration" [ ! -e "$work/root/etc/tcptimer" ]
leftovers >"$work/left"
check "nothing is left" prints '^0 ' sh -c "sed 's/^/left: /' '$work/left' >&2; wc -l <'$work/left' | sed 's/\$/ /'"

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
