"""LeRobot datasets as random batches, by Étude's own loader (etude/loader.h)."""

import ctypes as c
import multiprocessing
import operator
import os

import numpy as np

from .native import LIB, Batch, EtudeError, LoaderColumn, LoaderOptions, call

_WORKERS_MAX = 1024  # of torch
_NUMBERS = ("float32", "float64", "int64", "int32", "int16", "uint8", "bool")
_KEYS = {"steps", "size", "crop", "random_crop", "floats", "mean", "deviation"}


def _refuse(text):
    return EtudeError(EtudeError.ARGUMENT, text)


def _pair(value, what):
    try:
        width, height = (operator.index(x) for x in value)
    except (TypeError, ValueError):
        raise _refuse(f"{what} is (width, height) in pixels, not {value!r}") from None
    return width, height


def _column(feature, wanted):
    """One column: steps alone, or a dict of what is wanted. Returns the structure and what it
    points to."""
    wanted = wanted if isinstance(wanted, dict) else {"steps": wanted}
    for key in wanted:
        if key not in _KEYS:
            raise _refuse(f"{feature}: no key {key!r}: one of {', '.join(sorted(_KEYS))}")
    steps = wanted.get("steps")
    if steps is None:
        steps = [0]
    try:
        steps = [operator.index(s) for s in steps]
    except TypeError:
        raise _refuse(f"{feature}: steps are whole numbers, [0] or range(16), not {steps!r}") from None
    kept = (c.c_int * len(steps))(*steps)
    column = LoaderColumn(feature=feature.encode(), steps=kept, n_steps=len(steps),
                          is_crop_random=bool(wanted.get("random_crop", False)),
                          layout=int(bool(wanted.get("floats", False))))
    if "size" in wanted:
        column.width_px, column.height_px = _pair(wanted["size"], f"{feature}: size")
    if "crop" in wanted:
        column.crop_width_px, column.crop_height_px = _pair(wanted["crop"], f"{feature}: crop")
    column.mean = (c.c_float * 3)(*wanted.get("mean", (0, 0, 0)))
    column.deviation = (c.c_float * 3)(*wanted.get("deviation", (1, 1, 1)))
    return column, kept


def _with_steps(columns):
    """A name, or names, are those features as they are in the sample's own row."""
    if isinstance(columns, str):
        columns = [columns]
    return dict(columns) if hasattr(columns, "keys") else {name: [0] for name in columns}


