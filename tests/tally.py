"""Counts statements: one TAP line is one test. A program that ended badly without saying so counts
as one failure, so that a crash can never pass.

    tally.py LABEL TESTLOG.json RESULTS    adds a run of `meson test` to RESULTS and prints failures
    tally.py --total RESULTS               prints the sum as the last line; exits with 1 on a failure
"""

import json
import re
import sys


def statements(stdout):
    for line in stdout.splitlines():
        match = re.match(r"(ok|not ok) \d+(?: - )?(.*)", line)
        if match:
            name, _, skip = match.group(2).partition(" # SKIP")
            kind = "skip" if skip and match.group(1) == "ok" else match.group(1)
            yield kind, (name + (": " + skip.strip() if skip else "")).strip()


def failures(stdout):
    """What did not hold, each with what was said about it: it may lie far above a log's end."""
    said = False
    for line in stdout.splitlines():
        said = line.startswith("not ok ") or said and line.startswith("#")
        if said:
            yield line


def add(label, log, results):
    counts = {"ok": 0, "not ok": 0, "skip": 0}
    with open(log, encoding="utf-8") as lines, open(results, "a", encoding="utf-8") as out:
        for line in lines:
            test = json.loads(line)
            name = test["name"].split("/")[-1].split(" ")[-1]
            n_bad = 0
            for kind, text in statements(test.get("stdout", "")):
                counts[kind] += 1
                n_bad += kind == "not ok"
                out.write(f"{kind} {label}/{name}: {text}\n")
            if test["result"] not in ("OK", "EXPECTEDFAIL", "SKIP") and n_bad == 0:
                counts["not ok"] += 1
                n_bad = 1
                out.write(f"not ok {label}/{name}: ended with {test['result']}\n")
            if n_bad:
                print(f"FAILED {name} ({test['result']})")
                out_text = test.get("stdout", "")
                text = out_text[-6000:] + test.get("stderr", "")[-6000:]
                rows = list(failures(out_text))[:40] + text.splitlines()[-60:]
                print("\n".join("    " + row for row in rows))
    print(f"{label}: {counts['ok']} passed, {counts['not ok']} failed, {counts['skip']} skipped")


def total(results):
    counts = {"ok": 0, "not ok": 0, "skip": 0}
    with open(results, encoding="utf-8") as lines:
        for line in lines:
            for kind in ("not ok", "skip", "ok"):
                if line.startswith(kind + " "):
                    counts[kind] += 1
                    if kind != "ok":
                        print(line.rstrip())
                    break
    print(f"{counts['ok']} passed, {counts['not ok']} failed, {counts['skip']} skipped")
    return counts["not ok"] > 0 or counts["ok"] + counts["skip"] == 0


if __name__ == "__main__":
    if sys.argv[1] == "--total":
        sys.exit(total(sys.argv[2]))
    add(sys.argv[1], sys.argv[2], sys.argv[3])
