"""Writes the HDF5 files that test_hdf5 and test_source_hdf5 read; needs h5py.

    make_hdf5.py FOLDER

Without h5py it exits with 77 (the tests are skipped).
"""

import os
import struct
import sys
import zlib

try:
    import h5py
    import numpy as np
except ImportError:
    sys.exit(77)

OUT = sys.argv[1]


def path(*parts):
    to = os.path.join(OUT, *parts)
    os.makedirs(os.path.dirname(to), exist_ok=True)
    return to


def png(width, height, grey):
    """A picture that needs no library."""
    def part(name, data):
        body = name + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))
    rows = b"".join(b"\0" + bytes([grey] * width) for _ in range(height))
    return (b"\x89PNG\r\n\x1a\n" + part(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
            + part(b"IDAT", zlib.compress(rows)) + part(b"IEND", b""))


def blobs(group, name, rows, **options):
    kept = group.create_dataset(name, (len(rows),), dtype=h5py.vlen_dtype(np.uint8), **options)
    for i, row in enumerate(rows):
        kept[i] = np.frombuffer(row, np.uint8)


def ramp(n, width, dtype="f4"):
    """Row i, column k: i + k / 10 (integers: 10 i + k)."""
    i, k = np.arange(n)[:, None], np.arange(width)[None, :]
    if np.issubdtype(np.dtype(dtype), np.integer):
        return (10 * i + k).astype(dtype)
    return (i + k / 10).astype(dtype)


# ---- every type and storage ----

def types():
    with h5py.File(path("types.h5"), "w") as f:
        for dtype in ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8",
                      ">i2", ">i4", ">u2", ">u8", ">f4", ">f8"):
            f["numbers/" + dtype.replace(">", "big_")] = ramp(5, 3, dtype)
        f["numbers/bool"] = np.array([[True, False], [False, True]])
        f["numbers/negative"] = np.array([-1, -128, 127], "i1")
        f["numbers/time"] = np.array([1700000000123456789, 1700000000123456790], "i8")
        f["numbers/beyond"] = np.array([2 ** 63], "u8")
        f["numbers/alone"] = 7.5
        f["numbers/half"] = np.zeros(3, "f2")
        f["numbers/complex"] = np.zeros(3, "c8")
        f["numbers/none"] = np.zeros((0, 14), "f4")
        f["numbers/null"] = h5py.Empty("f4")
        data = np.arange(7 * 5 * 3, dtype="i4").reshape(7, 5, 3)
        for name, options in (("chunks", {}), ("gzip", {"compression": "gzip"}),
                              ("shuffle", {"compression": "gzip", "shuffle": True}),
                              ("sum", {"compression": "gzip", "shuffle": True, "fletcher32": True}),
                              ("sum_alone", {"fletcher32": True}),
                              ("lzf", {"compression": "lzf"})):
            f.create_dataset("stored/" + name, data=data, chunks=(2, 3, 2), **options)
        holes = f.create_dataset("stored/holes", (6, 2), "i4", chunks=(2, 2), fillvalue=-5)
        holes[2:4] = 1
        f.create_dataset("stored/unwritten", (4, 2), "f4", chunks=(2, 2))
        f.create_dataset("stored/unwritten_plain", (4, 2), "f4")
        f.create_dataset("stored/odd", data=np.arange(9, dtype="u1"), chunks=(9,), fletcher32=True)
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_layout(h5py.h5d.COMPACT)
        compact = h5py.h5d.create(f.id, b"stored/compact", h5py.h5t.STD_I32LE,
                                  h5py.h5s.create_simple((3, 2)), plist)
        compact.write(h5py.h5s.ALL, h5py.h5s.ALL, np.arange(6, dtype="i4").reshape(3, 2))
        f["text/one"] = "put the cup down"
        f["text/many"] = ["left", "", "r\u00e9ght"]
        f.create_dataset("text/fixed", data=np.array([b"ab", b"abcd"], "S4"))
        f.create_dataset("text/chunks", data=["x", "yy"], dtype=h5py.string_dtype(), chunks=(1,))
        blobs(f, "blob/plain", [b"one", b"", b"three"])
        blobs(f, "blob/chunks", [b"one", b"two"], chunks=(1,))
        f.create_dataset("blob/ints", (1,), dtype=h5py.vlen_dtype(np.int32))
        f.attrs["text"] = "a robot"
        f.attrs["fixed"] = np.bytes_("fixed")
        f.attrs["truth"] = True
        f.attrs["lie"] = np.bool_(False)
        f.attrs["number"] = 20
        f.attrs["several"] = [1.5, 2.5]
        f.attrs["many"] = np.zeros(1000)
        f.attrs["texts"] = ["a", "b"]
        f["links/soft"] = h5py.SoftLink("/text/one")
        f["links/nowhere"] = h5py.SoftLink("/nothing")
        f["links/self"] = h5py.SoftLink("/links/self")
        f["links/up"] = h5py.SoftLink("/links")
        f["links/hard_up"] = f["links"]
        f["links/file"] = h5py.ExternalLink("other.h5", "/x")
        f["links/through"] = h5py.SoftLink("/links/file")
        space, plist = h5py.h5s.create_simple((4,)), h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_external(b"/etc/hostname", 0, 4)
        h5py.h5d.create(f.id, b"links/outside", h5py.h5t.STD_U8LE, space, plist)
        layout = h5py.VirtualLayout((4,), "i4")
        layout[:] = h5py.VirtualSource("other.h5", "x", (4,))
        f.create_virtual_dataset("links/virtual", layout)
        f.create_group("empty")
    with h5py.File(path("other.h5"), "w") as f:
        f["x"] = np.arange(4, dtype="i4")
    with h5py.File(path("userblock.h5"), "w", userblock_size=512) as f:
        f["text"] = "behind a block"
        f["x"] = ramp(3, 2)
        blobs(f, "blob", [b"one", b"two"])
    with h5py.File(path("latest.h5"), "w", libver="latest") as f:
        f.create_dataset("x", data=ramp(9, 2), chunks=(2, 2), maxshape=(None, 2), compression="gzip")
        f["text"] = "the newest form"
        f.attrs["text"] = "a robot"


