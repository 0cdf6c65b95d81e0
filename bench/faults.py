#!/usr/bin/env python3
"""What inspection finds of the faults that are done on demand: faults.py ETUDE CSV [PAGE]

Every fault at its three magnitudes, over skills, robots and seeds: recorded (`etude world run`),
curated, and the findings held against the truth beside the recording. Recall is the share of
episodes in which the fault came about and its finding lies in its time; false alarms are findings
of that kind in the same episodes without a fault. PAGE, between its two marks, gets the tables.

    -n N     episodes a cell (default 6)     -j N     at a time (default 2)
    -f LIST  these faults only, by commas; PAGE is not written then
"""
import argparse
import csv
import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

SEED = 7000  # nothing was tuned with these
NEAR_S = 0.5  # a finding may begin or end so far beside the truth
TRIES = 3  # episodes recorded for one in which it comes about
SIZE = "320x240"

# Short skills of different kinds, on all robots.
PLAYS = [("take_bottle", "etude-one"), ("fill_shelf", "etude-two"), ("put_pan_on_stove", "etude-one"),
         ("pull_drawer", "h1-2"), ("hang_cup", "etude-one"), ("stack_blocks", "etude-two")]
# Where there is something to miss, to lose, to let go of early, to hit.
CARRIES = [("take_bottle", "etude-one"), ("fill_shelf", "etude-two"), ("take_bottle", "etude-two"),
           ("give_cup", "etude-one"), ("stack_blocks", "h1-2"), ("sort_materials", "etude-one")]
HITS = [("put_pan_on_stove", "etude-one"), ("stack_blocks", "etude-one"), ("carry_tray", "etude-two"),
        ("hang_cup", "etude-one"), ("stack_blocks", "h1-2"), ("pack_parcel", "etude-one")]
SEVERITIES = ["info", "warn", "error"]


class Bench:
    def __init__(self, etude, folder):
        self.etude, self.folder = etude, folder

    def run(self, *words):
        return subprocess.run([self.etude, *words], capture_output=True, text=True, check=False)

    def faults(self):
        return json.loads(self.run("world", "list", "--json").stdout)["faults"]

    def episode(self, play, seed, fault, with_cameras):
        """The truth and the findings of one episode; None: there was no occasion, or nothing was cut."""
        skill, robot = play
        place = tempfile.mkdtemp(dir=self.folder)
        try:
            words = ["world", "run", skill, "--robot", robot, "--seed", str(seed), "-q", "-o", place + "/r"]
            words += ["--size", SIZE] if with_cameras else ["--no-cameras"]
            done = self.run(*words, *(["--fault", fault] if fault else []))
            if done.returncode == 3:
                return None
            if done.returncode != 0:
                raise SystemExit("faults.py: %s: %s" % (" ".join(words), done.stderr))
            with open(glob.glob(place + "/r/*.truth.json")[0], encoding="utf-8") as file:
                truth = json.load(file)
            self.run("curate", place + "/r", "-o", place + "/e", "-q")
            findings = []
            for path in glob.glob(place + "/e/*/*/episode.json"):
                with open(path, encoding="utf-8") as file:
                    findings += json.load(file)["findings"]
            return truth, findings
        finally:
            shutil.rmtree(place)


def lies_in(finding, truth, fault):
    """A finding without a place in time speaks for the whole episode."""
    if finding["from_s"] is None:
        return True
    t0_s = truth["t0_ns"] * 1e-9
    first_s, last_s = finding["from_s"] - t0_s, finding["to_s"] - t0_s
    return first_s <= fault["to_s"] + NEAR_S and last_s >= fault["from_s"] - NEAR_S


def worst(findings, kind, truth=None, fault=None):
    """-1: nothing of that kind."""
    return max((SEVERITIES.index(f["severity"]) for f in findings
                if f["kind"] == kind and (fault is None or lies_in(f, truth, fault))), default=-1)


def plays_for(fault):
    if fault["fault"] == "collision":
        return HITS
    return CARRIES if fault["is_trainers"] else PLAYS


