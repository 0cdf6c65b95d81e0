#!/usr/bin/env python3
"""Random frames as they are usually read with PyAV: bench/loader_pyav.py VIDEO N

For each of N random frames the file is opened, the key frame before is sought, and frames are
decoded until the one that is wanted, which becomes RGB: what LeRobot's decode_video_frames does with
its PyAV backend. Prints frames a second of processor time.
"""
import random
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


def main():
    path, n = sys.argv[1], int(sys.argv[2])
    with av.open(path) as container:
        stream = container.streams.video[0]
        n_frames, fps = stream.frames, float(stream.average_rate)
    chance = random.Random(1)
    begin = time.process_time()
    for _ in range(n):
        frame_at(path, chance.randrange(n_frames), fps)
    print(n / (time.process_time() - begin))


main()