def limits():
    with h5py.File(path("limits.h5"), "w") as f:
        f["/".join("g%d" % i for i in range(20)) + "/x"] = 1
        f.create_dataset("rows", ((1 << 24) + 1,), "u1", chunks=(1 << 20,))
        f.create_dataset("row", (1, 1 << 14, 1 << 13), "u1", chunks=(1, 1 << 10, 1 << 10))
        f.create_dataset("wide", (2, 1 << 27), "u1", chunks=(1, 1 << 20))
        f.create_dataset("chunk", (2, 1 << 27), "u1", chunks=(2, 1 << 26))
        f.create_dataset("row_chunks", (2, 1 << 14), "u1", chunks=(1, 1))
        f.create_dataset("dims", (1,) * 9, "u1")
        # A chunk that unpacks to more than it says.
        bomb = f.create_dataset("bomb", (8, 8), "u1", chunks=(8, 8), compression="gzip")
        bomb.id.write_direct_chunk((0, 0), zlib.compress(bytes(1 << 22)))
        short = f.create_dataset("short", (8, 8), "u1", chunks=(8, 8), compression="gzip")
        short.id.write_direct_chunk((0, 0), zlib.compress(bytes(63)))
        bad = f.create_dataset("bad", (8, 8), "u1", chunks=(8, 8), compression="gzip")
        bad.id.write_direct_chunk((0, 0), b"no zlib")
        long = f.create_dataset("long", (8, 8), "u1", chunks=(8, 8), compression="gzip")
        long.id.write_direct_chunk((0, 0), bytes(5000))


# ---- ALOHA ----

