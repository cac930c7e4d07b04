#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# test_kubernetes.sh TCPTIMER BUILD: what contrib/kubernetes comes out as, against the Kubernetes API's
# schemas and types (from the npm package kubernetes-models, kept below BUILD) and what it is to give.
set -u
tcptimer=$1 build=$2
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
cgroup=
trap '[ -z "$cgroup" ] || rmdir "$cgroup" 2>/dev/null; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP
failed=0

modules=$build/kubernetes
mkdir -p "$modules"
cp "$root/tests/kubernetes/package.json" "$root/tests/kubernetes/validate.js" "$modules/"
if [ ! -d "$modules/node_modules/kubernetes-models" ] &&
	! npm install --prefix "$modules" --ignore-scripts --no-audit --no-fund --silent >"$work/npm" 2>&1; then
	cat "$work/npm"
	echo "[  SKIPPED ] kubernetes: npm could not install kubernetes-models"
	[ -z "${CI:-}" ]
	exit
fi
verdict() { # verdict STATUS NAME
	if [ "$1" -eq 0 ]; then
		echo "ok $2"
	else
		failed=1
		echo "not ok $2"
	fi
}
kubectl kustomize "$root/contrib/kubernetes" >"$work/all.yaml"
verdict $? "kustomize builds"
node "$modules/validate.js" <"$work/all.yaml" || failed=1
/usr/bin/python3 -B "$root/tests/kubernetes/expect.py" "$root/contrib/systemd/tcptimer.service" <"$work/all.yaml" ||
	failed=1
# The validation can fail: one wrong value, one key that there is none of.
sed 's/containerPort: 9782/containerPort: none/' "$work/all.yaml" >"$work/value.yaml"
node "$modules/validate.js" <"$work/value.yaml" | grep -q '^not ok DaemonSet/tcptimer fits'
verdict $? "a wrong value is noticed"
sed 's/hostPID: true/hostPid: true/' "$work/all.yaml" >"$work/key.yaml"
node "$modules/validate.js" <"$work/key.yaml" | grep -q '^not ok DaemonSet/tcptimer has only'
verdict $? "a key that there is none of is noticed"
for kernel in 6.1 6.12 7.2; do
	"$tcptimer" policy check --strict --kernel "$kernel" "$root/contrib/kubernetes/policy.yaml" >/dev/null
	verdict $? "the policy passes --strict on $kernel"
done
# A comment with the reason stands above each capability.
awk '/- [A-Z_]+$/ { bad += before !~ /^ *# / } { before = $0 } END { exit !!bad }' "$root/contrib/kubernetes/daemonset.yaml"
verdict $? "each capability has its reason"

# With the pod's capabilities, a root and cgroups that can't be written, and a bpffs and a /run of its own the daemon
# does its work. What a container runtime adds (seccomp, AppArmor, SELinux) is not tried.
pod_trial() {
	caps=$(sed -n '/capabilities:/,/drop:/s/^ *- \([A-Z_]*\)$/\1/p' "$work/all.yaml" | tr '[:upper:]' '[:lower:]' |
		sed 's/^/+/' | paste -sd, -)
	cp "$root/contrib/kubernetes/policy.yaml" "$tcptimer" "$work/"
	# shellcheck disable=SC2016
	timeout 120 unshare --mount --propagation private setpriv --pdeathsig KILL sh -c '
		mount -t bpf bpf /sys/fs/bpf && mount -t tmpfs tcptimer-test /run &&
			mount -o remount,bind,ro / && mount -o remount,bind,ro "$4" || exit 1
		cd "$1"
		setpriv --pdeathsig KILL --inh-caps=-all --bounding-set="-all,$2" ./tcptimer daemon --policy policy.yaml \
			--cgroup "$3" 2>&1 &
		daemon=$!
		for _ in $(seq 200); do
			./tcptimer status >/dev/null 2>&1 && break
			kill -0 $daemon || exit 1
			sleep 0.2
		done
		./tcptimer policy show && ls /sys/fs/bpf/tcptimer && ./tcptimer policy clear
		status=$?
		kill $daemon
		wait $daemon
		exit $status' sh "$work" "$caps" "/${cgroup##*/}" "$mount"
}
mount=$(sed -n 's/^[^ ]* \([^ ]*\) cgroup2 .*/\1/p' /proc/mounts | head -n 1)
if [ "$(id -u)" = 0 ] && [ -n "$mount" ]; then
	cgroup=$mount/tcptimer-test-kubernetes-$$
	mkdir "$cgroup"
	pod_trial >"$work/trial" 2>&1 && grep -q pods-east-west "$work/trial"
	status=$?
	[ "$status" -eq 0 ] || cat "$work/trial"
	verdict "$status" "the daemon works with the pod's capabilities"
else
	echo "[  SKIPPED ] kubernetes: the pod's capabilities are tried by root, with cgroup v2"
	[ -z "${CI:-}" ] || failed=1
fi
[ "$failed" -eq 0 ]
