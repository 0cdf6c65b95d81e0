"""The official MCAP conformance cases: every record printed as it should be, and every file written
to the byte.

    mcap_judge.py ETUDE     prints TAP
"""

import json
import os
import re
import subprocess
import sys

ETUDE = sys.argv[1]
FOLDER = os.path.join(os.environ.get("ETUDE_TEST_DATA", "../shared/data"), "mcap-conformance")
INDEXED = {"ch", "chx", "rch", "rsh"}

n_tests = 0


def result(name, problems):
    global n_tests
    n_tests += 1
    for problem in problems[:10]:
        print(f"# {problem}")
    print(f"{'not ok' if problems else 'ok'} {n_tests} - {name}")


def judge(mode, *command):
    """What the independent judge says: "streamed: pass 416 fail 0 skipped 0"."""
    run = subprocess.run([sys.executable, os.path.join(FOLDER, "judge.py"), mode, ETUDE, "mcap",
                          *command], capture_output=True, text=True, check=False)
    lines = run.stdout.strip().splitlines()
    counts = re.match(r"\w+: pass (\d+) fail (\d+)", lines[-1]) if lines else None
    return (int(counts[1]) if counts else 0), [] if run.returncode == 0 else lines[-10:]


def cases():
    data = os.path.join(FOLDER, "data")
    for base in sorted(os.listdir(data)):
        for name in sorted(os.listdir(os.path.join(data, base))):
            if name.endswith(".json"):
                path = os.path.join(data, base, name)
                with open(path, encoding="utf-8") as file:
                    yield path[:-5], json.load(file)


def features(case):
    return set(case["meta"]["variant"]["features"])


def field(record, name):
    return dict((key, value) for key, value in record["fields"])[name]


def by_time(case):
    """Messages as an index gives them: by log time, equal ones as they were written."""
    messages = [r for r in case["records"] if r["type"] == "Message"]
    return sorted(messages, key=lambda r: int(field(r, "log_time")))


def padded():
    bad, n = [], 0
    for path, case in cases():
        if "pad" not in features(case):
            continue
        n += 1
        made = subprocess.run([ETUDE, "mcap", "from-json", path + ".json"], capture_output=True,
                              check=False).stdout
        with open(path + ".mcap", "rb") as file:
            if made != file.read():
                bad.append(os.path.basename(path))
    return bad if n == 208 else [f"{n} cases, not 208"]


def without_message_index():
    bad, n = [], 0
    for path, case in cases():
        wanted = by_time(case)
        if not INDEXED <= features(case) or "mx" in features(case) or not wanted:
            continue
        if not any(r["type"] == "Schema" for r in case["records"]):
            continue
        n += 1
        run = subprocess.run([ETUDE, "mcap", "dump-json", "--indexed", path + ".mcap"],
                             capture_output=True, text=True, check=False)
        if run.returncode != 0 or json.loads(run.stdout)["messages"] != wanted:
            bad.append(os.path.basename(path))
    return bad if n == 16 else [f"{n} cases, not 16"]


if not os.path.isfile(os.path.join(FOLDER, "judge.py")):
    print("ok 1 - the official cases # SKIP no data\n1..1")
    sys.exit(0)
for mode, wanted, command in (("streamed", 416, ("dump-json",)),
                              ("indexed", 16, ("dump-json", "--indexed")),
                              ("writer", 208, ("from-json",))):
    n_passed, problems = judge(mode, *command)
    result(f"{mode}: {wanted} of {wanted}", problems or ([] if n_passed == wanted else [str(n_passed)]))
result("written with padding: 208 of 208, to the byte", padded())
result("in the order of time without message indexes: 16 of 16", without_message_index())
print(f"1..{n_tests}")
