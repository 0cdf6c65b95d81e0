"""Writes a recording as records for `etude mcap from-json`: make_recording.py OUT.json [depth|devices]

An arm of two joints and a gripper, moved in two episodes of 6 s that marks begin and end, and
standing still around them. The state is stamped by a device whose clock is 5 s ahead and runs 20 ppm
fast, arrives 1 to 3 ms late, and follows its command by 40 ms. With `depth` a camera of 4 x 3 pixels
gives its distances ten times a second: 1000 mm and its number, once each pixel. With `devices` the arm
is one of a device `left`, and `right` is another that does the same.
"""
import json
import math
import random
import struct
import sys

HEADER = """================================================================================
MSG: std_msgs/Header
builtin_interfaces/Time stamp
string frame_id
================================================================================
MSG: builtin_interfaces/Time
int32 sec
uint32 nanosec
"""
JOINTS = "std_msgs/Header header\nstring[] name\nfloat64[] position\nfloat64[] velocity\nfloat64[] effort\n"
IMAGE = ("std_msgs/Header header\nuint32 height\nuint32 width\nstring encoding\nuint8 is_bigendian\n"
         "uint32 step\nuint8[] data\n")
START_NS = 1_760_000_000_000_000_000
NAMES = ["left_shoulder_pitch", "left_elbow", "left_gripper"]
EPISODES = [(3.0, 9.0), (13.0, 19.0)]
LENGTH_S, RATE_HZ, LAG_S = 22.0, 50, 0.04


class Cdr:
    def __init__(self):
        self.bytes = bytearray(b"\0\1\0\0")

    def put(self, form, size, *values):
        while (len(self.bytes) - 4) % size:
            self.bytes.append(0)
        self.bytes += struct.pack("<" + form * len(values), *values)
        return self

    def text(self, text):
        raw = text.encode() + b"\0"
        self.put("I", 4, len(raw))
        self.bytes += raw
        return self


def joints(stamp_ns, positions):
    w = Cdr().put("i", 4, stamp_ns // 10**9).put("I", 4, stamp_ns % 10**9).text("base")
    w.put("I", 4, len(NAMES))
    for name in NAMES:
        w.text(name)
    w.put("I", 4, len(positions)).put("d", 8, *positions)
    return bytes(w.put("I", 4, 0).put("I", 4, 0).bytes)


def place(t_s):
    """Where the joints are wanted at a time."""
    for begin, end in EPISODES:
        if begin + 0.5 <= t_s <= end - 0.5:
            x = t_s - begin - 0.5
            swing = math.sin(x * 2.1) * math.sin(math.pi * x / (end - begin - 1.0))
            closed = 0.05 + 0.85 * min(1, max(0, min((x - 1.0) / 0.6, (4.0 - x) / 0.6)))
            return [0.8 * swing, -0.5 * swing * math.cos(x), closed]
    return [0.0, 0.0, 0.05]


def depth(k):
    pixels = [0, 65535] + [1000 + k + i for i in range(2, 12)]
    w = Cdr().put("i", 4, 0).put("I", 4, 0).text("camera").put("I", 4, 3, 4).text("16UC1")
    w.put("B", 1, 0).put("I", 4, 8, 24)
    return bytes(w.put("H", 2, *pixels).bytes)


def record(kind, **fields):
    return {"type": kind, "fields": sorted(fields.items())}


def main():
    luck = random.Random(7)
    records = [record("Header", library="by hand", profile="ros2")]
    types = [("/joint_states", "sensor_msgs/msg/JointState", JOINTS + HEADER),
             ("/joint_commands", "sensor_msgs/msg/JointState", JOINTS + HEADER),
             ("/episode", "std_msgs/msg/String", "string data\n")]
    has_depth = sys.argv[2:] == ["depth"]
    devices = {}
    if sys.argv[2:] == ["devices"]:
        types += types
        devices = {i: "left" if i < 4 else "right" for i in range(1, 7)}
    if has_depth:
        types.append(("/head/depth/image_raw", "sensor_msgs/msg/Image", IMAGE + HEADER))
    for i, (topic, name, definition) in enumerate(types, 1):
        records.append(record("Schema", id=str(i), name=name, encoding="ros2msg",
                              data=[str(b) for b in definition.encode()]))
        records.append(record("Channel", id=str(i), schema_id=str(i), topic=topic,
                              message_encoding="cdr",
                              metadata={"device": devices[i]} if i in devices else {}))
    messages = []
    for k in range(int(LENGTH_S * RATE_HZ)):
        t_s = k / RATE_HZ
        t_ns = START_NS + k * 10**9 // RATE_HZ
        device_ns = int((t_ns - START_NS) * (1 + 20e-6)) + START_NS + 5 * 10**9
        delay_ns = 1_000_000 + int(luck.random() ** 4 * 2_000_000)
        messages.append((t_ns + delay_ns, 1, joints(device_ns, place(t_s - LAG_S))))
        messages.append((t_ns, 2, joints(t_ns, place(t_s))))
        if devices:
            messages.append((t_ns + delay_ns, 4, joints(device_ns, place(t_s - LAG_S))))
            messages.append((t_ns, 5, joints(t_ns, place(t_s))))
        if has_depth and k % 5 == 0:
            messages.append((t_ns + 2_000_000, 4, depth(k // 5)))
    for begin, end in EPISODES:
        messages.append((START_NS + int(begin * 1e9), 3, bytes(Cdr().text("start").bytes)))
        messages.append((START_NS + int(end * 1e9), 3, bytes(Cdr().text("stop").bytes)))
        if devices:
            messages += [(t_ns, 6, data) for t_ns, _, data in messages[-2:]]
    for n, (t_ns, channel, data) in enumerate(sorted(messages)):
        records.append(record("Message", channel_id=str(channel), sequence=str(n),
                              log_time=str(t_ns), publish_time=str(t_ns),
                              data=[str(b) for b in data]))
    with open(sys.argv[1], "w") as out:
        json.dump({"records": records}, out)


main()
