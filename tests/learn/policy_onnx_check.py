"""Judges an exported policy: policy_onnx_check.py MODEL DATA NOTE=TEXT …

DATA (safetensors) has in/<input> and out/<output>; executed by onnx_check's interpreter the model
has to give the same. Exits with 77 where onnx or numpy are not there.
"""

import sys

from onnx_check import execute, np, onnx, safetensors, sizes_of

TOLERANCE = 2e-5


def problems(model_path, data_path, *notes):
    model = onnx.load(model_path)
    onnx.checker.check_model(model, full_check=True)
    data, graph = safetensors(data_path), model.graph
    inputs = {i.name: data["in/" + i.name] for i in graph.input}
    if sorted("in/" + name for name in inputs) != sorted(n for n in data if n.startswith("in/")):
        yield f"inputs {sorted(inputs)}"
    if [o.name for o in graph.output] != ["action"] or sizes_of(graph.output[0])[0] != "batch":
        yield f"outputs {[o.name for o in graph.output]}"
    said = {p.key: p.value for p in model.metadata_props}
    for key, text in (note.split("=", 1) for note in notes):
        if said.get(key) != text:
            yield f"{key} is {said.get(key)!r}, wanted {text!r}"
    wanted = data["out/action"]
    given = execute(graph, inputs)["action"]
    if given.shape != wanted.shape:
        yield f"action is {given.shape}, wanted {wanted.shape}"
        return
    off = np.abs(given - wanted).max() / np.abs(wanted).max()
    print(f"# {off:.1e} off", flush=True)
    if not off <= TOLERANCE or wanted.std() == 0:
        yield f"action is {off:.2g} off"


found = list(problems(*sys.argv[1:]))
for problem in found:
    print("# " + problem, flush=True)
sys.exit(1 if found else 0)
