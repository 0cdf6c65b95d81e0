#!/usr/bin/env python3
"""Random frames as they are usually read with PyAV: bench/loader_pyav.py VIDEO N CSV

For each of N random frames the file is opened, the key frame before is sought, and frames are
decoded until the one that is wanted, which becomes RGB: what LeRobot's decode_video_frames does with
its PyAV backend. The loader's row of CSV, a sample with such a frame, gets one behind it that compares
them: frames a second of processor time, the median of three runs.
"""
import csv
import random
import statistics
import sys
import time

import av


def frame_at(path, k, fps):
    with av.open(path) as container:
        stream = container.streams.video[0]
        stream.thread_type = "NONE"
        stream.codec_context.thread_count = 1
        container.seek(int(k / fps / stream.time_base), stream=stream, backward=True)
        for frame in container.decode(stream):
            if round(float(frame.pts * stream.time_base) * fps) >= k:
                return frame.to_ndarray(format="rgb24")
    raise EOFError(k)


def frames_a_second(path, n):
    with av.open(path) as container:
        stream = container.streams.video[0]
        n_frames, fps = stream.frames, float(stream.average_rate)
    chance = random.Random(1)
    begin = time.process_time()
    for _ in range(n):
        frame_at(path, chance.randrange(n_frames), fps)
    return n / (time.process_time() - begin)


def main():
    path, n, table = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    theirs = statistics.median(frames_a_second(path, n) for _ in range(3))
    with open(table, newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    ours = float(rows[-1][1])
    ratio = ours / theirs
    rows.append(["  the same beside PyAV's frame alone", "%g" % ours, "1/s", "PyAV", "%g" % theirs, "%.4f" % ratio, ">= 5",
                 "yes" if ratio >= 5 else "no"])
    with open(table, "w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
    print("PyAV: %.0f frames a second, the loader %.1f times as many" % (theirs, ratio))


main()
