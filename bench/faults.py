#!/usr/bin/env python3
"""What inspection finds of the faults that are done on demand: faults.py ETUDE CSV [PAGE]

Every fault at its three magnitudes, over skills, robots and seeds: recorded (`etude world run`),
curated, and the findings held against the truth beside the recording. Recall is the share of
episodes in which the fault came about and its finding lies in its time; false alarms are findings
of that kind in the same episodes without a fault. PAGE, between its two marks, gets the tables.

    -n N     episodes a cell (default 6)     -j N     at a time (default 2)
    -f LIST  these faults only, by commas ("clean": those without a fault); what CSV has of the others stays
"""
import sys

import tables

SEED = 7000  # nothing was tuned with these
NEAR_S = 0.5  # a finding may begin or end so far beside the truth
TRIES = 3  # episodes recorded for one in which it comes about
SIZE = "320x240"

# Short skills of different kinds, on all robots.
PLAYS = [("take_bottle", "etude-one"), ("fill_shelf", "etude-two"), ("put_pan_on_stove", "etude-one"),
         ("pull_drawer", "h1-2"), ("hang_cup", "etude-one"), ("stack_blocks", "etude-two")]
# Where there is something to miss, small enough for that; to lose or let go of early; to hit.
MISSES = [("insert_peg", "etude-one"), ("stamp_form", "etude-two"), ("mount_part", "etude-one"),
          ("sort_reels", "etude-two"), ("stack_blocks", "h1-2"), ("turn_valve", "etude-one")]
CARRIES = [("take_bottle", "etude-one"), ("fill_shelf", "etude-two"), ("take_bottle", "etude-two"),
           ("give_cup", "etude-one"), ("stack_blocks", "h1-2"), ("sort_materials", "etude-one")]
HITS = [("put_pan_on_stove", "etude-one"), ("stack_blocks", "etude-one"), ("carry_tray", "etude-two"),
        ("hang_cup", "etude-one"), ("stack_blocks", "h1-2"), ("pack_parcel", "etude-one")]
SEVERITIES = ["info", "warn", "error"]


def play_one(centre, play, seed, fault, with_cameras):
    """The truth and the findings of one episode; None: there was no occasion, or nothing was cut."""
    skill, robot = play
    options = ["--robot", robot, *(["--size", SIZE] if with_cameras else ["--no-cameras"])]
    return centre.episode(skill, *options, *(["--fault", fault] if fault else []), seed=seed, may_fail_with=[3])


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
    special = {"missed_grasp": MISSES, "collision": HITS}
    return special.get(fault["fault"], CARRIES if fault["is_trainers"] else PLAYS)


def try_one(centre, fault, magnitude, i):
    """The first episode of a few in which it came about: the worst severity found in its time."""
    plays = plays_for(fault)
    for k in range(TRIES):
        seed = SEED + i + 100 * k
        made = play_one(centre, plays[i % len(plays)], seed, "%s=%.9g" % (fault["fault"], magnitude),
                        fault["needs_cameras"])
        if made is None:
            return None
        truth, findings = made
        done = truth["faults"][0]
        if done["came_about"]:
            return worst(findings, fault["finding"], truth, done)
    return None


def row_of(name, unit, magnitude, finding, found):
    return {"fault": name, "unit": unit, "magnitude": magnitude, "finding": finding, "episodes": len(found),
            "info": sum(w >= 0 for w in found), "warn": sum(w >= 1 for w in found)}


def rows_of_fault(centre, pool, fault, n):
    if not fault["finding"]:
        return [row_of(fault["fault"], fault["unit"], m, "", []) for m in fault["magnitudes"]]
    jobs = [(m, i) for m in fault["magnitudes"] for i in range(n)]
    found = list(pool.map(lambda job: try_one(centre, fault, *job), jobs))
    return [row_of(fault["fault"], fault["unit"], magnitude, fault["finding"],
                   [w for (m, _), w in zip(jobs, found) if m == magnitude and w is not None])
            for magnitude in fault["magnitudes"]]


def rows_of_clean(centre, pool, faults):
    """What is found of each kind where nobody did anything wrong; with cameras, where they matter."""
    plays = [(p, SEED + i) for each in (PLAYS, MISSES, CARRIES, HITS) for i, p in enumerate(each)]
    found = {}
    for with_cameras in {f["needs_cameras"] for f in faults if f["finding"]}:
        made = pool.map(lambda p, on=with_cameras: play_one(centre, *p, None, on),
                        plays[:len(PLAYS)] if with_cameras else plays)
        found[with_cameras] = [findings for _, findings in filter(None, made)]
    kinds = {f["finding"]: f["needs_cameras"] for f in faults if f["finding"]}
    return [row_of("clean", "", "", kind, [worst(findings, kind) for findings in found[kinds[kind]]])
            for kind in sorted(kinds)]


def measure(centre, pool, args):
    """All rows, the old ones of what is not measured, too; written after each fault."""
    faults = centre.world()["faults"]
    names = [f["fault"] for f in faults] + ["clean"]
    wanted = args.f.split(",") if args.f else names
    rows = {name: [] for name in names}
    for row in tables.read_csv(args.csv):
        rows[row["fault"]].append(row)
    for name in wanted:
        fault = next((f for f in faults if f["fault"] == name), None)
        rows[name] = rows_of_fault(centre, pool, fault, args.n) if fault else rows_of_clean(centre, pool, faults)
        tables.write_csv(args.csv, sum(rows.values(), []))
        print("\n".join("%(fault)s %(magnitude)s %(finding)s: %(info)s, %(warn)s of %(episodes)s" % r for r in rows[name]),
              file=sys.stderr, flush=True)
    return tables.read_csv(args.csv)


def text_of(rows):
    clean = {r["finding"]: "%s, %s of %s" % (r["info"], r["warn"], r["episodes"]) for r in rows if r["fault"] == "clean"}
    lines = ["| fault | finding | small | middle | large | clean |", "|---|---|---|---|---|---|"]
    for name in dict.fromkeys(r["fault"] for r in rows if r["fault"] != "clean"):
        cells = [r for r in rows if r["fault"] == name]
        kind = cells[0]["finding"]
        shown = ["%.6g %s: " % (float(r["magnitude"]), r["unit"]) +
                 ("%s, %s of %s" % (r["info"], r["warn"], r["episodes"]) if int(r["episodes"]) else "none came about")
                 for r in cells]
        lines.append("| `%s` | `%s` | %s | %s |" % (name, kind, " | ".join(shown), clean.get(kind, "")))
    return "\n".join(lines) + "\n"


def main():
    parser = tables.arguments(__doc__, 6)
    parser.add_argument("-f", default="")
    args = parser.parse_args()
    rows = tables.run_with(args.etude, args.j, lambda centre, pool: measure(centre, pool, args))
    print(text_of(rows))
    if args.page:
        tables.write_page(args.page, "faults", text_of(rows))


if __name__ == "__main__":
    sys.exit(main())
