#!/usr/bin/env python3
"""What policies learn: skills.py ETUDE CSV [PAGE]

Follows bench/skills/plan.csv: each skill is shown by the scripted trainer, recorded, curated, built,
learned from, and tried on seeds that nobody has seen, all by `etude`'s own commands, a row on one
processor. The trainer does the same seeds. A result that CSV has is not made again while its row of
the plan and its settings stay as they are, nor is what lies in WORK: stop it, and start it again.
Several may run at once, on rows of their own.

    --work FOLDER  (default build-bench/skills)    -j N     rows at a time (default 2)
    -k KIND        rows of this kind only          -s NAME  rows of this skill only (+: several)
    --again        make anew what CSV has, too
"""
import argparse
import csv
import fcntl
import glob
import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import tables

HERE = os.path.dirname(os.path.realpath(__file__))
SHOWN_SEED = 100001  # of the first demonstration; they are tried with 1, 2 ...
SPARE = 1.12  # recorded for one that is kept
SIZE, IMAGE_FPS, STATE_FPS = "128x96", "25", "50"
ROBOTS = ["etude-one", "etude-two", "h1-2"]
FIELDS = ["kind", "skill", "demos", "disturb", "config", "seed", "parameters", "minutes", "successes", "tests",
          "rate", "low", "high", "seconds", "trainer", "missing", "key"]
KINDS = {"state": "State-based: hands, phases, true poses of things", "image": "By cameras, without poses",
         "multi": "One policy for several skills", "robots": "One policy for several robots",
         "curve": "Success against demonstrations"}


def arguments():
    args = argparse.ArgumentParser(usage=__doc__)
    args.add_argument("etude")
    args.add_argument("csv")
    args.add_argument("page", nargs="?")
    args.add_argument("--work", default="build-bench/skills")
    args.add_argument("-j", type=int, default=2)
    args.add_argument("-k", dest="kind")
    args.add_argument("-s", dest="skill")
    args.add_argument("--again", action="store_true")
    return args.parse_args()


class Work:
    """Where things lie, and how they are made once."""

    def __init__(self, etude, folder):
        self.etude, self.folder = os.path.realpath(etude), folder
        for name in ("episodes", "data", "policies", "trainers"):
            os.makedirs(os.path.join(folder, name), exist_ok=True)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def run(self, *words, may_fail_with=()):
        done = subprocess.run([self.etude, *words], capture_output=True, text=True, check=False)
        if done.returncode not in (0, *may_fail_with):
            raise RuntimeError("%s: exit %d: %s" % (" ".join(words), done.returncode, done.stderr.strip()))
        return done.stdout

    def once(self, path, make):
        """make(path) fills a folder; one that was stopped begins anew."""
        if not os.path.exists(path + ".done"):
            shutil.rmtree(path, ignore_errors=True)
            make(path)
            with open(path + ".done", "w", encoding="utf-8"):
                pass
        return path

    def episodes(self, skill, demos, disturb, with_cameras, robot):
        """Demonstrations, curated; their recordings are removed but where their pictures are needed."""
        n = int(demos * SPARE + 2)
        name = "%s-%s-%d%s%s" % (skill, disturb, n, "-pictures" if with_cameras else "",
                                 "-" + robot if robot != ROBOTS[0] else "")

        def make(path):
            options = ["--size", SIZE] if with_cameras else ["--no-cameras"]
            self.run("world", "run", skill, "-n", str(n), "--disturb", disturb, "--seed", str(SHOWN_SEED), *options,
                     "--robot", robot, "-q", "-o", path + "/r")
            self.run("curate", path + "/r", "-o", path + "/e", "-q", "--no-video", may_fail_with=[1])
            if not with_cameras:
                shutil.rmtree(path + "/r")

        return self.once(self.path("episodes", name), make)

    def data(self, skills, demos, disturb, with_cameras, robots):
        named = "-robots" if len(robots) > 1 else "" if robots[0] == ROBOTS[0] else "-" + robots[0]
        name = "%s-%s-%d%s%s" % ("+".join(skills), disturb, demos, "-pictures" if with_cameras else "", named)

        def make(path):
            folders = [self.episodes(s, demos, disturb, with_cameras, r) for s in skills for r in robots]
            options = ["--fps", IMAGE_FPS, "--codec", "h264"] if with_cameras else \
                ["--fps", STATE_FPS, "--video", "drop", "--privileged"]
            if len(folders) > 1:
                options += ["--parts", "union"]
            self.run("dataset", "build", *[f + "/e" for f in folders], "-o", path, "--other", "-q", "--threads", "1",
                     *options)

        return self.once(self.path("data", name), make)

    def chosen(self, data, skills, demos, recorded, disturb, with_cameras, robots):
        """The first `demos` episodes of each skill and robot, which stand in the dataset one after the other."""
        parts = [episodes_of(self.data([s], recorded, disturb, with_cameras, [r])) for s in skills for r in robots]
        if sum(parts) != episodes_of(data):
            raise RuntimeError("%s has %d episodes, its parts %s" % (data, episodes_of(data), parts))
        first, ranges = 0, []
        for n in parts:
            ranges.append("%d-%d" % (first, first + min(n, demos) - 1))
            first += n
        return ",".join(ranges), max(min(n, demos) for n in parts)

    def trainer(self, skill, tests, robot):
        """What the scripted trainer does with the same seeds, in percent."""
        path = self.path("trainers", "%s-%d%s.json" % (skill, tests, "-" + robot if robot != ROBOTS[0] else ""))
        if not os.path.exists(path):
            out = self.run("world", "check", skill, "-n", str(tests), "--seed", "1", "--json", "-q", "--threads", "1",
                           "--robot", robot, may_fail_with=[1])
            with open(path, "w", encoding="utf-8") as file:
                file.write(out)
        return 100 * tables.read_json(path)["skills"][0]["rate"]


