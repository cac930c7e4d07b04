# SPDX-License-Identifier: GPL-2.0-or-later
# dashboard.py PROMETHEUS DASHBOARD RULES...: runs a Prometheus on loopback that scrapes metrics.py and
# has the rules, and asks it every query of the dashboard. Prints `ok NAME` or `not ok NAME`.
import ctypes
import http.server
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request

import metrics

PR_SET_PDEATHSIG = 1
SUFFIXES = ("", "_bucket", "_sum", "_count")
failed = passed = 0


def verdict(good, name, why=""):
    global failed, passed
    passed, failed = passed + bool(good), failed + (not good)
    print(f"{'ok' if good else 'not ok'} {name}{'' if good else ': ' + str(why)}", flush=True)


class Handler(http.server.BaseHTTPRequestHandler):
    began = time.monotonic()

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(metrics.exposition(time.monotonic() - self.began).encode())

    def log_message(self, *args):
        pass


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def ask(base, path, **arguments):
    url = f"{base}/api/v1/{path}?{urllib.parse.urlencode(arguments)}"
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        return json.load(error)
    except OSError as error:
        return {"status": "error", "error": str(error)}


def has_number(answer):
    """A sample that is a number, which is what a panel can draw."""
    for series in answer.get("data", {}).get("result", []):
        for _, value in series.get("values", [series.get("value", (0, "NaN"))]):
            if value not in ("NaN", "+Inf", "-Inf"):
                return True
    return False


def substituted(query):
    """Grafana's variables, as `All` and a short range give them."""
    query = query.replace("$__rate_interval", "10s")
    return re.sub(r"\$(job|instance)\b", ".*", query)


def wait_for(condition, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.5)
    return False


def check_layout(dashboard):
    ids = [p["id"] for p in dashboard["panels"]]
    verdict(len(ids) == len(set(ids)), "panels have ids of their own", ids)
    cells = [(x, y) for p in dashboard["panels"] for g in [p["gridPos"]]
             for x in range(g["x"], g["x"] + g["w"]) for y in range(g["y"], g["y"] + g["h"])]
    verdict(len(cells) == len(set(cells)) and all(x < 24 for x, _ in cells), "panels do not overlap")
    loose = [p["title"] for p in dashboard["panels"] if p["type"] != "row"
             and (p["datasource"]["uid"] != "${datasource}" or not p["targets"])]
    verdict(not loose, "panels take the data source that is chosen", loose)
    named = {p["type"] for p in dashboard["panels"]} - {"row"}
    required = {r["id"] for r in dashboard["__requires"] if r["type"] == "panel"}
    verdict(named == required, "panel types are those that __requires names", named ^ required)


def check_names(dashboard, rules):
    """A metric that nothing shows, or a name that no daemon has, is a mistake on one side."""
    exposed = {name for name, *_ in metrics.METRICS}
    text = json.dumps(dashboard["panels"]) + json.dumps(dashboard["templating"]) + rules
    used = set(re.findall(r"(?<![:\w])tcptimer_\w+(?=[{\[) \n])", text))
    unknown = {u for u in used if not any(u == e + s for e in exposed for s in SUFFIXES)}
    shown = json.dumps(dashboard["panels"])
    verdict(not unknown, "dashboard and rules use metrics that there are", unknown)
    verdict(not [e for e in exposed if e not in shown], "the dashboard shows every metric",
            [e for e in exposed if e not in shown])


def check_queries(base, dashboard):
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            query = substituted(target["expr"])
            now = time.time()
            answer = (ask(base, "query", query=query) if target["instant"] else
                      ask(base, "query_range", query=query, start=now - 3, end=now, step=1))
            verdict(answer["status"] == "success" and has_number(answer),
                    f"{panel['title']} ({target['refId']})", answer.get("error", "no data"))
    for note in dashboard["annotations"]["list"]:
        if "expr" in note:
            answer = ask(base, "query", query=substituted(note["expr"]))
            verdict(answer["status"] == "success", f"annotation: {note['name']}", answer)
    for variable in dashboard["templating"]["list"]:
        label = re.fullmatch(r"label_values\((.+), (\w+)\)", variable.get("definition", ""))
        if label:
            answer = ask(base, f"label/{label[2]}/values", **{"match[]": substituted(label[1])})
            verdict(answer.get("data"), f"variable: {variable['name']}", answer)


def check_rules(base):
    def rules():
        groups = ask(base, "rules").get("data", {}).get("groups", [])
        return [r for g in groups for r in g["rules"]]

    wait_for(lambda: rules() and all(r["health"] != "unknown" for r in rules()), 30)
    bad = [(r["name"], r.get("lastError")) for r in rules() if r["health"] != "ok"]
    verdict(rules() and not bad, "Prometheus evaluates all rules", bad)


def main(prometheus, dashboard_path, *rule_paths):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))
    with open(dashboard_path, encoding="utf-8") as f:
        dashboard = json.load(f)
    rules = "".join(open(p, encoding="utf-8").read() for p in rule_paths)
    check_layout(dashboard)
    check_names(dashboard, rules)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as work:
        with open(f"{work}/prometheus.yml", "w", encoding="utf-8") as f:
            json.dump({"global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
                       "rule_files": [os.path.abspath(p) for p in rule_paths],
                       "scrape_configs": [{"job_name": "tcptimer", "static_configs": [
                           {"targets": [f"127.0.0.1:{server.server_port}"]}]}]}, f)
        base = f"http://127.0.0.1:{free_port()}"
        log = open(f"{work}/log", "w", encoding="utf-8")
        child = subprocess.Popen(
            [prometheus, f"--config.file={work}/prometheus.yml", f"--storage.tsdb.path={work}/data",
             f"--web.listen-address={base[7:]}"], stdout=log, stderr=log, preexec_fn=die_with_parent)
        try:
            # A rate takes two scrapes, and a range of panels three seconds of them.
            ready = wait_for(lambda: has_number(ask(base, "query", query="count_over_time(up[60s]) > 8")), 60)
            verdict(ready, "a Prometheus scrapes the metrics", open(f"{work}/log", encoding="utf-8").read())
            if ready:
                check_queries(base, dashboard)
                check_rules(base)
        finally:
            child.kill()
            child.wait()
    print(f"{passed} passed, {failed} failed")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