def try_one(bench, fault, magnitude, i):
    """The first episode of a few in which it came about: the worst severity found in its time."""
    plays = plays_for(fault)
    for k in range(TRIES):
        seed = SEED + i + 100 * k
        made = bench.episode(plays[i % len(plays)], seed, "%s=%.9g" % (fault["fault"], magnitude),
                             fault["needs_cameras"])
        if made is None:
            return None
        truth, findings = made
        done = truth["faults"][0]
        if done["came_about"]:
            return worst(findings, fault["finding"], truth, done)
    return None


def measure(bench, pool, faults, n):
    rows, kinds = [], sorted({f["finding"] for f in faults if f["finding"]})
    todo = [(f, m, i) for f in faults if f["finding"] for m in f["magnitudes"] for i in range(n)]
    found = list(pool.map(lambda job: try_one(bench, *job), todo))
    camera_kinds = {f["finding"] for f in faults if f["needs_cameras"]}
    plays = [(p, i) for each in (PLAYS, CARRIES, HITS) for i, p in enumerate(each)]
    clean = list(pool.map(lambda p: bench.episode(p[0], SEED + p[1], None, False), plays))
    seen = list(pool.map(lambda p: bench.episode(p[0], SEED + p[1], None, True),
                         plays[:len(PLAYS)])) if camera_kinds else []
    for f in faults:
        for m in f["magnitudes"]:
            cell = [w for (g, k, _), w in zip(todo, found) if g is f and k == m and w is not None]
            rows.append({"fault": f["fault"], "unit": f["unit"], "magnitude": m, "finding": f["finding"] or "",
                         "episodes": len(cell), "info": sum(w >= 0 for w in cell),
                         "warn": sum(w >= 1 for w in cell)})
    for kind in kinds:
        cell = [worst(e[1], kind) for e in (seen if kind in camera_kinds else clean) if e]
        rows.append({"fault": "clean", "unit": "", "magnitude": "", "finding": kind, "episodes": len(cell),
                     "info": sum(w >= 0 for w in cell), "warn": sum(w >= 1 for w in cell)})
    return rows


def tables(rows):
    clean = {r["finding"]: r for r in rows if r["fault"] == "clean"}
    lines = ["| fault | finding | small | middle | large | clean |", "|---|---|---|---|---|---|"]
    for name in dict.fromkeys(r["fault"] for r in rows if r["fault"] != "clean"):
        cells = [r for r in rows if r["fault"] == name]
        kind = cells[0]["finding"]
        shown = ["%.6g %s: %d, %d of %d" % (r["magnitude"], r["unit"], r["info"], r["warn"], r["episodes"])
                 if r["episodes"] else "%.6g %s: none came about" % (r["magnitude"], r["unit"]) for r in cells]
        c = clean.get(kind)
        lines.append("| `%s` | `%s` | %s | %s |" % (name, kind, " | ".join(shown),
                     "%d, %d of %d" % (c["info"], c["warn"], c["episodes"]) if c else ""))
    most = max(r["episodes"] for r in rows if r["fault"] != "clean")
    return "Up to %d episodes a cell.\n\n" % most + "\n".join(lines) + "\n"


def write_page(path, text):
    with open(path, encoding="utf-8") as file:
        page = file.read()
    begin, end = "<!-- bench/faults.py -->\n", "<!-- end -->\n"
    head, rest = page.split(begin)
    with open(path, "w", encoding="utf-8") as file:
        file.write(head + begin + "\n" + text + "\n" + end + rest.split(end)[1])


def main():
    args = argparse.ArgumentParser(usage=__doc__)
    args.add_argument("etude")
    args.add_argument("csv")
    args.add_argument("page", nargs="?")
    args.add_argument("-n", type=int, default=6)
    args.add_argument("-j", type=int, default=2)
    args.add_argument("-f", default="")
    args = args.parse_args()
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR", "/var/tmp")) as folder, \
            ThreadPoolExecutor(args.j) as pool:
        bench = Bench(os.path.realpath(args.etude), folder)
        faults = [f for f in bench.faults() if not args.f or f["fault"] in args.f.split(",")]
        rows = measure(bench, pool, faults, args.n)
    with open(args.csv, "w", newline="", encoding="utf-8") as file:
        out = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        out.writeheader()
        out.writerows(rows)
    print(tables(rows))
    if args.page and not args.f:
        write_page(args.page, tables(rows))


if __name__ == "__main__":
    sys.exit(main())