class Dataset:
    """Samples of a LeRobot dataset (v2.1, v3.0): rows with what is asked for around them.

    columns: {feature: steps}, in rows from the sample's own: {"observation.state": [0],
    "action": range(16)}; names alone are [0] each. Of pictures a dict: {"steps": [0], "size": (224, 224), "crop": (w, h),
    "random_crop": True, "floats": True, "mean": (r, g, b), "deviation": (r, g, b)}; bytes are
    height x width x 3, floats 3 x height x width. None: every feature of numbers whose name begins
    with observation or action.

    Map-style: len(d), d[i] is a dict of arrays of its own. Iterable: `for batch in d` is an epoch;
    its arrays are the loader's, without a copy, and valid until the next batch. Both are what a
    torch DataLoader takes (`torch_batches` for the second). The order is a function of the seed and
    the epoch alone."""

    def __init__(self, path, columns=None, *, batch=64, shuffle=True, seed=0, threads=0,
                 episodes=None, drop_rest=False, weight=None, rows_bytes_max=0,
                 pictures_bytes_max=0):
        self._how = {"batch": max(batch, 1), "is_in_order": not shuffle, "seed": seed,
                     "n_threads": threads, "drops_rest": drop_rest,
                     "rows_bytes_max": rows_bytes_max, "pictures_bytes_max": pictures_bytes_max,
                     "weight": weight.encode() if weight else None}
        self._path = os.fspath(path)
        self._episodes = None if episodes is None else [int(e) for e in episodes]
        self._dataset, self._loader, self._pid = c.c_void_p(), c.c_void_p(), None
        self._next = (0, 0)  # epoch and batch that come next
        self._open_dataset()
        self.columns = self._all_numbers() if columns is None else _with_steps(columns)
        try:
            self._open_loader()
        except EtudeError:
            LIB.et_dataset_close(self._dataset)
            raise

    # ---- opening ----

    def _open_dataset(self):
        call("et_dataset_open", c.byref(self._dataset), os.fsencode(self._path))
        info = LIB.et_dataset_info(self._dataset).contents
        self.fps, self.n_episodes = info.fps, info.n_episodes
        self.robot_type = info.robot_type.decode() if info.robot_type else None
        self.features = {info.features[i].name.decode():
                         LIB.et_dtype_text(info.features[i].dtype).decode()
                         for i in range(info.n_features)}
        self.tasks = [info.tasks[i].decode() if info.tasks[i] else None
                      for i in range(info.n_tasks)]

    def _all_numbers(self):
        return {name: [0] for name, dtype in self.features.items()
                if dtype in _NUMBERS and name.startswith(("observation", "action"))}

    def _open_loader(self):
        made = [_column(name, wanted) for name, wanted in self.columns.items()]
        columns = (LoaderColumn * len(made))(*(column for column, _ in made))
        options = LoaderOptions(columns=columns, n_columns=len(made), **self._how)
        if self._episodes is not None:
            episodes = (c.c_int64 * len(self._episodes))(*self._episodes)
            options.episodes, options.n_episodes = episodes, len(self._episodes)
        call("et_loader_open", c.byref(self._loader), self._dataset, c.byref(options))
        self._pid = os.getpid()
        self._shapes = {}
        for i, name in enumerate(self.columns):
            shape = LIB.et_loader_shape(self._loader, i)
            values = (shape.n_values,)
            if shape.width_px > 0:
                values = ((3, shape.height_px, shape.width_px) if shape.layout
                          else (shape.height_px, shape.width_px, 3))
            names = [shape.names[k].decode() for k in range(shape.n_values)] if shape.names else None
            is_bytes = shape.width_px > 0 and not shape.layout
            self._shapes[name] = ((shape.n_steps, *values), is_bytes, names)
        self._size = LIB.et_loader_n_samples(self._loader)
        self.n_batches = LIB.et_loader_n_batches(self._loader)

    @property
    def _handle(self):
        """A process that was forked opens its own: threads and files do not come along."""
        if self._pid is None:
            raise _refuse("the dataset is closed: open another Dataset")
        if self._pid != os.getpid():
            self._dataset, self._loader = c.c_void_p(), c.c_void_p()
            self._open_dataset()
            self._open_loader()
        return self._loader

    def __getstate__(self):
        return {"path": self._path, "columns": self.columns, "how": self._how,
                "episodes": self._episodes}

    def __setstate__(self, state):
        how = state["how"]
        self.__init__(state["path"], state["columns"], batch=how["batch"],
                      shuffle=not how["is_in_order"], seed=how["seed"], threads=how["n_threads"],
                      episodes=state["episodes"], drop_rest=how["drops_rest"],
                      weight=how["weight"].decode() if how["weight"] else None,
                      rows_bytes_max=how["rows_bytes_max"],
                      pictures_bytes_max=how["pictures_bytes_max"])

    # ---- samples ----

    def __len__(self):
        return self._size

    def names(self, feature):
        """Names of a feature's values, or None."""
        return self._shapes[feature][2]

    def stats(self, feature):
        """mean, deviation (of the population), min, max: an array each, over all samples."""
        i = list(self.columns).index(feature)
        (_, *values), _, _ = self._shapes[feature]
        found = [LIB.et_loader_stats(self._handle, i, k) for k in range(int(np.prod(values)))]
        return {key: np.array([getattr(s, key) for s in found])
                for key in ("mean", "deviation", "min", "max")}

    def _view(self, batch):
        n = batch.n
        out = {}
        for i, (name, (shape, is_bytes, _)) in enumerate(self._shapes.items()):
            kind = c.c_uint8 if is_bytes else c.c_float
            pointer = c.cast(batch.columns[i], c.POINTER(kind))
            out[name] = np.ctypeslib.as_array(pointer, (n, *shape))
            out[name + "_is_pad"] = np.ctypeslib.as_array(batch.padded[i], (n, shape[0])).view(bool)
        for name, pointer in (("index", batch.samples), ("episode", batch.episodes),
                              ("row", batch.rows), ("task_index", batch.tasks),
                              ("weight", batch.weights)):
            out[name] = np.ctypeslib.as_array(pointer, (n,))
        return out

    def get(self, indices, epoch=0):
        """The samples of those numbers, batch at most; arrays are valid until the next call."""
        indices = np.ascontiguousarray(indices, dtype=np.int64)
        batch = Batch()
        call("et_loader_get", self._handle, indices.ctypes.data_as(c.POINTER(c.c_int64)),
             indices.size, epoch, c.byref(batch))
        return self._view(batch)

    def __getitem__(self, i):
        i = operator.index(i)
        if not -self._size <= i < self._size:
            raise IndexError(f"sample {i} of {self._size}")
        return {name: values[0].copy() for name, values in self.get([i % self._size]).items()}

    # ---- batches ----

    def seek(self, epoch, batch=0):
        """The next batch is that one of that epoch."""
        call("et_loader_seek", self._handle, epoch, batch)
        self._next = (epoch, batch)

    def __iter__(self):
        """What is left of the epoch (all of it, first), and the next time the next one."""
        batch = Batch()
        while True:
            status = call("et_loader_next", self._handle, c.byref(batch))
            if status > 0:
                self._next = (self._next[0] + 1, 0)
                return
            self._next = (batch.epoch, batch.i_batch + 1)
            yield self._view(batch)

    def torch_batches(self):
        """For torch.utils.data.DataLoader(d.torch_batches(), batch_size=None): an epoch of dicts of
        tensors, and the next time the next one. Each of n workers reads every n-th batch, and no
        other."""
        import torch

        outer, first = self, self._next[0]
        # Of a worker: how many it has begun. Workers are made anew for each epoch, and see this.
        begun = multiprocessing.Array(c.c_int64, _WORKERS_MAX, lock=False)

        def of_worker(worker):
            if worker.num_workers > _WORKERS_MAX:
                raise _refuse(f"{worker.num_workers} workers, {_WORKERS_MAX} at most")
            if outer._how["n_threads"]:  # what they did ahead would be another worker's
                outer._how = {**outer._how, "n_threads": 0}
            epoch = first + begun[worker.id]
            begun[worker.id] += 1
            for i in range(worker.id, outer.n_batches, worker.num_workers):
                outer.seek(epoch, i)
                yield next(iter(outer))

        class Batches(torch.utils.data.IterableDataset):
            def __len__(self):
                return outer.n_batches

            def __iter__(self):
                worker = torch.utils.data.get_worker_info()
                for batch in of_worker(worker) if worker else outer:
                    yield {k: torch.from_numpy(v.copy()) for k, v in batch.items()}

        return Batches()

    def close(self):
        """What is closed can be closed again, and nothing else. In a process that was forked the
        parent's is left alone."""
        if self._pid == os.getpid():
            LIB.et_loader_close(self._loader)
            LIB.et_dataset_close(self._dataset)
        self._dataset, self._loader, self._pid = c.c_void_p(), c.c_void_p(), None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __del__(self):
        if getattr(self, "_pid", None) is not None:
            self.close()
