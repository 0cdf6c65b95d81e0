#!/usr/bin/env python3
"""Whether recordings that nobody spoiled pass curation: clean.py ETUDE CSV [PAGE]

Every skill in turn, by the careful hand on etude-one with its three cameras, tier controlled, from
seeds that nothing was tuned with: recorded, curated, and every finding of severity warn or above
told. An episode that fails is told and is not counted. PAGE, between its two marks, gets the result.

    -n N          episodes that succeed (default 50)     -j N     at a time (default 2)
    --size WxH    of the pictures (default 640x480)
"""
import itertools
import re
import sys

import tables

SEED = 9000


def try_one(centre, skill, seed, size):
    """A row of the table."""
    truth, findings = centre.episode(skill, "--size", size, seed=seed)
    bad = ["%s: %s" % (f["kind"], f["text"]) for f in findings if f["severity"] != "info"]
    return {"skill": skill, "seed": seed, "result": "success" if truth["is_success"] else "failure",
            "missing": truth["missing"] or "", "notes": len(findings) - len(bad), "warnings": len(bad),
            "texts": "; ".join(bad)}


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


def measure(centre, pool, n_at_a_time, n, size):
    """Every skill of a seed, then of the next, until n succeed; no more than that are kept."""
    rows, good = [], 0
    skills = [s["skill"] for s in centre.world()["skills"]]
    plays = ((skill, seed) for seed in itertools.count(SEED) for skill in skills)
    while good < n:
        for row in pool.map(lambda play: try_one(centre, *play, size), itertools.islice(plays, n_at_a_time)):
            if good == n:
                break
            rows.append(row)
            good += row["result"] == "success"
            print("%d of %d, %s seed %d: %s, %d warnings" % (good, n, row["skill"], row["seed"], row["result"],
                                                             row["warnings"]), file=sys.stderr, flush=True)
    return rows


def main():
    parser = tables.arguments(__doc__, 50)
    parser.add_argument("--size", default="640x480")
    args = parser.parse_args()
    if not re.fullmatch(r"\d+x\d+", args.size):
        parser.error("--size: WxH")
    rows = tables.run_with(args.etude, args.j,
                           lambda centre, pool: measure(centre, pool, args.j, args.n, args.size))
    tables.write_csv(args.csv, rows)
    print(text_of(rows, args.size))
    if args.page:
        tables.write_page(args.page, "clean", text_of(rows, args.size))


if __name__ == "__main__":
    sys.exit(main())
