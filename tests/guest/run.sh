#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# run.sh KERNELDIR INIT LIMIT FILE… -- COMMAND…: boots a guest under virtual time with the files
# (binaries with their libraries in /bin and /lib), runs COMMAND in it, prints its console from
# "guest: begin" on, exits with the command's status. LIMIT: seconds of real time.
set -eu
kernel=$1 init=$2 limit=$3
shift 3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
[ -z "${GUEST_KEEP:-}" ] || trap - EXIT
root=$work/root
mkdir -p "$root/bin" "$root/lib" "$root/lib64" "$root/modules" "$root/dev" "$root/proc" "$root/sys" \
	"$root/tmp" "$root/run"
cp "$init" "$root/init"
cp "$kernel"/modules/* "$root/modules/" 2>/dev/null || true
while [ "$1" != -- ]; do
	cp "$1" "$root/bin/"
	for lib in $(ldd "$1" 2>/dev/null | sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p; s/^\t\(\/[^ ]*\) .*/\1/p'); do
		case $lib in
		*/ld-linux*) cp -L "$lib" "$root/lib64/" ;;
		*) cp -L "$lib" "$root/lib/" ;;
		esac
	done
	shift
done
shift
echo "$*" >"$root/command"
(cd "$root" && find . | cpio -o -H newc --quiet | gzip -1) >"$work/initramfs"
# sleep=off: idle time is skipped, so hours of the guest's time pass in seconds of ours.
timeout "$limit" qemu-system-x86_64 -M q35 -accel tcg -icount shift=0,sleep=off -cpu max -m 512 -smp 1 \
	-nographic -no-reboot -nodefaults -serial "file:$work/console" -monitor none -display none \
	-kernel "$kernel/vmlinuz" -initrd "$work/initramfs" \
	-append "console=ttyS0 quiet loglevel=4 panic=-1 rdinit=/init nokaslr mitigations=off random.trust_cpu=on tsc=reliable" \
	</dev/null >"$work/qemu" 2>&1 || echo "qemu: ended with $? (limit ${limit}s)" >>"$work/console"
tr -d '\r' <"$work/console" | sed -n '/^guest: begin/,$p'
status=$(tr -d '\r' <"$work/console" | sed -n 's/^guest: exit \([0-9]*\)$/\1/p' | tail -n 1)
if [ -z "$status" ]; then
	echo "run.sh: the guest did not finish; the end of its console:"
	tr -d '\r' <"$work/console" | tail -n 25
	cat "$work/qemu"
	exit 1
fi
exit "$status"
