"""Writes a ROS 1 bag of messages that are serialized already, through Debian's own rosbag.

    kuavo_bag.py TOPICS MESSAGES REAL_BAG OUT

TOPICS is a JSON list of topic, type and definition; MESSAGES holds them one behind the other: number
of the topic (u16), time (i64, ns), length (u32), bytes. Definitions are those of the real bag where it
has the type (its MD5s are all zero: they are computed). The first message of each topic is read back by
rosbag's own classes, and must come out as it went in.
"""

import io
import json
import os
import struct
import sys

import genpy
import genpy.dynamic
import rosbag

CHUNK_BYTES = 768 * 1024


def real_definitions(path):
    if not os.path.isfile(path):
        return {}
    with rosbag.Bag(path) as bag:
        return {c.datatype: c.msg_def for c in bag._get_connections()}


def classes(topics, real):
    made = {}
    for topic in topics:
        name = topic["type"]
        if name not in made:
            text = real.get(name) or topic["definition"]
            made[name] = genpy.dynamic.generate_dynamic(name, text)[name]
    return made


def check(message_class, data, topic):
    message = message_class()
    message.deserialize(data)
    again = io.BytesIO()
    message.serialize(again)
    if again.getvalue() != data:
        sys.exit(f"kuavo_bag.py: {topic}: the message does not read back as it was written")


def main(topics_path, messages_path, real_path, out_path):
    with open(topics_path, encoding="utf-8") as file:
        topics = json.load(file)
    made = classes(topics, real_definitions(real_path))
    seen = set()
    head = struct.Struct("<HqI")
    if os.path.exists(out_path):
        os.remove(out_path)
    with open(messages_path, "rb") as file, rosbag.Bag(
        out_path, "w", chunk_threshold=CHUNK_BYTES
    ) as bag:
        while True:
            start = file.read(head.size)
            if not start:
                break
            i, t_ns, n = head.unpack(start)
            data = file.read(n)
            topic, name = topics[i]["topic"], topics[i]["type"]
            kind = made[name]
            header = None
            if i not in seen:
                seen.add(i)
                check(kind, data, topic)
                header = {
                    "callerid": topic,
                    "latching": "0",
                    "md5sum": kind._md5sum,
                    "message_definition": kind._full_text,
                    "topic": topic,
                    "type": name,
                }
            bag.write(
                topic,
                (name, data, kind._md5sum, kind),
                genpy.Time(t_ns // 10**9, t_ns % 10**9),
                raw=True,
                connection_header=header,
            )


main(*sys.argv[1:])
