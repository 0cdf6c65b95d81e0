#!/usr/bin/env python3
"""How often the scripted trainer succeeds, over skills, tiers and robots.

    bench/trainer_table.py ETUDE [-n 200] [--seed 1000] [--case ROBOT:TIER:N]... [--again]

Writes doc/bench/trainer.csv, a row as soon as it is known (a row that is there with as many
episodes is kept, unless --again), and the page doc/trainer.md from it. A case is a robot, a tier and how many episodes of
each skill; without one, all that the page shows."""

import argparse
import json
import os
import pathlib
import subprocess
import sys

import tables

ROOT = pathlib.Path(__file__).resolve().parent.parent
CSV = ROOT / "doc/bench/trainer.csv"
PAGE = ROOT / "doc/trainer.md"
KEYS = ("robot", "tier", "skill")
CASES = [("etude-one", "controlled"), ("etude-one", "displaced"), ("etude-two", "controlled"),
         ("h1-2", "controlled"), ("etude-one", "varied"), ("etude-one", "cluttered"),
         ("etude-one", "disturbed")]


def read_rows():
    return {tuple(row[k] for k in KEYS): row for row in tables.read_csv(CSV)}


def write_rows(rows):
    tables.write_csv(CSV, sorted(rows.values(), key=lambda r: (CASES.index((r["robot"], r["tier"])), r["skill"])))


def measure(program, robot, tier, skill, n, seed):
    run = subprocess.run([program, "world", "check", skill, "--robot", robot, "--tier", tier, "-n",
                          str(n), "--seed", str(seed), "--json", "-q"],
                         stdout=subprocess.PIPE, check=False,
                         env={**os.environ, "ETUDE_SHARE": str(ROOT / "share")})
    if run.returncode not in (0, 1):
        sys.exit(f"{skill} on {robot}: exit {run.returncode}")
    (score,) = json.loads(run.stdout)["skills"]
    failed = [f["missing"] for f in score["failures"]]
    missing = max(sorted(set(failed)), key=failed.count) if failed else ""
    return {"robot": robot, "tier": tier, "skill": skill, "seed": seed, "episodes": n,
            "successes": score["successes"], "lost": score["lost"],
            "low": round(score["low"], 4), "high": round(score["high"], 4),
            "seconds": round(score["seconds"], 2) if score["seconds"] else "",
            "real_time_factor": round(score["real_time_factor"], 1),
            "missing": missing, "n_missing": failed.count(missing)}


def rate(row):
    return int(row["successes"]) / int(row["episodes"])


def cell(row):
    return f"{row['successes']}/{row['episodes']}" if row else ""


def summary(rows, cases):
    """A line a case: how many skills reach what, and stay how near to the first case."""
    for case in cases:
        mine = {k[2]: r for k, r in rows.items() if k[:2] == case}
        rates = {skill: rate(r) for skill, r in mine.items()}
        text = (f"- `{case[0]}`, `{case[1]}`: {sum(x >= .95 for x in rates.values())} of "
                f"{len(rates)} skills at 95 % or more, {sum(x >= .85 for x in rates.values())} at "
                "85 % or more")
        if case != CASES[0]:
            near = sum(skill in rates and rate(rows[(*CASES[0], skill)]) - rates[skill] <= .10
                       for skill in rates if (*CASES[0], skill) in rows)
            text += f"; {near} within 10 points of the first line"
        yield text


def write_page(rows):
    cases = [c for c in CASES if any(k[:2] == c for k in rows)]
    skills = sorted({k[2] for k in rows})
    lines = ["# How good the scripted trainer is", "",
             "Successes of the trainer `careful`, from seed "
             f"{next(iter(rows.values()))['seed']} on, which no skill was tuned with. 95 of 100 mean "
             "a success rate of 89 to 98 % (Wilson, 95 %), 190 of 200 one of 91 to 97 %. What is in "
             "the last column failed most often, `etude-one`, `controlled`. All numbers are in "
             "`doc/bench/trainer.csv`; `bench/trainer_table.py` measures them.", ""]
    lines += list(summary(rows, cases))
    lines += ["", "| skill | s | " + " | ".join(f"{r}, {t}" for r, t in cases) +
              " | what failed |", "|---|---|" + "---|" * len(cases) + "---|"]
    for skill in skills:
        first = rows.get((*CASES[0], skill))
        failed = f"{first['missing']} ({first['n_missing']})" if first and first["missing"] else ""
        lines.append(f"| {skill} | {first['seconds'] if first else ''} | " + " | ".join(
            cell(rows.get((*c, skill))) for c in cases) + f" | {failed} |")
    PAGE.write_text("\n".join(lines) + "\n")


def parse_case(text):
    robot, tier, n = text.split(":")
    return robot, tier, int(n)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("etude", help="the program")
    parser.add_argument("-n", "--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1000)
    parser.add_argument("--case", type=parse_case, action="append", metavar="ROBOT:TIER:N")
    parser.add_argument("--again", action="store_true", help="measure also what is there")
    args = parser.parse_args()
    skills = sorted(p.parent.name for p in (ROOT / "share/world/skills").glob("*/skill.yaml"))
    rows = read_rows()
    for robot, tier, n in args.case or [(*c, args.count) for c in CASES]:
        for skill in skills:
            old = rows.get((robot, tier, skill))
            if old and int(old["episodes"]) >= n and int(old["seed"]) == args.seed and not args.again:
                continue
            row = measure(args.etude, robot, tier, skill, n, args.seed)
            rows[robot, tier, skill] = row
            write_rows(rows)
            print(f"{robot} {tier} {skill} {cell(row)} {row['missing']}", flush=True)
    write_page(rows)


if __name__ == "__main__":
    main()
