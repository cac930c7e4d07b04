# SPDX-License-Identifier: GPL-2.0-or-later
# expect.py UNIT <MANIFESTS: what an operator relies on in the manifests, as `kubectl kustomize` prints
# them. UNIT is the systemd unit, for the capabilities; it may be missing. Prints `ok` and `not ok`.
import os
import sys

import yaml

failed = 0


def verdict(good, name, why=""):
    global failed
    failed += not good
    print(f"{'ok' if good else 'not ok'} {name}{'' if good else ': ' + str(why)}")


objects = {o["kind"]: o for o in yaml.safe_load_all(sys.stdin)}
daemonset = objects["DaemonSet"]
pod = daemonset["spec"]["template"]["spec"]
meta = daemonset["spec"]["template"]["metadata"]
container, = pod["containers"]
security = container["securityContext"]
added = set(security["capabilities"]["add"])

verdict(set(objects) == {"Namespace", "ServiceAccount", "ConfigMap", "DaemonSet"},
        "no role and nothing else comes with it", sorted(objects))
verdict(all(o["metadata"].get("namespace") == "tcptimer" for k, o in objects.items() if k != "Namespace"),
        "everything is in its namespace")
verdict(objects["Namespace"]["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "privileged",
        "the namespace admits the pod")
verdict(pod["automountServiceAccountToken"] is False
        and objects["ServiceAccount"]["automountServiceAccountToken"] is False, "no token is mounted")
verdict(not security["privileged"] and security["capabilities"]["drop"] == ["ALL"]
        and security["readOnlyRootFilesystem"], "not privileged, a root that can't be written")
# The API server refuses that pair.
verdict("allowPrivilegeEscalation" not in security, "SYS_ADMIN does not meet allowPrivilegeEscalation")
if os.path.exists(sys.argv[1]):
    unit = [line.split("=", 1)[1].split() for line in open(sys.argv[1], encoding="utf-8")
            if line.startswith("CapabilityBoundingSet=")][0]
    verdict(added == {c.removeprefix("CAP_") for c in unit}, "the capabilities are those of the unit",
            added ^ {c.removeprefix("CAP_") for c in unit})

volumes = {v["name"]: v for v in pod["volumes"]}
mounts = {m["mountPath"]: m for m in container["volumeMounts"]}
verdict({m["name"] for m in mounts.values()} == set(volumes), "each volume is mounted", volumes)
for path, read_only in (("/sys/fs/bpf", False), ("/sys/fs/cgroup", True), ("/run/tcptimer", False)):
    mount = mounts.get(path, {})
    verdict(volumes.get(mount.get("name"), {}).get("hostPath", {}).get("path") == path
            and mount.get("readOnly", False) == read_only, f"{path} is the node's")
verdict(volumes[mounts["/etc/tcptimer"]["name"]]["configMap"]["name"] == objects["ConfigMap"]["metadata"]["name"]
        and "policy.yaml" in objects["ConfigMap"]["data"], "/etc/tcptimer/policy.yaml is the ConfigMap's")
port, = container["ports"]
verdict(meta["annotations"]["prometheus.io/port"] == str(port["containerPort"])
        and meta["annotations"]["prometheus.io/scrape"] == "true"
        and container["args"][container["args"].index("--metrics") + 1].endswith(f":{port['containerPort']}"),
        "the port that is scraped is the port that answers")
verdict(daemonset["spec"]["selector"]["matchLabels"].items() <= meta["labels"].items(),
        "the selector finds its pods")
verdict({"operator": "Exists"} in pod["tolerations"], "it runs on every node")
sys.exit(bool(failed))
