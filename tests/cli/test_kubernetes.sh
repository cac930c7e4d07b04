#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# test_kubernetes.sh TCPTIMER BUILD: what contrib/kubernetes comes out as, against the Kubernetes API's
# schemas and types (from the npm package kubernetes-models, kept below BUILD) and what it is to give.
set -u
tcptimer=$1 build=$2
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
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
[ "$failed" -eq 0 ]
