#!/usr/bin/env python3
"""Whether recordings that nobody spoiled pass curation: clean.py ETUDE CSV [PAGE]

Every skill in turn, by the careful hand on etude-one with its three cameras, tier controlled, from
seeds that nothing was tuned with: recorded, curated, and every finding of severity warn or above
told. An episode that fails is told and is not counted. PAGE, between its two marks, gets the result.

    -n N          episodes that succeed (default 50)     -j N     at a time (default 2)
    --size WxH    of the pictures (default 640x480)
"""
import argparse
import csv
import glob
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

SEED = 9000


class Bench:
    def __init__(self, etude, folder, size):
        self.etude, self.folder, self.size = etude, folder, size

    def run(self, *words):
        done = subprocess.run([self.etude, *words], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit("clean.py: %s: %s" % (" ".join(words), done.stderr))
        return json.loads(done.stdout)

    def skills(self):
        return [s["skill"] for s in self.run("world", "list", "--json")["skills"]]

    def episode(self, skill, seed):
        """A row of the table."""
        place = tempfile.mkdtemp(dir=self.folder)
        try:
            made = self.run("world", "run", skill, "--seed", str(seed), "--size", self.size, "-q", "--json",
                            "-o", place + "/r")["episodes"][0]
            self.run("curate", place + "/r", "-o", place + "/e", "-q", "--json")
            (path,) = glob.glob(place + "/e/*/*/episode.json")
            with open(path, encoding="utf-8") as file:
                findings = json.load(file)["findings"]
        finally:
            shutil.rmtree(place)
        bad = ["%s: %s" % (f["kind"], f["text"]) for f in findings if f["severity"] != "info"]
        return {"skill": skill, "seed": seed, "result": made["result"], "missing": made["missing"] or "",
                "notes": len(findings) - len(bad), "warnings": len(bad), "texts": "; ".join(bad)}


def text_of(rows, size):
    good = [r for r in rows if r["result"] == "success"]
    bad = [r for r in good if r["warnings"]]
    failed = [r for r in rows if r["result"] != "success"]
    skills = len({r["skill"] for r in good})
    lines = ["%d episodes of %d skills that succeed, pictures of %s, seeds from %d on: **%d without a finding of "
             "severity `warn` or above**." % (len(good), skills, size.replace("x", " × "), SEED, len(good) - len(bad))]
    lines += ["", "Not clean:", ""] + ["- `%s`, seed %s: %s" % (r["skill"], r["seed"], r["texts"]) for r in bad] if bad else []
    lines += ["", "Not counted, because the trainer failed:", ""] if failed else []
    lines += ["- `%s`, seed %s: %s%s" % (r["skill"], r["seed"], r["missing"],
                                         "; found: " + r["texts"] if r["texts"] else "; nothing found") for r in failed]
    return "\n".join(lines) + "\n"


def write_page(path, text):
    with open(path, encoding="utf-8") as file:
        page = file.read()
    begin, end = "<!-- bench/clean.py -->\n", "<!-- end -->\n"
    head, rest = page.split(begin)
    with open(path, "w", encoding="utf-8") as file:
        file.write(head + begin + "\n" + text + "\n" + end + rest.split(end, 1)[1])


def measure(bench, pool, n_at_a_time, n):
    """Every skill of a seed, then of the next, until n succeed; no more than that are kept."""
    rows, good = [], 0
    plays = ((skill, seed) for seed in itertools.count(SEED) for skill in bench.skills())
    while good < n:
        for row in pool.map(lambda play: bench.episode(*play), itertools.islice(plays, n_at_a_time)):
            if good == n:
                break
            rows.append(row)
            good += row["result"] == "success"
            print("%d of %d, %s seed %d: %s, %d warnings" % (good, n, row["skill"], row["seed"], row["result"],
                                                             row["warnings"]), file=sys.stderr, flush=True)
    return rows


def main():
    args = argparse.ArgumentParser(usage=__doc__)
    args.add_argument("etude")
    args.add_argument("csv")
    args.add_argument("page", nargs="?")
    args.add_argument("-n", type=int, default=50)
    args.add_argument("-j", type=int, default=2)
    args.add_argument("--size", default="640x480")
    args = args.parse_args()
    if not re.fullmatch(r"\d+x\d+", args.size):
        args.error("--size: WxH")
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR", "/var/tmp")) as folder, \
            ThreadPoolExecutor(args.j) as pool:
        rows = measure(Bench(os.path.realpath(args.etude), folder, args.size), pool, args.j, args.n)
    with open(args.csv, "w", newline="", encoding="utf-8") as file:
        out = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        out.writeheader()
        out.writerows(rows)
    print(text_of(rows, args.size))
    if args.page:
        write_page(args.page, text_of(rows, args.size))


if __name__ == "__main__":
    sys.exit(main())
