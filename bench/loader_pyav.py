#!/usr/bin/env python3
"""Random frames as they are usually read with PyAV: bench/loader_pyav.py VIDEO N CSV

For each of N random frames the file is opened, the key frame before is sought, and frames are
decoded until the one that is wanted, which becomes RGB: what LeRobot's decode_video_frames does with
its PyAV backend. Beside it the same with a file that stays open. The loader's last row of CSV, a
sample with such a frame, gets a row behind it for each: frames a second of processor time, the median
of three runs.
"""
import csv
import random
import statistics
import sys
import time

import av


def opened(path):
    container = av.open(path)
    stream = container.streams.video[0]
    stream.thread_type = "NONE"
    stream.codec_context.thread_count = 1
    return container


def frame_at(container, k, fps):
    stream = container.streams.video[0]
    container.seek(int(k / fps / stream.time_base), stream=stream, backward=True)
    for frame in container.decode(stream):
        if round(float(frame.pts * stream.time_base) * fps) >= k:
            return frame.to_ndarray(format="rgb24")
    raise EOFError(k)


def frames_a_second(path, n, stays_open):
    with opened(path) as container:
        stream = container.streams.video[0]
        n_frames, fps = stream.frames, float(stream.average_rate)
        chance = random.Random(1)
        begin = time.process_time()
        for _ in range(n):
            k = chance.randrange(n_frames)
            if stays_open:
                frame_at(container, k, fps)
            else:
                with opened(path) as anew:
                    frame_at(anew, k, fps)
        return n / (time.process_time() - begin)


def main():
    path, n, table = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    with open(table, newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    ours = float(rows[-1][1])
    for stays_open, name, wanted in ((False, "  the same beside PyAV's frame alone", 5),
                                     (True, "  and where PyAV's file stays open", None)):
        theirs = statistics.median(frames_a_second(path, n, stays_open) for _ in range(3))
        ratio = ours / theirs
        rows.append([name, "%g" % ours, "1/s", "PyAV", "%g" % theirs, "%.4f" % ratio, ">= %g" % wanted if wanted else "",
                     "" if not wanted else "yes" if ratio >= wanted else "no"])
        print("PyAV: %.0f frames a second%s, the loader %.1f times as many" % (
            theirs, ", the file open" if stays_open else "", ratio))
    with open(table, "w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


main()
