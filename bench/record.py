#!/usr/bin/env python3
"""A hall of robots into one recorder: bench/record.py ETUDE CSV

`etude record --hub` is one process, `etude agent --synthetic N` beside it sends N robots of a
humanoid's streams. What counts is the processor time of the recorder a robot and second, all of its
threads, from its start to its end, finished recordings and their hashes included: medians of
several runs, by a Unix socket and by TCP. From it follows how many robots keep two processors at
80 %. Then as many as ETUDE_BENCH_ROBOTS says (default 100, beside the makers of the
streams on the same two processors) for a minute, all read back and compared by number.
"""
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ROBOTS, SECONDS, RUNS = 30, 20, 3
MANY, LONG = int(os.environ.get("ETUDE_BENCH_ROBOTS", "100")), 60
WANTED_MS = 16.0


def wait_for(path, process):
    for _ in range(200):
        if os.path.exists(path) or process.poll() is not None:
            return
        time.sleep(0.05)


def run(etude, address, robots, seconds, more=()):
    """The recorder's JSON, the agents' JSON, and the recorder's processor time in seconds."""
    folder = tempfile.mkdtemp(prefix="etude-bench-", dir=os.environ.get("TMPDIR", "/var/tmp"))
    try:
        unix = os.path.join(folder, "socket")
        to = address or "unix:" + unix
        with open(os.path.join(folder, "hub.json"), "w+", encoding="utf-8") as out:
            hub = subprocess.Popen([etude, "record", "--hub", to, "-o", os.path.join(folder, "r"),
                                    "--json", "-q", *more], stdout=out)
            if address:
                time.sleep(1)
            else:
                wait_for(unix, hub)
            sent = subprocess.run([etude, "agent", "--synthetic", str(robots), "--to", to, "--seconds",
                                   str(seconds), "--json", "-q"], stdout=subprocess.PIPE, check=False)
            hub.send_signal(signal.SIGINT)
            _, status, used = os.wait4(hub.pid, 0)
            hub.returncode = os.waitstatus_to_exitcode(status)
            out.seek(0)
            text = out.read()
        if hub.returncode not in (0, 1) or sent.returncode not in (0, 1):
            sys.exit(f"{to}: the recorder ended with {hub.returncode}, the agents with {sent.returncode}")
        return json.loads(text), json.loads(sent.stdout), used.ru_utime + used.ru_stime
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main():
    etude, csv = sys.argv[1:3]
    rows = []

    def row(measure, value, unit, wanted=None):
        holds = ""
        if wanted:
            limit = float(wanted[3:])
            holds = "yes" if (value <= limit if wanted[0] == "<" else value >= limit) else "NO"
        print(f"{measure:<60} {value:12.4g} {unit:<6} {wanted or ''} {holds}", flush=True)
        rows.append(f"{measure},{value:.6g},{unit},,0,0,{wanted or ''},{holds}")

    for name, address in (("Unix socket", None), ("TCP", "127.0.0.1:17447")):
        runs = [run(etude, address, ROBOTS, SECONDS) for _ in range(RUNS)]
        share = ROBOTS * SECONDS

        def median(value, runs=runs):
            return statistics.median(value(*r) for r in runs)
        cpu_ms = median(lambda hub, sent, cpu: 1e3 * cpu / share)
        row(f"CPU a robot and second by {name}", cpu_ms, "ms", f"<= {WANTED_MS:g}")
        row("  of it while they send", median(lambda hub, sent, cpu: 1e3 * hub["cpu_s"] / share), "ms")
        row("  of that the thread that writes",
            median(lambda hub, sent, cpu: 1e3 * hub["writer_cpu_s"] / share), "ms")
        row("  of the agents", median(lambda hub, sent, cpu: 1e3 * sent["cpu_s"] / share), "ms")
        row("  in, a robot", median(lambda hub, sent, cpu: hub["bytes_in"] / share / 1e6), "MB/s")
        row("  to disk, a robot", median(lambda hub, sent, cpu: hub["bytes"] / share / 1e6), "MB/s")
        row("  safe after (p50)", median(lambda hub, sent, cpu: hub["window_p50_ms"]), "ms")
        row("  safe after (p99)", median(lambda hub, sent, cpu: hub["window_p99_ms"]), "ms")
        row("  fullest feed", median(lambda hub, sent, cpu: 100 * hub["ring_share_max"]), "%")
        row(f"robots at 80 % of two processors by {name}", 1600 / cpu_ms, "", ">= 100")
    hub, sent, _ = run(etude, "127.0.0.1:17447", MANY, LONG, ["--check"])
    row(f"{MANY} robots for {LONG} s: samples sent", sent["samples"], "")
    row("  read back", hub["read"], "")
    row("  missing or wrong by number", hub["missing"] + sent["samples"] - hub["read"], "", "<= 0")
    row("  dropped or lost", hub["dropped"] + hub["lost"] + sent["lost"], "", "<= 0")
    row("  CPU a robot and second while they send", 1e3 * hub["cpu_s"] / MANY / LONG, "ms")
    row("  safe after (p50)", hub["window_p50_ms"], "ms")
    row("  safe after (p99)", hub["window_p99_ms"], "ms")
    row("  fullest feed", 100 * hub["ring_share_max"], "%")
    with open(csv, "w", encoding="utf-8") as out:
        out.write("measure,value,unit,yardstick,yardstick_value,ratio,wanted,holds\n")
        out.write("\n".join(rows) + "\n")


main()
