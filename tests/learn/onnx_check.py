"""Judges ONNX models by onnx.checker, and by executing them in numpy with what operators mean:

    onnx_check.py MODEL DATA WEIGHTS

DATA (safetensors) has in/<input> and out/<output>: what a network made of what. WEIGHTS are its
parameters. Executed at once and one by one, the model has to give the same numbers, to TOLERANCE of
the largest; its initialisers have to be the parameters, bit for bit. Exits with 77 where onnx or
numpy are not there (Debian: python3-onnx, python3-numpy).
"""

import json
import struct
import sys

try:
    import numpy as np
    import onnx
    from numpy.lib.stride_tricks import sliding_window_view
    from onnx import numpy_helper
except ImportError:
    sys.exit(77)

TOLERANCE = 1e-5
TIME_TOLERANCE = 2e-6  # of a sine; of a float's product with 250 / s it is 1e-4 off
UNUSED = ("model.vae_encoder", "model.encoder_latent_input_proj.weight")  # only for training


def safetensors(path):
    with open(path, "rb") as file:
        content = file.read()
    n, = struct.unpack("<Q", content[:8])
    header = json.loads(content[8:8 + n])
    header.pop("__metadata__", None)
    return {name: np.frombuffer(content[8 + n:][slice(*of["data_offsets"])], np.float32)
            .reshape(of["shape"]) for name, of in header.items()}


def layer_normalization(x, weight, bias=None, axis=-1, epsilon=1e-5):
    assert axis == -1 and weight.shape == x.shape[-1:]
    mean = x.mean(-1, keepdims=True)
    variance = ((x - mean) ** 2).mean(-1, keepdims=True)
    y = (x - mean) / np.sqrt(variance + np.float32(epsilon)) * weight
    return y if bias is None else y + bias


def softmax(x, axis):
    power = np.exp(x - x.max(axis, keepdims=True))
    return power / power.sum(axis, keepdims=True)


def reshape(x, sizes):
    return x.reshape([x.shape[i] if size == 0 else size for i, size in enumerate(sizes)])


def unsqueeze(x, axes):
    for axis in sorted(axes):
        x = np.expand_dims(x, axis)
    return x


def windows(x, kernel_shape, strides, pads, value):
    assert len(pads) == 4
    x = np.pad(x, ((0, 0), (0, 0), (pads[0], pads[2]), (pads[1], pads[3])), constant_values=value)
    return sliding_window_view(x, kernel_shape, (2, 3))[:, :, ::strides[0], ::strides[1]]


def conv(x, weight, bias=None, *, kernel_shape, strides, pads):
    assert list(weight.shape[2:]) == list(kernel_shape)
    y = np.tensordot(windows(x, kernel_shape, strides, pads, 0), weight, ((1, 4, 5), (1, 2, 3)))
    y = y.transpose(0, 3, 1, 2)
    return y if bias is None else y + bias[:, None, None]


def batch_normalization(x, weight, bias, mean, variance, epsilon=1e-5):
    scale = weight / np.sqrt(variance + np.float32(epsilon))
    return (x - mean[:, None, None]) * scale[:, None, None] + bias[:, None, None]


def instance_normalization(x, weight, bias, epsilon=1e-5):
    axes, each = tuple(range(2, x.ndim)), (-1,) + (1,) * (x.ndim - 2)
    x = x - x.mean(axes, keepdims=True)
    y = x / np.sqrt((x * x).mean(axes, keepdims=True) + np.float32(epsilon))
    return y * weight.reshape(each) + bias.reshape(each)


OPERATORS = {
    "Conv": conv, "BatchNormalization": batch_normalization,
    "InstanceNormalization": instance_normalization,
    "MaxPool": lambda x, *, kernel_shape, strides, pads:
        windows(x, kernel_shape, strides, pads, -np.inf).max((-1, -2)),
    "Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "MatMul": np.matmul,
    "Min": np.minimum, "Max": np.maximum, "Floor": np.floor, "Sin": np.sin, "Cos": np.cos,
    "Sigmoid": lambda x: 0.5 * np.tanh(0.5 * x) + 0.5,
    "Relu": lambda x: np.maximum(x, 0),
    "Identity": lambda x: x,
    "LayerNormalization": layer_normalization,
    "Softmax": softmax,
    "Reshape": reshape,
    "Unsqueeze": unsqueeze,
    "Transpose": lambda x, perm: x.transpose(perm),
    "Concat": lambda *parts, axis: np.concatenate(parts, axis),
    "Expand": lambda x, sizes: x * np.ones(sizes, x.dtype),
    "Shape": lambda x, start, end: np.array(x.shape[start:end], np.int64),
}


