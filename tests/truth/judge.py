"""Truth recordings are made, curated, and judged: judge.py MAKE ETUDE TABLE prints TAP.

    judge.py MAKE ETUDE TABLE --markdown 1 2 3      the tables of doc/truth-recordings.md

The programs are truth_recordings, etude, truth_table. Every row of the table that has a limit must
be within it. The robot's masses come from ETUDE_TEST_DATA, where that is set: without them nothing
is looked for that pushes show in. With JUDGE_MAGNITUDES="1 2 3" the test goes over all of them.
"""

import os
import subprocess
import sys
import tempfile

try:
    import rosbag
except ImportError:
    rosbag = None

DATA = os.environ.get("ETUDE_TEST_DATA", "")
URDF = os.path.join(DATA, "urdf/g1_29dof_rev_1_0.urdf")
COLUMNS = 80


def run(args):
    done = subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, encoding="utf-8")
    if done.returncode > 1:
        raise SystemExit(f"Bail out! {args[0]} ended with {done.returncode}: {done.stderr[-600:]}")
    return done


def judge(programs, magnitude, form=None):
    """The table's text, and whether all is within limits."""
    make, etude, table = programs
    with tempfile.TemporaryDirectory() as work:
        folder, episodes = f"{work}/recordings", f"{work}/episodes"
        data = ["--data", DATA] if DATA else ["--data", "/none"]
        for only in ["unitree", "ros2"] + (["kuavo"] if rosbag else []):
            run([make, folder, "--magnitude", str(magnitude), "--only", only, *data])
        # Of other robots than the G1 curate remarks that the URDF is not theirs.
        masses = ["--urdf", URDF] if DATA and os.path.exists(URDF) else []
        if run([etude, "curate", folder, "-o", episodes, "-q", *masses]).returncode != 0:
            raise SystemExit("Bail out! no episodes")
        done = run([table, folder, episodes, *([form] if form else [])])
        return done.stdout, done.returncode == 0


def main(arguments):
    programs, rest = arguments[:3], arguments[3:]
    if rest[:1] == ["--markdown"]:
        texts = [judge(programs, magnitude, "--markdown") for magnitude in rest[1:]]
        print("\n".join(text for text, _ in texts), end="")
        return 0 if all(is_within for _, is_within in texts) else 1
    number = 0
    if not rosbag:
        print("# without the Kuavo's: python3-rosbag is not installed")
    for magnitude in os.environ.get("JUDGE_MAGNITUDES", "2").split():
        text, is_within = judge(programs, magnitude)
        lines = text.splitlines()
        for line in lines:
            if not is_within or line.endswith("?") or line == lines[-1]:
                print("#", line)
        number += 1
        print("ok" if is_within else "not ok", number, f"- all that is found at magnitude {magnitude} is within limits")
        number += 1
        fits = all(len(line) <= COLUMNS for line in lines) and lines[-1].endswith(" within limits")
        print("ok" if fits else "not ok", number, "- the table fits 80 columns and ends with the count")
    print(f"1..{number}")
    return 0


sys.exit(main(sys.argv[1:]))
