# SPDX-License-Identifier: GPL-2.0-or-later
# What a busy host's daemon exposes, every metric with its labels; counters grow by time.
# Receives the seconds since it began; hands text in Prometheus' format.

# name, type, help, samples: (labels, value); a counter's value is its growth in a second
METRICS = [
    ("tcptimer_build_info", "gauge", "Version, kernel and timer profile.",
     [('version="0.1.0",kernel="6.18.44",profile="6.18"', 1)]),
    ("tcptimer_sockets", "gauge", "TCP sockets by state.",
     [(f'state="{s}"', n) for s, n in (("established", 900), ("listen", 40), ("time_wait", 80), ("syn_sent", 4))]),
    ("tcptimer_stalled", "gauge", "Stalled connections by timer.",
     [(f'timer="{t}"', n) for t, n in (("retrans", 5), ("syn", 2), ("probe0", 1), ("keepalive", 1))]),
    ("tcptimer_oldest_stall_seconds", "gauge", "Age of the oldest stall.", [("", 412.5)]),
    ("tcptimer_stalls_total", "counter", "Stalls that began.", [('timer="retrans"', 5), ('timer="syn"', 1)]),
    ("tcptimer_recovered_total", "counter", "Stalls that recovered.", [('timer="retrans"', 4)]),
    ("tcptimer_retransmissions_total", "counter", "Retransmissions by timeout.", [("", 20)]),
    ("tcptimer_probes_total", "counter", "Probes sent.", [('timer="probe0"', 2), ('timer="keepalive"', 1)]),
    ("tcptimer_ends_total", "counter", "Connections ended.",
     [(f'cause="{c}"', n) for c, n in (("closed", 50), ("peer_reset", 2), ("user_timeout", 1), ("policy", 1))]),
    ("tcptimer_stall_seconds", "histogram", "Length of stalls that ended.", [(0.5, 3), (5, 6), (60, 7)]),
    ("tcptimer_rto_seconds", "histogram", "Retransmission timeouts.", [(0.25, 10), (1, 15), (10, 17)]),
    ("tcptimer_deadline_seconds", "histogram", "Time left to the deadline.", [(10, 1), (60, 4), (900, 6)]),
    ("tcptimer_events_lost_total", "counter", "Events lost.", [('reason="ring_full"', 1), ('reason="missed"', 0)]),
    ("tcptimer_prediction_ends_total", "counter", "Ends that were foretold.", [("", 4)]),
    ("tcptimer_prediction_missed_total", "counter", "Ends by another cause than foretold.", [("", 1)]),
    ("tcptimer_prediction_drift_seconds", "gauge", "Worst error of a deadline.", [("", 0.004)]),
    ("tcptimer_policy_info", "gauge", "The policy in force.", [('digest="5f2b"', 1)]),
    ("tcptimer_cgroup_stalled", "gauge", "Stalled connections by cgroup.",
     [('cgroup="/kubepods.slice/a"', 3), ('cgroup="other"', 2)]),
    ("tcptimer_policy_sockets", "gauge", "Connections of a rule.", [('rule="db"', 300)]),
] + [
    (f"tcptimer_policy_{what}_total", "counter", f"Options {what}.", [('rule="db"', n)])
    for what, n in (("options_set", 9), ("refused", 1), ("clamped", 2), ("yielded", 3), ("ended", 1))
]


def braces(labels):
    return "{" + labels + "}" if labels else ""


def histogram(name, buckets, seconds):
    total = buckets[-1][1] + 1
    for le, n in buckets:
        yield f'{name}_bucket{{le="{le}"}} {n * seconds:.3f}'
    yield f'{name}_bucket{{le="+Inf"}} {total * seconds:.3f}'
    yield f"{name}_sum {total * 3 * seconds:.3f}"
    yield f"{name}_count {total * seconds:.3f}"


def exposition(seconds):
    lines = []
    for name, kind, text, samples in METRICS:
        lines += [f"# HELP {name} {text}", f"# TYPE {name} {kind}"]
        if kind == "histogram":
            lines += histogram(name, samples, seconds)
        else:
            scale = seconds if kind == "counter" else 1
            lines += [f"{name}{braces(labels)} {n * scale:.3f}" for labels, n in samples]
    return "\n".join(lines) + "\n"
