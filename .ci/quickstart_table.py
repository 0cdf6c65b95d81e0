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
    """The largest difference between quantiles (stored, or joined from those of the episodes as
    LeRobot does) and the exact ones."""
    for wanted in ("observation.state", "action"):
        for feature in stats["features"]:
            if feature["feature"] != wanted:
                continue
            for key in ("q01", "q50", "q99"):
                stored, exact = feature[what][key], feature["exact"][key]
                if stored is None:
                    continue
                worst = max(range(len(exact)), key=lambda i: abs(stored[i] - exact[i]))
                yield [name, wanted, key, f"{stored[worst]:.5g}", f"{exact[worst]:.5g}",
                       f"{abs(stored[worst] - exact[worst]):.2g}"]


def table(heads, rows):
    rows = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(r[i]) for r in [heads] + rows) for i in range(len(heads))]
    for r in [heads, ["-" * w for w in widths]] + rows:
        print("  ".join(c.ljust(w) if i == 0 else c.rjust(w)
                        for i, (c, w) in enumerate(zip(r, widths))).rstrip())


FIRST, SECOND = sys.argv[2:4]
table(["dataset", "in", "kept", "left out", "latency", "seconds", "MB/s"],
      [row(f"{FIRST}, state only", load("g1-state-facts")),
       row(f"{FIRST}, with video", load("g1-video-facts")),
       row(f"{SECOND}, converted", load("gr1-facts"))])
print()
table(["quantiles", "feature", "", "stored", "exact", "off by"],
      list(quantile_errors(f"{SECOND}, by its maker", load("gr1-stats"), "stored")) +
      list(quantile_errors(f"{FIRST}, as LeRobot joins", load("g1-stats"), "joined")) +
      list(quantile_errors(f"{FIRST}, as built here", load("g1-stats"), "stored")))