def execute(graph, inputs):
    values = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    values.update(inputs)
    for node in graph.node:
        given = [values[name] for name in node.input]
        attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        if node.op_type == "Split":
            made = np.split(given[0], len(node.output), attributes["axis"])
        else:
            made = [OPERATORS[node.op_type](*given, **attributes)]
        for name, value in zip(node.output, made):
            assert value.dtype == given[0].dtype or node.op_type == "Shape", node
            values[name] = value
    return values


def time_is_off(graph, values):
    """How far a time's sines and cosines, of periods from 0.004 to 4, are from those of doubles."""
    off = 0
    for node in graph.node:
        if node.op_type in ("Sin", "Cos"):
            made = values[node.output[0]]
            periods = 0.004 * 1000 ** np.linspace(0, 1, made.shape[1])
            angles = 2 * np.pi * values["time"][:, None].astype(np.float64) / periods
            wanted = np.sin(angles) if node.op_type == "Sin" else np.cos(angles)
            off = max(off, np.abs(made - wanted).max())
    return off


def sizes_of(value):
    return [d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim]


def problems(model_path, data_path, weights_path):
    model = onnx.load(model_path)
    onnx.checker.check_model(model, full_check=True)
    model = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True,
                                              data_prop=True)
    graph, data, weights = model.graph, safetensors(data_path), safetensors(weights_path)
    if (model.ir_version, [(o.domain, o.version) for o in model.opset_import]) != (8, [("", 17)]):
        yield "not of ir_version 8 and opset 17"
    notes = {p.key: p.value for p in model.metadata_props}
    if notes.pop("etude.task", None) != "öffne\ndie Tür" or notes.pop("etude.network") != graph.name:
        yield f"notes {model.metadata_props}"
    if list(notes) != (["etude.euler_steps"] if graph.name == "flow" else []):
        yield f"notes {notes}"
    for value in list(graph.input) + list(graph.output):
        if sizes_of(value)[0] != "batch" or "batch" in sizes_of(value)[1:]:
            yield f"{value.name} has sizes {sizes_of(value)}"

    kept = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    for name, value in weights.items():
        if name not in kept and not name.startswith(UNUSED):
            yield f"{name} is missing"
        elif name in kept and (kept[name].shape != value.shape or
                               kept[name].tobytes() != value.tobytes()):
            yield f"{name} has other numbers"
    for name in kept:
        if name.startswith("model.") and name not in weights:
            yield f"{name} is no parameter"

    inputs = {i.name: data["in/" + i.name] for i in graph.input}
    wanted = {name[4:]: value for name, value in data.items() if name.startswith("out/")}
    if sorted(wanted) != sorted(o.name for o in graph.output):
        yield f"outputs {sorted(o.name for o in graph.output)}"
    n = len(next(iter(inputs.values())))
    parts = [slice(0, n)] + [slice(i, i + 1) for i in range(n)]
    worst = 0
    for part in parts:
        values = execute(graph, {k: v[part] for k, v in inputs.items()})
        if time_is_off(graph, values) > TIME_TOLERANCE:
            yield f"time is {time_is_off(graph, values):.2g} off"
        for name in wanted:
            value = values[name]
            if value.shape != wanted[name][part].shape:
                yield f"{name} is {value.shape}"
                return
            most = np.abs(wanted[name]).max()
            off = np.abs(value - wanted[name][part]).max() / most
            worst = max(worst, off)
            if not off <= TOLERANCE or not most > 0 or wanted[name][0].std() == 0:
                yield f"{name}, samples {part}: {off:.2g} of {most:.3g}"
    nodes = sorted({node.op_type for node in graph.node})
    print(f"# {len(graph.node)} nodes of {len(nodes)} operators ({' '.join(nodes)}), "
          f"{len(kept)} constants: {worst:.1e} off", flush=True)


if __name__ == "__main__":
    found = list(problems(*sys.argv[1:]))
    for problem in found:
        print("# " + problem, flush=True)
    sys.exit(1 if found else 0)
