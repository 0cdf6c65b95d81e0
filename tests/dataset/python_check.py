"""etude.Dataset from Python: python_check.py MAKE_SAMPLE. Prints TAP; skipped without NumPy."""

import multiprocessing
import os
import pickle
import subprocess
import sys
import tempfile

try:
    import numpy as np
except ImportError:
    print("1..0 # skipped: no python3-numpy")
    sys.exit(0)

from etude import Dataset, EtudeError

CAMERA = "observation.images.cam_high"
COLUMNS = {"observation.state": [-3, 0], "action": range(16), CAMERA: {"size": (80, 60)}}
n_tests = 0


def check(name, holds):
    global n_tests
    n_tests += 1
    print(f"{'ok' if holds else 'not ok'} {n_tests} - {name}", flush=True)


def refused(name, words, call):
    try:
        call()
        check(name, False)
    except EtudeError as error:
        if words not in str(error):
            print(f"# {error}")
        check(name, words in str(error))


def in_a_fork(dataset, queue):
    queue.put(dataset[5]["observation.state"])


folder = tempfile.mkdtemp(prefix="etude-test-")
path = os.path.join(folder, "set")
subprocess.run([sys.argv[1], path, "3", "4", "1"], check=True, stdout=subprocess.DEVNULL)

with Dataset(path) as d:
    check("all numbers are taken where nothing is said",
          set(d.columns) == {"observation.state", "action"} and d.fps == 30 and d.n_episodes == 3)
    check("names are the feature's", d.names("action")[0] == "kLeftShoulderPitch")
    stats = d.stats("observation.state")
    states = np.array([d[i]["observation.state"][0] for i in range(len(d))])
    n_samples = len(d)
    check("statistics are those of the samples", n_samples > 300
          and np.allclose(stats["mean"], states.mean(0), atol=1e-5)
          and np.allclose(stats["deviation"], states.std(0), atol=1e-5)
          and np.array_equal(stats["max"].astype(np.float32), states.max(0)))
    actions = np.array([d[i]["action"][0] for i in range(len(d))])

with Dataset(path, COLUMNS, batch=50, threads=2, seed=7, pictures_bytes_max=1 << 24) as d:
    sample = d[100]
    check("a sample has what was asked for", sample["observation.state"].shape == (2, 26)
          and sample["action"].shape == (16, 26) and sample[CAMERA].shape == (1, 60, 80, 3)
          and sample[CAMERA].dtype == np.uint8)
    check("steps are rows from its own", np.array_equal(sample["observation.state"][1], states[100])
          and np.array_equal(sample["observation.state"][0], states[97])
          and np.array_equal(sample["action"], actions[100:116]))
    last = d[119]
    check("what is behind the end is its last row, and said to be",
          last["action_is_pad"].tolist() == [False] + [True] * 15
          and np.array_equal(last["action"], np.repeat(actions[119:120], 16, 0)))
    check("samples are their own", not np.array_equal(sample[CAMERA], last[CAMERA]))
    seen, orders = [], []
    for _ in range(2):
        order = []
        for batch in d:
            order += batch["index"].tolist()
            assert np.array_equal(batch["observation.state"][:, 1], states[batch["index"]])
        orders.append(order)
    check("an epoch has each sample once, the next another order",
          sorted(orders[0]) == list(range(n_samples)) == sorted(orders[1]) and orders[0] != orders[1])
    d.seek(0, 3)
    check("what is taken up goes on as what came there",
          next(iter(d))["index"].tolist() == orders[0][150:200])
    many = d.get([3, 200, 3])
    check("samples are fetched by number", many["index"].tolist() == [3, 200, 3]
          and np.array_equal(many["action"][0], many["action"][2]))
    twin = pickle.loads(pickle.dumps(d))
    check("a copy gives the same", np.array_equal(twin[100][CAMERA], sample[CAMERA]))
    twin.close()
    queue = multiprocessing.get_context("fork").Queue()
    child = multiprocessing.get_context("fork").Process(target=in_a_fork, args=(d, queue))
    child.start()
    check("a process that was forked reads for itself",
          np.array_equal(queue.get(timeout=60), d[5]["observation.state"]))
    child.join()
    try:
        d[n_samples]
        check("there is no sample behind the last", False)
    except IndexError:
        check("there is no sample behind the last", True)

with Dataset(path, ["action", "observation.state"], episodes=iter([1])) as d, Dataset(path, "action") as one:
    check("names alone are the row itself", np.array_equal(d[7]["action"], actions[127:128])
          and d[7]["observation.state"].shape == (1, 26) and list(one[3]) == list(one[4])
          and np.array_equal(one[3]["action"], actions[3:4]))

with Dataset(path, {CAMERA: {"size": (80, 60), "crop": (64, 48), "floats": True,
                             "mean": (0.5, 0.5, 0.5), "deviation": (0.5, 0.5, 0.5)}}) as d:
    x = d[10][CAMERA]
    check("pictures are floats as torch wants them", x.shape == (1, 3, 48, 64)
          and x.dtype == np.float32 and -1 <= x.min() < x.max() <= 1)

refused("a feature that is not there is named", "no_such", lambda: Dataset(path, {"no_such": [0]}))
refused("a folder that is not there is named", "nowhere", lambda: Dataset(folder + "/nowhere"))
refused("steps are whole numbers", "steps", lambda: Dataset(path, {"action": [0.5]}))
refused("a key that is none is named", "resize", lambda: Dataset(path, {CAMERA: {"resize": 3}}))
refused("an episode that is not there is named", "episode",
        lambda: Dataset(path, episodes=[7]))
refused("no columns are refused", "column", lambda: Dataset(path, {}))
refused("no episodes are refused", "no rows", lambda: Dataset(path, episodes=[]))
with Dataset(path, batch=4) as d:
    refused("more than a batch at once is refused", "4", lambda: d.get(range(5)))
    refused("a sample that is not there is refused", "no sample 1000000000", lambda: d.get([10 ** 9]))
d = Dataset(path)
d.close()
d.close()
refused("what is closed says so", "closed", lambda: d[0])

try:
    import torch
except ImportError:
    print(f"ok {n_tests + 1} - torch's loaders take it # SKIP no python3-torch")
    n_tests += 1
else:
    with Dataset(path, COLUMNS, batch=32) as d:
        whole = torch.utils.data.DataLoader(d, batch_size=8, shuffle=True, num_workers=2)
        check("torch takes samples", next(iter(whole))["action"].shape == (8, 16, 26))
        batches = d.torch_batches()
        alone = torch.utils.data.DataLoader(batches, batch_size=None)
        parts = torch.utils.data.DataLoader(batches, batch_size=None, num_workers=2)
        epochs = [[i for b in parts for i in b["index"].tolist()] for _ in range(2)]
        check("torch takes batches", all(sorted(e) == list(range(n_samples)) for e in epochs))
        check("workers shuffle each epoch anew", epochs[0] != epochs[1])
        check("as one alone does", [[i for b in alone for i in b["index"].tolist()]
                                    for _ in range(2)] == epochs)

subprocess.run(["rm", "-rf", folder], check=True)
print(f"1..{n_tests}")