def episodes_of(data):
    return tables.read_json(data + "/meta/info.json")["total_episodes"]


def key_of(row, seed, demos, config):
    """What a result hangs on."""
    text = json.dumps([row["kind"], row["skill"], demos, row["disturb"], row["tests"], seed, config])
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def learn(work, row, demos, seed, key, again):
    """One policy, trained and tried; rows for the table, one a skill, or a robot."""
    skills, config = row["skill"].split("+"), os.path.join(HERE, "skills", row["config"] + ".yaml")
    with_cameras = row["kind"] == "image"
    robots = ROBOTS if row["kind"] == "robots" else ROBOTS[:1]
    recorded = {"curve": 200, "robots": demos}.get(row["kind"], max(demos, 125))
    data = work.data(skills, recorded, row["disturb"], with_cameras, robots)
    policy = work.path("policies", "%s-%s-%d-%d-%s" % (row["kind"], skills[0], demos, seed, key))
    if again:
        shutil.rmtree(policy, ignore_errors=True)
    chosen, n_demos = work.chosen(data, skills, demos, recorded, row["disturb"], with_cameras, robots)
    resume = ["--resume"] if glob.glob(policy + "/checkpoints/last") else ["--force"]
    work.run("train", data, "--config", config, "--seed", str(seed), "-o", policy, "-q", "--threads", "1",
             "--episodes", chosen, *resume)
    minutes = float(tables.read_csv(policy + "/metrics.csv")[-1]["seconds"]) / 60  # also of one that was stopped
    parameters = json.loads(work.run("policy", "info", policy, "--json"))["parameters"]
    rows = []
    for robot in robots:
        tests = json.loads(work.run("policy", "run", policy, "-n", row["tests"], "--seed", "1", "--json", "-q",
                                    "--robot", robot, "--threads", "1",
                                    *(["--skill", skills[0]] if len(skills) == 1 else [])))
        for skill in tests["skills"]:
            failures = [f["missing"] for f in skill["failures"]]
            missing = max(set(failures), key=failures.count) if failures else ""
            rows.append({"kind": row["kind"], "skill": skill["skill"] + (" " + robot if len(robots) > 1 else ""),
                         "demos": n_demos, "disturb": row["disturb"], "config": row["config"],
                         "seed": seed, "key": key, "parameters": parameters, "minutes": "%.1f" % minutes,
                         "successes": skill["successes"], "tests": skill["episodes"],
                         "rate": "%.1f" % (100 * skill["rate"]), "low": "%.1f" % (100 * skill["low"]),
                         "high": "%.1f" % (100 * skill["high"]),
                         "seconds": "%.1f" % skill["seconds"] if skill["seconds"] else "",
                         "trainer": "%.1f" % work.trainer(skill["skill"], int(row["tests"]), robot),
                         "missing": missing})
    return rows


