#!/usr/bin/env python3
"""The table of doc/clock.md from what bench_clock measured: clock.py CSV PAGE"""
import sys

import tables


def number(text):
    value = float(text)
    return "%.0f" % value if value >= 100 else "%.1f" % value


links = {}
for row in tables.read_csv(sys.argv[1]):
    link, column = row["measure"].rsplit(": ", 1)
    links.setdefault(link, {})[column] = number(row["value"])
    if column == "p95":
        links[link]["promised"] = number(row["yardstick_value"])
lines = ["| link | arrival alone, p95 | p50 | p95 | promised p95 | largest | ns a sample |", "|---|---|---|---|---|---|---|"]
for link, of in links.items():
    cells = [of[c] for c in ("arrival p95", "p50", "p95", "promised", "largest", "a sample")]
    lines.append("| %s | %s |" % (link, " | ".join(cells)))
tables.write_page(sys.argv[2], "clock", "\n".join(lines) + "\n")