def aloha():
    n = 8
    with h5py.File(path("aloha", "episode_0.hdf5"), "w") as f:
        f.attrs["sim"] = False
        f["action"] = ramp(n, 14)
        f["base_action"] = ramp(n, 2)
        for name in ("qpos", "qvel", "effort"):
            f["observations/" + name] = ramp(n, 14)
        pictures = np.zeros((n, 4, 6, 3), "u1")
        pictures[:, 0, 0, 0] = np.arange(n)
        for cam in ("cam_high", "cam_left_wrist"):
            f.create_dataset("observations/images/" + cam, data=pictures, chunks=(1, 4, 6, 3))
    coded = [png(6, 4, 10 * i) + b"" for i in range(n)]
    longest = max(map(len, coded))
    with h5py.File(path("aloha", "packed.hdf5"), "w") as f:
        f.attrs["sim"] = True
        f.attrs["compress"] = True
        f["action"] = ramp(n - 1, 14) # one row short
        f["observations/qpos"] = ramp(n, 14)
        f["observations/qvel"] = np.zeros((0, 14), "f4")
        padded = np.array([np.frombuffer(c.ljust(longest, b"\0"), "u1") for c in coded])
        f["observations/images/cam_high"] = padded
        blobs(f["observations/images"], "cam_low", coded[:3] + [b""] + [b"no picture"] + coded[5:])
        f["observations/depth"] = np.ones((n, 4, 6), "u2") * 700
        f["observations/cloud"] = np.zeros((n, 5000), "f4")
        f["observations/half"] = np.zeros((n, 2), "f2")
        f["compress_len"] = np.zeros((2, n))
        f["language_raw"] = ["fold the towel"]
    with h5py.File(path("aloha", "broken.hdf5"), "w") as f:
        f["action"] = ramp(4, 14)
        f["observations/qpos"] = ramp(4, 14)
        bad = f.create_dataset("observations/qvel", (4, 14), "f4", chunks=(1, 14), compression="gzip")
        bad[:] = ramp(4, 14)
        bad.id.write_direct_chunk((2, 0), b"no zlib")
    with h5py.File(path("aloha", "small.hdf5"), "w") as f:
        f.attrs["sim"] = False
        f["action"] = ramp(3, 2)
        f["observations/qpos"] = ramp(3, 2)
        f["observations/images/cam"] = np.zeros((3, 2, 2, 3), "u1")
        blobs(f["observations/images"], "low", coded[:3])
        f["task"] = "a"


    with h5py.File(path("aloha", "latest.hdf5"), "w", libver="latest") as f:
        f.attrs["sim"] = False
        f["action"] = ramp(3, 2)
        f.create_dataset("observations/qpos", data=ramp(9, 2), chunks=(2, 2), compression="gzip",
                         maxshape=(None, 2))
        f.create_dataset("observations/qvel", data=ramp(9, 2), chunks=(2, 2))
        blobs(f, "observations/low", coded[:3])
        for i in range(12):
            f["observations"].attrs["attribute_%d" % i] = i


# ---- robomimic, mimicgen ----

ENV = '{"env_name": "Stack_D0", "type": 1, "env_kwargs": {"control_freq": %s, "robots": ["Panda"]}}'


def demo(data, name, n, more=False):
    d = data.create_group(name)
    d.attrs["num_samples"] = n
    d.attrs["model_file"] = "<mujoco/>"
    d["actions"] = ramp(n, 7, "f8")
    d["states"] = ramp(n, 4, "f8")
    d["rewards"] = np.zeros(n)
    d["dones"] = np.zeros(n, "i8")
    for group in ("obs", "next_obs"):
        d[group + "/robot0_eef_pos"] = ramp(n, 3, "f8")
        d[group + "/agentview_image"] = np.zeros((n, 4, 4, 3), "u1")
    if more:
        signal = np.zeros(n, "i8")
        signal[3:] = 1
        d["datagen_info/subtask_term_signals/grasp"] = signal
        later = np.zeros(n, "i8")
        later[6:] = 1
        d["datagen_info/subtask_term_signals/lift"] = later
        d["datagen_info/eef_pose"] = np.tile(np.eye(4), (n, 1, 1))
        d["datagen_info/object_poses/cube"] = np.tile(np.eye(4), (n, 1, 1))


