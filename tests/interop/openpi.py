"""openpi's protocol against Python's websockets, msgpack and numpy, as openpi-client and its server
use them: both ways, with and without a key, and when it fails. Prints TAP.

    openpi.py PROGRAM
"""

import asyncio
import http.client
import subprocess
import sys
import threading

PROGRAM = sys.argv[1]
KEY = "0123456789abcdef-key"

try:
    import msgpack
    import numpy as np
    import websockets
except ImportError as missing:
    print(f"ok 1 - speaks with Python # SKIP skipped: {missing} (python3-websockets, -msgpack, -numpy)")
    print("1..1")
    sys.exit(0)

n_tests = 0


def it(name, holds, why=""):
    global n_tests
    n_tests += 1
    print(f"{'ok' if holds else 'not ok'} {n_tests} - {name}")
    if not holds:
        for line in str(why).splitlines()[-20:]:
            print(f"# {line}")


# The extension of msgpack that openpi describes: keys as bytes.
def pack_numpy(obj):
    if isinstance(obj, np.ndarray):
        return {b"__ndarray__": True, b"data": obj.tobytes(), b"dtype": obj.dtype.str,
                b"shape": obj.shape}
    if isinstance(obj, np.generic):
        return {b"__npgeneric__": True, b"data": obj.item(), b"dtype": obj.dtype.str}
    return obj


def unpack_numpy(obj):
    if b"__ndarray__" in obj:
        return np.ndarray(buffer=obj[b"data"], dtype=np.dtype(obj[b"dtype"]), shape=obj[b"shape"])
    if b"__npgeneric__" in obj:
        return np.dtype(obj[b"dtype"]).type(obj[b"data"])
    return obj


def pack(obj):
    return msgpack.packb(obj, default=pack_numpy)


def unpack(data):
    return msgpack.unpackb(data, object_hook=unpack_numpy)


def with_key(key):
    # The name of the argument changed with version 14.
    name = "additional_headers" if int(websockets.__version__.split(".")[0]) >= 14 \
        else "extra_headers"
    return {name: {"Authorization": f"Api-Key {key}"}} if key else {}


def dial(address, key=None):
    return websockets.connect(f"ws://{address}", compression=None, max_size=None, **with_key(key))


# ---- Python asks, C answers ----

