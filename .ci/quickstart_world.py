"""Of recordings of the virtual centre: what was planted, and what curating found of it.

    quickstart_world.py RECORDINGS EPISODES
"""

import glob
import json
import os
import sys

recordings, episodes = sys.argv[1:3]


def load(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


found = {}  # of a recording's file name: kinds of findings, with their severity
for path in glob.glob(os.path.join(episodes, "*", "recording.json")):
    name = os.path.basename(load(path)["path"])
    for episode in glob.glob(os.path.join(os.path.dirname(path), "*", "episode.json")):
        for finding in load(episode)["findings"]:
            found.setdefault(name, {}).setdefault(finding["kind"], finding["severity"])

rows = [("recording", "done", "planted", "found")]
for path in sorted(glob.glob(os.path.join(recordings, "*.truth.json"))):
    truth = load(path)
    name = os.path.basename(path).replace(".truth.json", ".mcap")
    kinds = found.get(name, {})
    wanted = [fault["finding"] for fault in truth["faults"] if fault["finding"]]
    told = sorted(k for k, s in kinds.items() if s in ("warn", "error") or k in wanted)
    rows.append((name[:-5], "yes" if truth["is_success"] else "no",
                 ", ".join(f["fault"] for f in truth["faults"]) or "-", ", ".join(told) or "-"))
widths = [max(len(row[i]) for row in rows) for i in range(4)]
for i, row in enumerate(rows):
    print("  ".join(text.ljust(width) for text, width in zip(row, widths)).rstrip())
    if i == 0:
        print("  ".join("─" * width for width in widths))