def plan(args):
    with open(os.path.join(HERE, "skills", "plan.csv"), encoding="utf-8") as file:
        lines = [line for line in file if not line.startswith("#")]
    for row in csv.DictReader(lines):
        if (args.kind and row["kind"] not in args.kind.split("+")) or \
                (args.skill and not set(args.skill.split("+")) & set(row["skill"].split("+"))):
            continue
        for demos in row["demos"].split("+"):
            for seed in row["seeds"].split("+"):
                config = os.path.join(HERE, "skills", row["config"] + ".yaml")
                with open(config, encoding="utf-8") as file:
                    yield row, int(demos), int(seed), key_of(row, seed, demos, file.read())


def main():
    args = arguments()
    work = Work(args.etude, args.work)
    # A first seed of everything before the second of anything.
    jobs = sorted(plan(args), key=lambda job: job[0]["seeds"].split("+").index(str(job[2])))
    everything = argparse.Namespace(kind=None, skill=None)
    planned = {job[3] for job in plan(everything)}
    has = {r["key"] for r in tables.read_csv(args.csv)}
    failed, lock = [], threading.Lock()

    def do(job):
        try:
            new = learn(work, *job, args.again)
        except RuntimeError as problem:
            failed.append(str(problem))
            print("# %s" % problem, flush=True)
            return
        with lock:
            add(args, planned, new)
        for r in new:
            print("%-6s %-18s %3s demos, seed %s: %s/%s = %s %% [%s, %s], trainer %s %%, %s min%s" % (
                r["kind"], r["skill"], r["demos"], r["seed"], r["successes"], r["tests"], r["rate"], r["low"],
                r["high"], r["trainer"], r["minutes"], "; " + r["missing"] if r["missing"] else ""), flush=True)

    with ThreadPoolExecutor(args.j) as pool:
        list(pool.map(do, [job for job in jobs if args.again or job[3] not in has]))
    return 1 if failed else 0


def add(args, planned, new):
    """To what the table has by now, without what is not planned any more."""
    with open(os.path.join(args.work, "lock"), "w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        keys = planned - {r["key"] for r in new}
        rows = [r for r in tables.read_csv(args.csv) if r["key"] in keys] + new
        rows.sort(key=lambda r: (list(KINDS).index(r["kind"]), r["skill"], int(r["demos"]), int(r["seed"])))
        write(args, rows)


def write(args, rows):
    with open(args.csv + ".part", "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    os.rename(args.csv + ".part", args.csv)
    if args.page:
        tables.write_page(args.page, "skills", page_of(rows))


def page_of(rows):
    """The tables, in Markdown."""
    text = []
    for kind, head in KINDS.items():
        of_kind = [r for r in rows if r["kind"] == kind]
        if not of_kind:
            continue
        text += ["### " + head, "",
                 "| skill | demonstrations | seed | minutes | success | 95 % | trainer | s | what failed most |",
                 "|---|---|---|---|---|---|---|---|---|"]
        text += ["| %s | %s | %s | %s | %s/%s = %s %% | %s–%s | %s %% | %s | %s |" % (
            r["skill"], r["demos"], r["seed"], r["minutes"], r["successes"], r["tests"], r["rate"], r["low"],
            r["high"], r["trainer"], r["seconds"], r["missing"]) for r in of_kind]
        text.append("")
    return "\n".join(text)


if __name__ == "__main__":
    sys.exit(main())
