"""Truth recordings are what they say: check.py PROGRAM prints TAP.

Eight seconds of made motion, twice: the same bytes, and what lies in the files against the truth beside
them, read without Étude (SQLite, and Debian's rosbag where it is installed).
"""

import array
import filecmp
import json
import os
import sqlite3
import struct
import subprocess
import sys
import tempfile

try:
    import rosbag
except ImportError:
    rosbag = None

number = 0


def ok(is_true, text):
    global number
    number += 1
    print(f"{'ok' if is_true else 'not ok'} {number} - {text}")


def make(program, folder, only, magnitude):
    subprocess.run(
        [program, folder, "--magnitude", str(magnitude), "--seconds", "8", "--only", only, "--data", "/none"],
        check=True,
        stderr=subprocess.DEVNULL,
    )


def same(a, b):
    names = [os.path.join(d, f) for d, _, files in os.walk(a) for f in files]
    return all(filecmp.cmp(n, b + n[len(a) :], shallow=False) for n in names)


def truth_of(folder, name):
    with open(f"{folder}/{name}.truth.json", encoding="utf-8") as file:
        truth = json.load(file)
    topics = {}
    for stream in truth["streams"].values():
        times = array.array("q")
        with open(f"{folder}/{stream['true_times']}", "rb") as file:
            times.frombytes(file.read())
        topics[stream["topic"]] = (stream, times)
    return truth, topics


def shows(truth, clock, t_ns):
    """What the device shows at a true time."""
    since = [r for r in clock["resets_ns"] if r <= t_ns]
    if since:
        base, past = clock["shows_after_reset_ns"][len(since) - 1], t_ns - since[-1]
    else:
        base, past = truth["begin_ns"] + clock["offset_ns"], t_ns - truth["begin_ns"]
    return base + past + past * clock["drift_ppm"] * 1e-6


def fits(truth, topics, messages):
    """Messages (topic, arrival, stamp or None) against what is true of them."""
    counts, late, wrong, falls, last = {}, 0, 0, 0, 0
    for topic, arrival, stamp in messages:
        falls += arrival < last
        last = arrival
        if topic not in topics:
            continue
        stream, times = topics[topic]
        i = counts.get(topic, 0)
        counts[topic] = i + 1
        late += arrival < times[i] + stream["min_delay_ns"] - 2
        if stamp is not None and i not in stream["disordered"]:
            wrong += abs(stamp - shows(truth, stream["clock"], times[i])) > 1000
    ok(falls == 0 and late == 0, "arrivals rise, none before its least delay")
    ok(wrong == 0, "stamps are what the devices' clocks show")
    ok(counts == {t: len(v[1]) for t, v in topics.items()}, "messages are as many as true times")


def ros2_messages(folder):
    db = sqlite3.connect(f"{folder}/ros2/ros2_0.db3")
    topics = dict(db.execute("SELECT id, name FROM topics"))
    for topic, t_ns, data in db.execute("SELECT topic_id, timestamp, data FROM messages ORDER BY id"):
        stamp = None
        if topics[topic] not in ("/episode", "/tf"):
            seconds, ns = struct.unpack_from("<iI", data, 4)
            stamp = seconds * 10**9 + ns
        yield topics[topic], t_ns, stamp


def kuavo_messages(folder):
    with rosbag.Bag(f"{folder}/kuavo.bag") as bag:
        for topic, message, t in bag.read_messages():
            yield topic, t.to_nsec(), message.header.stamp.to_nsec()


def main(program):
    with tempfile.TemporaryDirectory() as folder:
        for only in ["unitree", "ros2"] + (["kuavo"] if rosbag else []):
            for copy in ("a", "b"):
                make(program, f"{folder}/{copy}", only, 3)
            ok(same(f"{folder}/a", f"{folder}/b"), f"{only}: the same arguments give the same bytes")
        fits(*truth_of(f"{folder}/a", "ros2"), ros2_messages(f"{folder}/a"))
        if rosbag:
            fits(*truth_of(f"{folder}/a", "kuavo"), kuavo_messages(f"{folder}/a"))
        else:
            print("# skipped: python3-rosbag is not installed")
    print(f"1..{number}")


main(sys.argv[1])
