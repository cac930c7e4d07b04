#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# systemd.sh BUILD OUT [NAME]: the unit under a real systemd, in a guest of the kernel NAME (tests/guest/kernels):
# what `make install` installs, on a root file system made of this machine's own packages. It starts, governs
# a connection of a slice, logs, reloads, restarts, survives kill -9 and a hang (the watchdog), serves metrics.
# All of it is made in a directory of its own: this machine stays as it is.
set -u
build=$1 out=$2 name=${3:-6.12}
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
PATH=$PATH:/usr/sbin:/sbin
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
trap 'exit 130' INT TERM HUP
mkdir -p "$out"
build=$(realpath "$build") out=$(realpath "$out")

skip() {
	echo "[  SKIPPED ] systemd: $1"
	[ "${CI:-}" != true ]
	exit
}
suite=$(awk -v name="$name" '$1 == name { print $2 }' "$here/kernels")
kernel=$(sh "$here/fetch.sh" "$name" "$suite") || skip "the kernel of $name can't be had"

# ---- the root file system: these packages, with what they depend on ----
packages="systemd bash dash coreutils grep sed gawk mawk util-linux mount kmod iproute2 procps python3-minimal"
installed=$(dpkg-query -W -f '${db:Status-Abbrev} ${binary:Package}\n' | sed -n 's/^ii *//p')
# shellcheck disable=SC2086
wanted=$(apt-cache depends --recurse --installed --no-recommends --no-suggests --no-conflicts --no-breaks \
	--no-replaces --no-enhances $packages | sed -n 's/^\([a-z0-9][^ ]*\)$/\1/p' | sort -u)
files() {
	for package in $wanted; do
		case "
$installed
" in
		*"
$package
"*) dpkg -L "$package" ;;
		*"
$package:"*) dpkg -L "$package:$(dpkg --print-architecture)" ;;
		esac
	done | grep -v '^/usr/share/\(doc\|man\|locale\|info\|lintian\|bash-completion\|zoneinfo\)/' | sort -u
	# What python3 and the linker find by, and the libraries of the binary itself, linked or loaded.
	ls /etc/passwd /etc/group /etc/ld.so.cache /etc/os-release
	loaded=$(sed -n 's/^#define [A-Z]* "\(lib.*\)"$/\1/p' "$root/user/daemon/libs.c" | while read -r lib; do
		ldconfig -p | sed -n "s,.* => \(/.*/$lib\)\$,\1,p"
	done)
	for lib in $loaded; do echo "$lib"; readlink -f "$lib"; done
	# shellcheck disable=SC2086
	ldd "$build/tcptimer" $loaded | sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p; s/^\t\(\/[^ ]*\) .*/\1/p' |
		while read -r lib; do echo "$lib"; readlink -f "$lib"; done
}
mkdir -p "$tree/usr"
for dir in bin sbin lib lib64; do
	[ -L "/$dir" ] || skip "this machine's /$dir is not usr-merged"
	mkdir -p "$tree/usr/$dir"
	ln -s "usr/$dir" "$tree/$dir"
done
files | sed 's,^/\(bin\|sbin\|lib\|lib64\)/,/usr/\1/,' | sort -u | while read -r path; do
	[ -e "$path" ] && { [ -L "$path" ] || [ ! -d "$path" ]; } && echo "${path#/}"
done >"$tree.list"
tar -C / -cf - -T "$tree.list" 2>"$out/systemd.log" | tar -C "$tree" -xf -
rm -f "$tree.list"
echo 0123456789abcdef0123456789abcdef >"$tree/etc/machine-id"
for dir in dev proc sys run tmp var/log/journal etc/systemd/system/multi-user.target.wants etc/tcptimer modules; do
	mkdir -p "$tree/$dir"
done
make -C "$root" -s install DESTDIR="$tree" PREFIX=/usr B="$build" >>"$out/systemd.log" 2>&1 ||
	{ cat "$out/systemd.log"; exit 1; }
cp "$kernel"/modules/* "$tree/modules/" 2>/dev/null
ln -s /usr/lib/systemd/system/tcptimer.service "$tree/etc/systemd/system/multi-user.target.wants/"
cp "$here/systemd_inside.sh" "$tree/inside"
for unit in systemd-firstboot.service getty.target serial-getty@ttyS0.service systemd-logind.service dbus.socket; do
	ln -sf /dev/null "$tree/etc/systemd/system/$unit"
done
cat >"$tree/etc/systemd/system/inside.service" <<'UNIT'
[Unit]
After=multi-user.target
[Service]
ExecStart=/bin/sh /inside
UNIT
ln -s ../inside.service "$tree/etc/systemd/system/multi-user.target.wants/"
cat >"$tree/etc/tcptimer/policy.yaml" <<'POLICY'
version: 1
rules:
  - name: shop
    match: {cgroup: ["/shop.slice/**"]}
    set: {max_retries: 4}
POLICY
cat >"$tree/init" <<'INIT'
#!/bin/sh
for module in /modules/*.ko; do
	[ ! -e "$module" ] || insmod "$module"
done
exec /lib/systemd/systemd
INIT
chmod 755 "$tree/init"

# ---- the guest ----
(cd "$tree" && find . | cpio -o -H newc --quiet >"$out/systemd.initramfs")
timeout 600 qemu-system-x86_64 -M q35 -accel tcg -icount shift=0,sleep=off -cpu max -m 1536 -smp 1 \
	-nographic -no-reboot -nodefaults -serial "file:$out/systemd.console" -monitor none -display none \
	-kernel "$kernel/vmlinuz" -initrd "$out/systemd.initramfs" \
	-append "console=ttyS0 quiet loglevel=4 panic=-1 rdinit=/init mitigations=off random.trust_cpu=on tsc=reliable systemd.show_status=0" \
	</dev/null >>"$out/systemd.log" 2>&1 || echo "qemu: ended with $?" >>"$out/systemd.console"
rm -f "$out/systemd.initramfs"
tr -d '\r' <"$out/systemd.console" >"$out/systemd.txt"
sed -n '/^guest: begin/,/^guest: end/p' "$out/systemd.txt" | grep -v '^guest: '
if ! grep -q '^guest: end' "$out/systemd.txt"; then
	echo "systemd.sh: the guest did not finish; the end of its console:"
	tail -n 25 "$out/systemd.txt"
	echo "0 passed, 1 failed"
	exit 1
fi
passed=$(grep -c '^ok ' "$out/systemd.txt")
failed=$(grep -c '^not ok ' "$out/systemd.txt")
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
