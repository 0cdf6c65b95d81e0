#!/usr/bin/env python3
"""Hours of recording: bench/soak.py ETUDE CSV [MINUTES [ROBOTS]]

A hall of synthetic robots sends to a hub (`etude agent --synthetic`, `etude record --hub`) whose
process is killed every half minute or so, at a random moment, and begun again; beside it a station
records the virtual robot's attempts, one after the other, until the end. What is read back in the
end: every sample that an agent sent, once; nothing that cannot be opened; and how much memory and
how many descriptors each process held in the first minute and in the last.
"""
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

etude, csv = sys.argv[1:3]
MINUTES = float(sys.argv[3]) if len(sys.argv) > 3 else 10
ROBOTS = int(sys.argv[4]) if len(sys.argv) > 4 else 4
STATION = """station: kitchen-1
trainer: t07
skill: press_button
instruction: press the button
folder: {folder}/live
sources:
  robot: {{kind: world, skill: press_button, cameras: false}}
"""


def look(pid):
    """Memory in MB, and descriptors; None: it is gone."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as f:
            kb = next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))
        return kb / 1024, len(os.listdir(f"/proc/{pid}/fd"))
    except (OSError, StopIteration):
        return None


def hub(folder):
    process = subprocess.Popen([etude, "record", "--hub", "unix:" + folder + "/socket", "-o", folder + "/hall",
                                "--json", "-q"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    for _ in range(400):
        if os.path.exists(folder + "/socket") or process.poll() is not None:
            break
        time.sleep(0.05)
    return process


def recordings(folder):
    return sorted(os.path.join(at, name) for at, _, names in os.walk(folder) for name in names
                  if name.endswith(".mcap"))


def messages(path):
    """Of all topics but the recorder's own; 0 is a recording that was killed in its head."""
    told = subprocess.run([etude, "info", path, "--json"], stdout=subprocess.PIPE, check=False)
    if told.returncode:
        sys.exit(f"{path} cannot be read")
    return sum(t["messages"] for t in json.loads(told.stdout)["topics"] if t["topic"] not in ("/events", "/clocks", "/link"))


class Watched:
    """What a process held while it lived: a list of (MB, descriptors) of each of its minutes."""

    def __init__(self):
        self.minutes = []

    def note(self, minute, pid):
        held = look(pid)
        if not held:
            return
        while len(self.minutes) <= minute:
            self.minutes.append([0, 0])
        self.minutes[minute] = [max(a, b) for a, b in zip(self.minutes[minute], held)]

    def first_and_last(self):
        known = [m for m in self.minutes if m[0]]
        return known[min(1, len(known) - 1)], known[-1]


def run(folder):
    rng = random.Random(1)
    watched = {"hub": Watched(), "agents": Watched(), "station": Watched()}
    station_file = folder + "/station.yaml"
    with open(station_file, "w", encoding="utf-8") as f:
        f.write(STATION.format(folder=folder))
    seconds = MINUTES * 60
    recorder = hub(folder)
    with open(folder + "/agents.json", "w", encoding="utf-8") as out:
        agents = subprocess.Popen([etude, "agent", "--synthetic", str(ROBOTS), "--to", "unix:" + folder + "/socket",
                                   "--seconds", str(seconds), "--json", "-q"], stdout=out)
    station = subprocess.Popen([etude, "record", "--station", station_file, "--seconds", str(seconds), "-q", "--json"],
                               stdout=subprocess.PIPE, text=True)
    begun, n_kills, next_kill = time.time(), 0, 20.0
    while agents.poll() is None:
        now = time.time() - begun
        for name, process in (("hub", recorder), ("agents", agents), ("station", station)):
            watched[name].note(int(now / 60), process.pid)
        if now >= next_kill and now < seconds - 10:
            recorder.kill()
            recorder.wait()
            os.unlink(folder + "/socket")
            time.sleep(rng.uniform(0, 3))
            recorder = hub(folder)
            n_kills += 1
            next_kill = now + rng.uniform(5, 60)
            print(f"{now:6.0f} s  kill {n_kills}", flush=True)
        time.sleep(0.5)
    recorder.send_signal(signal.SIGINT)
    recorder.wait()
    live = json.loads(station.communicate()[0])
    with open(folder + "/agents.json", encoding="utf-8") as f:
        sent = json.load(f)
    return watched, n_kills, sent, live


def main():
    folder = tempfile.mkdtemp(prefix="etude-soak-", dir=os.environ.get("TMPDIR", "/var/tmp"))
    rows = []

    def row(measure, value, unit, wanted=None):
        holds = ""
        if wanted:
            holds = "yes" if value <= float(wanted[3:]) else "NO"
        print(f"{measure:<60} {value:12.6g} {unit:<6} {wanted or ''} {holds}", flush=True)
        rows.append(f"{measure},{value:.9g},{unit},,0,0,{wanted or ''},{holds}")

    try:
        watched, n_kills, sent, live = run(folder)
        parts = [p for p in recordings(folder + "/hall")]
        row("minutes", MINUTES, "")
        row("robots", ROBOTS, "")
        row("kills of the hub", n_kills, "")
        n_found = sum(messages(p) for p in parts)
        row("samples sent", sent["samples"], "")
        row("  in the recordings", n_found, "")
        row("  missing", max(0, sent["samples"] - n_found), "", "<= 0")
        row("  there twice", max(0, n_found - sent["samples"]), "", "<= 0")
        row("  dropped by the agents", sent["lost"], "", "<= 0")
        row("recordings of the hub", len(parts), "")
        row("  unfinished", sum(name.endswith(".part") for _, _, names in os.walk(folder) for name in names), "",
            "<= 0")
        row("attempts at the station", live["done"], "")
        row("  dropped or lost", live["dropped"] + live["lost"], "", "<= 0")
        for name, w in watched.items():
            first, last = w.first_and_last()
            row(f"{name}: memory in the second minute", first[0], "MB")
            row("  in the last", last[0], "MB", f"<= {1.25 * first[0] + 16:.0f}")
            row("  descriptors in the second minute", first[1], "")
            row("  in the last", last[1], "", f"<= {first[1] + 8}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    with open(csv, "w", encoding="utf-8") as out:
        out.write("measure,value,unit,yardstick,yardstick_value,ratio,wanted,holds\n")
        out.write("\n".join(rows) + "\n")


main()