def robomimic():
    with h5py.File(path("robomimic.hdf5"), "w") as f:
        data = f.create_group("data")
        data.attrs["total"] = 21
        data.attrs["env_args"] = ENV % 10
        demo(data, "demo_0", 8, True)
        demo(data, "demo_2", 6)
        demo(data, "demo_10", 7)
        del data["demo_2/obs/robot0_eef_pos"]
        data["demo_2/obs/robot0_eef_pos"] = ramp(6, 4)  # another width
        del data["demo_10/rewards"]
        f["mask/train"] = np.array([b"demo_0", b"demo_2"])
        f["mask/valid"] = np.array([b"demo_10"])
    with h5py.File(path("norate.hdf5"), "w") as f:
        data = f.create_group("data")
        data.attrs["env_args"] = "{no JSON"
        demo(data, "demo_0", 3)
        data.create_group("demo_1")  # nothing in it


# ---- AgiBot World ----

def agibot(name, n, n_action=None, index=None, end_index=None, stamps=None):
    file = path(name, "proprio_stats", "327", "648649", "proprio_stats.h5")
    with h5py.File(file, "w") as f:
        f["timestamp"] = stamps if stamps is not None else 1700000000000000000 + np.arange(n) * 33333333
        f["state/joint/position"] = ramp(n, 14)
        f["state/joint/current_value"] = ramp(n, 14)
        f["state/joint/velocity"] = np.zeros(0)
        f["state/effector/position"] = ramp(n, 2)
        f["state/end/position"] = np.zeros((n, 2, 3))
        f["state/end/orientation"] = np.zeros((n, 2, 4))
        f["state/head/position"] = ramp(n, 2)
        n_action = n if n_action is None else n_action
        f["action/joint/position"] = ramp(n_action, 14)
        f["action/end/position"] = np.zeros((n_action, 2, 3))
        if index is not None:
            f["action/joint/index"] = np.array(index, "i8")
        if end_index is not None:
            f["action/end/index"] = np.array(end_index, "i8")


def write(file, text):
    with open(file, "w", encoding="utf-8") as f:
        f.write(text)


def agibots():
    agibot("agibot", 10)
    write(path("agibot", "task_info", "task_327.json"), """[
 {"episode_id": 1, "task_name": "other", "label_info": {"action_config": []}},
 {"episode_id": 648649, "task_name": "Pickup items", "init_scene_text": "A shelf.",
  "label_info": {"action_config": [
   {"start_frame": 1, "end_frame": 4, "action_text": "Retrieve cucumber.", "skill": "Pick"},
   {"start_frame": 4, "end_frame": 90, "action_text": "Place it.", "skill": "Place"},
   {"start_frame": 7, "end_frame": 3, "action_text": "Wrong.", "skill": "Pick"}]}}]""")
    agibot("agibot_short", 10, 4, index=[2, 3, 5, 9])
    agibot("agibot_end", 10, 4, index=[2, 3, 5, 9], end_index=[0, 1, 2, 3])
    agibot("agibot_long", 10, 12)
    agibot("agibot_bad_index", 10, 4, index=[2, 1, 50, 9])
    agibot("agibot_no_index", 10, 4)
    agibot("agibot_back", 4, stamps=np.array([10, 30, 20, 40]))


types()
limits()
aloha()
robomimic()
agibots()
with h5py.File(path("alone.hdf5"), "w") as f:
    demo(f.create_group("data"), "demo_0", 7, True)
    f["data"].attrs["env_args"] = ENV % 10
    f["mask/all"] = np.array([b"demo_0"])
with h5py.File(path("nothing.h5"), "w") as f:
    f["x"] = 1