class Served:
    def __init__(self, *args):
        self.process = subprocess.Popen([PROGRAM, "serve", *args], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.address = self.process.stdout.readline().strip()

    def __enter__(self):
        return self.address

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(20)


def observation():
    return {"state": np.arange(14) / 4, "prompt": "take the cup", "step": np.int64(7),
            "images": {"cam_high": np.arange(150528, dtype=np.uint8).reshape(3, 224, 224),
                       "cam_low": np.zeros((3, 224, 224), np.uint8)},
            "observation/gripper_position": np.array([0.5], np.float32),
            "half": np.array([1.5, 2], np.float16), "yes": np.array([True, False]),
            "long": np.array([2**40, -1])}


async def asked(address):
    sent = observation()
    async with dial(address) as socket:
        metadata = unpack(await socket.recv())
        await socket.send(pack(sent))
        first = unpack(await socket.recv())
        await socket.send(pack(sent))
        return metadata, sent, first, unpack(await socket.recv())


def same(a, b):
    return isinstance(a, np.ndarray) and a.dtype == b.dtype and a.shape == b.shape \
        and np.array_equal(a, b)


def python_asks():
    with Served() as address:
        metadata, sent, first, second = asyncio.run(asked(address))
        it("metadata comes first", metadata["model"] == "echo"
           and np.array_equal(metadata["reset_pose"], [0, -1.5, 1.5]), metadata)
        actions = first["actions"]
        it("a state of float64 is answered in float32", actions.dtype == np.float32
           and np.array_equal(actions, sent["state"] * 2), actions)
        echo = first["echo"]
        it("arrays of all types come back as they were",
           all(same(echo[k], sent[k]) for k in ("state", "half", "yes", "long"))
           and same(echo["observation/gripper_position"], sent["observation/gripper_position"]),
           echo)
        it("so do pictures within a map", all(same(echo[f"images/{k}"], sent["images"][k])
                                              for k in ("cam_high", "cam_low")), echo.keys())
        it("and scalars and texts", echo["step"] == 7 and first["prompt"] == "take the cup")
        it("how long it took stands in each answer",
           set(first["server_timing"]) == {"infer_ms"} and isinstance(
               first["server_timing"]["infer_ms"], float)
           and set(second["server_timing"]) == {"infer_ms", "prev_total_ms"},
           (first["server_timing"], second["server_timing"]))
        http_client = http.client.HTTPConnection(address)
        http_client.request("GET", "/healthz")
        answer = http_client.getresponse()
        it("it says that it is well", (answer.status, answer.read()) == (200, b"OK\n"))


async def failed(address, message):
    async with dial(address) as socket:
        await socket.recv()
        await socket.send(message)
        words = await socket.recv()
        try:
            await socket.recv()
        except websockets.exceptions.ConnectionClosed as closed:
            return words, closed.code
        return words, 0


def python_fails():
    with Served() as address:
        words, code = asyncio.run(failed(address, pack({**observation(), "prompt": "fail"})))
        it("a failure is a text, and the end by 1011", (words, code) == ("this prompt fails", 1011),
           (words, code))
        words, code = asyncio.run(failed(address, b"\xc1\xc1"))
        it("nonsense is, too", isinstance(words, str) and code == 1011, (words, code))


async def admitted(address, key):
    try:
        async with dial(address, key) as socket:
            return unpack(await socket.recv())["model"]
    except websockets.exceptions.WebSocketException as refused:
        return str(refused)


def python_has_a_key():
    with Served(KEY) as address:
        it("with the key one is let in", asyncio.run(admitted(address, KEY)) == "echo")
        it("with another, or none, not", all("401" in asyncio.run(admitted(address, key))
                                             for key in (None, KEY + "x")))


# ---- C asks, Python answers ----

class Policy:
    """A server as openpi's, in a thread."""

    def __init__(self, answer):
        self.answer, self.ready, self.heard = answer, threading.Event(), []
        self.thread = threading.Thread(target=lambda: asyncio.run(self.run()))

    async def handle(self, socket, *_):
        headers = socket.request_headers if hasattr(socket, "request_headers") \
            else socket.request.headers
        self.heard.append(headers.get("Authorization"))
        await socket.send(pack({"reset_pose": [0, -1.5, 1.5], "model": "python", "nothing": None}))
        try:
            while True:
                request = unpack(await socket.recv())
                self.heard.append(request)
                answer = self.answer(request)
                await socket.send(answer)
                if isinstance(answer, str):
                    await socket.close(1011, "Internal server error.")
                    return
        except websockets.exceptions.ConnectionClosed:
            pass

    async def run(self):
        self.loop, self.stop = asyncio.get_running_loop(), asyncio.Event()
        async with websockets.serve(self.handle, "127.0.0.1", 0, compression=None,
                                    max_size=None) as server:
            self.url = f"ws://127.0.0.1:{list(server.sockets)[0].getsockname()[1]}"
            self.ready.set()
            await self.stop.wait()

    def __enter__(self):
        self.thread.start()
        self.ready.wait(20)
        return self

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.stop.set)
        self.thread.join(20)


def run(*args):
    done = subprocess.run([PROGRAM, *args], capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout + done.stderr


def answer_actions(request):
    return pack({"actions": np.tile(request["state"][:2], (50, 1)),
                 "policy_timing": {"infer_ms": 1.5}, "scalar": np.float32(2.5)})


def c_asks():
    with Policy(answer_actions) as policy:
        code, out = run("ask", policy.url, KEY)
        it("metadata of Python's server is read", code == 0 and 'model "python"' in out
           and "reset_pose F64 0 -1.5 1.5 of 3" in out, out)
        it("so is its answer", "actions F64 0.5 -1 0.5 -1 of 100" in out
           and "policy_timing/infer_ms F64 1.5 of 1" in out and "scalar F64 2.5 of 1" in out, out)
        key, request = policy.heard[0], policy.heard[1]
        it("the key came, and what was asked as ALOHA has it", key == f"Api-Key {KEY}"
           and request["prompt"] == "take the cup" and request["state"].dtype == np.float64
           and request["images"]["cam_high"].shape == (3, 224, 224)
           and (request["images"]["cam_low"] == 7).all(), (key, request.keys()))
        code, out = run("time", policy.url, "50")
        it("and many times", code == 0, out)
        print(f"# C asks Python with two pictures of 224 x 224: {out.strip()} ms")
    with Policy(lambda request: "Traceback:\n  here\nKeyError: 'x'\n") as policy:
        code, out = run("ask", policy.url)
        it("its traceback is a failure with its words", code == 1
           and "the server failed: KeyError: 'x'" in out, out)
    with Policy(lambda request: b"\xc1nonsense") as policy:
        code, out = run("ask", policy.url)
        it("nonsense is told as such", code == 1 and "what the server sent: " in out, out)


def c_and_c():
    with Served() as address:
        code, out = run("time", f"ws://{address}", "200")
        it("C asks C", code == 0, out)
        print(f"# C asks C with two pictures of 224 x 224, and has them back: {out.strip()} ms")


python_asks()
python_fails()
python_has_a_key()
c_asks()
c_and_c()
print(f"1..{n_tests}")
