"""Prints the closing table of ./quickstart from the facts that its commands gave as JSON."""

import json
import sys


def load(name):
    with open(f"{sys.argv[1]}/{name}.json", encoding="utf-8") as file:
        return json.load(file)


def milliseconds(facts):
    low, high = facts.get("latency_min_s"), facts.get("latency_max_s")
    return "" if low is None else f"{low * 1000:.0f}-{high * 1000:.0f} ms"


def row(name, facts):
    seconds = facts["seconds"] + facts.get("inspect_seconds", 0)
    return [name, facts["episodes_in"], facts["episodes"],
            facts["episodes_in"] - facts["episodes"], milliseconds(facts), f"{seconds:.2f}",
            f"{facts['bytes_in'] / 1e6 / max(seconds, 1e-9):.1f}"]


def quantile_errors(name, stats, what):
    """Of each quantile the value that is furthest from the exact one, and its joint; `what` is
    "stored", or "joined": as LeRobot would join those of the episodes, without looking at the data
    (aggregate_feature_stats in compute_stats.py: up to q50 the least, above it the largest)."""
    rows = []
    for wanted in ("observation.state", "action"):
        for feature in stats["features"]:
            if feature["feature"] != wanted:
                continue
            for key in ("q01", "q50", "q99"):
                found, exact, joined = (feature[of][key] for of in (what, "exact", "joined"))
                known = [i for i in range(len(exact))
                         if found and None not in (found[i], exact[i], joined[i])]
                if not known:
                    continue
                # Where all are right, the one is shown that a join would get most wrong.
                worst = max(known, key=lambda i: (abs(found[i] - exact[i]),
                                                  abs(joined[i] - exact[i])))
                number = (feature["names"] or range(len(exact)))[worst]
                rows.append([f"  {wanted.split('.')[-1]} {key}", str(number)[:NAME_CHARS],
                             f"{found[worst]:.4g}", f"{exact[worst]:.4g}",
                             f"{abs(found[worst] - exact[worst]):.2g}"])
    return [[name]] + rows if rows else []


def table(heads, rows, n_left=1):
    """Rows under heads, the first columns to the left; a row of one cell is a heading of its own."""
    rows = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(r[i]) for r in [heads] + rows if len(r) > 1) for i in range(len(heads))]
    for r in [heads, ["-" * w for w in widths]] + rows:
        cells = [c.ljust(w) if i < n_left else c.rjust(w) for i, (c, w) in enumerate(zip(r, widths))]
        print("  ".join(cells if len(r) > 1 else r).rstrip())


FIRST, SECOND = sys.argv[2:4]
NAME_CHARS = 32  # of a joint; the table then has 80 columns at most
table(["dataset", "in", "kept", "left out", "latency", "seconds", "MB/s"],
      [row(f"{FIRST}, state only", load("g1-state-facts")),
       row(f"{FIRST}, with video", load("g1-video-facts")),
       row(f"{SECOND}, converted", load("gr1-facts"))])
print()
table(["quantile", "furthest off", "value", "exact", "off by"],
      quantile_errors(f"{SECOND}, as its maker stored them", load("gr1-stats"), "stored") +
      quantile_errors(f"{FIRST}, as LeRobot would join those of the episodes",
                      load("g1-stats"), "joined") +
      quantile_errors(f"{FIRST}, as stored by this build", load("g1-stats"), "stored"),
      n_left=2)
