"""Checkpoints of ACT as LeRobot writes them, and what they give, worked out by numpy alone:

    act_numpy.py FOLDER

FOLDER/new has processors beside, FOLDER/old its statistics in model.safetensors, FOLDER/range is
normalised by ranges and without an environment's normalisation; numbers are by chance. Those that
begin with `seeing` have cameras: two by means of their own, in either layout, one by ranges and
without an environment, one of which the processors say nothing.
FOLDER/<case>.safetensors has in/state, in/environment (samples × values), in/pictures (samples ×
cameras × height × width × 3, bytes) and out/action (samples × steps × values). Exits with 77 where
numpy is not there (Debian: python3-numpy).

The layers are those of Zhao et al. 2023 as LeRobot has them: normalised behind each part, ReLU,
learned positions added to queries and keys in each layer, a latent of 0; ResNet-18 (He et al. 2016)
with batch norm that stays as it is, whose places follow the numbers' tokens, camera by camera.
"""

import json
import os
import struct
import sys

try:
    import numpy as np
    from numpy.lib.stride_tricks import sliding_window_view
except ImportError:
    sys.exit(77)

STATE, SCENE, ACTION = "observation.state", "observation.environment_state", "action"
N_STATE, N_SCENE, CHUNK, WIDTH, HEADS, BETWEEN, LATENT = 5, 3, 4, 12, 3, 20, 6
N_ENCODER, N_DECODER, N_VAE, SAMPLES = 2, 1, 1, 4
IMAGES, CHANNELS = "observation.images.", 512
EPSILON = 1e-8
chance = np.random.default_rng(5)


def write_safetensors(path, tensors):
    header, at, parts = {"__metadata__": {"format": "pt"}}, 0, []
    for name, value in tensors.items():
        value = np.ascontiguousarray(value, np.float32)
        header[name] = {"dtype": "F32", "shape": list(value.shape),
                        "data_offsets": [at, at + value.nbytes]}
        at += value.nbytes
        parts.append(value.tobytes())
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(parts))


# ---- weights ----

def normal(*shape):
    return (0.4 * chance.standard_normal(shape)).astype(np.float32)


def linear(to, name, n_in, n_out):
    to[name + ".weight"], to[name + ".bias"] = normal(n_out, n_in), normal(n_out)


def norm(to, name):
    to[name + ".weight"], to[name + ".bias"] = 1 + normal(WIDTH), normal(WIDTH)


def attention(to, name):
    to[name + ".in_proj_weight"] = normal(3 * WIDTH, WIDTH)
    to[name + ".in_proj_bias"] = normal(3 * WIDTH)
    linear(to, name + ".out_proj", WIDTH, WIDTH)


def layer(to, name, is_decoder):
    attention(to, name + ".self_attn")
    if is_decoder:
        attention(to, name + ".multihead_attn")
    linear(to, name + ".linear1", WIDTH, BETWEEN)
    linear(to, name + ".linear2", BETWEEN, WIDTH)
    for i in range(3 if is_decoder else 2):
        norm(to, f"{name}.norm{i + 1}")


def batch_norm(to, name, n):
    to[name + ".weight"], to[name + ".bias"] = 1 + normal(n) / 2, normal(n)
    to[name + ".running_mean"], to[name + ".running_var"] = normal(n), 0.7 + np.abs(normal(n))


def convolution(to, name, n_in, n_out, side):
    to[name + ".weight"] = normal(n_out, n_in, side, side) * (3.5 / np.sqrt(n_in) / side)


def backbone(to):
    convolution(to, "model.backbone.conv1", 3, 64, 7)
    batch_norm(to, "model.backbone.bn1", 64)
    n_in = 64
    for i in range(8):
        name, n_out = f"model.backbone.layer{i // 2 + 1}.{i % 2}.", 64 << i // 2
        convolution(to, name + "conv1", n_in, n_out, 3)
        convolution(to, name + "conv2", n_out, n_out, 3)
        batch_norm(to, name + "bn1", n_out)
        batch_norm(to, name + "bn2", n_out)
        if n_in != n_out:
            convolution(to, name + "downsample.0", n_in, n_out, 1)
            batch_norm(to, name + "downsample.1", n_out)
        n_in = n_out


def weights(has_vae, has_scene, has_pictures):
    to = {}
    if has_pictures:
        backbone(to)
        to["model.encoder_img_feat_input_proj.weight"] = normal(WIDTH, CHANNELS, 1, 1) / 100
        to["model.encoder_img_feat_input_proj.bias"] = normal(WIDTH)
    if has_vae:
        for i in range(N_VAE):
            layer(to, f"model.vae_encoder.layers.{i}", False)
        to["model.vae_encoder_cls_embed.weight"] = normal(1, WIDTH)
        to["model.vae_encoder_pos_enc"] = normal(1, 2 + CHUNK, WIDTH)  # a constant: not read
        linear(to, "model.vae_encoder_robot_state_input_proj", N_STATE, WIDTH)
        linear(to, "model.vae_encoder_action_input_proj", N_STATE, WIDTH)
        linear(to, "model.vae_encoder_latent_output_proj", WIDTH, 2 * LATENT)
    for i in range(N_ENCODER):
        layer(to, f"model.encoder.layers.{i}", False)
    for i in range(N_DECODER):
        layer(to, f"model.decoder.layers.{i}", True)
    norm(to, "model.decoder.norm")
    linear(to, "model.encoder_robot_state_input_proj", N_STATE, WIDTH)
    if has_scene:
        linear(to, "model.encoder_env_state_input_proj", N_SCENE, WIDTH)
    linear(to, "model.encoder_latent_input_proj", LATENT, WIDTH)
    to["model.encoder_1d_feature_pos_embed.weight"] = normal(2 + has_scene, WIDTH)
    to["model.decoder_pos_embed.weight"] = normal(CHUNK, WIDTH)
    linear(to, "model.action_head", WIDTH, N_STATE)
    return to


# ---- forward, in doubles ----

class Act:
    def __init__(self, values):
        self.w = {name: value.astype(np.float64) for name, value in values.items()}

    def linear(self, name, x):
        return x @ self.w[name + ".weight"].T + self.w[name + ".bias"]

    def norm(self, name, x):
        x = x - x.mean(-1, keepdims=True)
        x = x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-5)
        return x * self.w[name + ".weight"] + self.w[name + ".bias"]

    def attend(self, name, asks, keys, values):
        weight, bias = self.w[name + ".in_proj_weight"], self.w[name + ".in_proj_bias"]
        parts = [x @ weight[i * WIDTH:(i + 1) * WIDTH].T + bias[i * WIDTH:(i + 1) * WIDTH]
                 for i, x in enumerate((asks, keys, values))]
        size, heads = WIDTH // HEADS, []
        for h in range(HEADS):
            q, k, v = (x[:, h * size:(h + 1) * size] for x in parts)
            scores = q @ k.T / np.sqrt(size)
            power = np.exp(scores - scores.max(-1, keepdims=True))
            heads.append(power / power.sum(-1, keepdims=True) @ v)
        return self.linear(name + ".out_proj", np.concatenate(heads, -1))

    def between(self, name, x):
        return self.linear(name + ".linear2", np.maximum(self.linear(name + ".linear1", x), 0))

    def encode(self, x, places):
        for i in range(N_ENCODER):
            name = f"model.encoder.layers.{i}"
            asks = x + places
            x = self.norm(name + ".norm1", x + self.attend(name + ".self_attn", asks, asks, x))
            x = self.norm(name + ".norm2", x + self.between(name, x))
        return x

    def decode(self, memory, places, queries):
        x = np.zeros((CHUNK, WIDTH))
        for i in range(N_DECODER):
            name = f"model.decoder.layers.{i}"
            asks = x + queries
            x = self.norm(name + ".norm1", x + self.attend(name + ".self_attn", asks, asks, x))
            x = self.norm(name + ".norm2", x + self.attend(
                name + ".multihead_attn", x + queries, memory + places, memory))
            x = self.norm(name + ".norm3", x + self.between(name, x))
        return self.norm("model.decoder.norm", x)

    def convolve(self, conv, norm, x, stride):
        weight = self.w["model.backbone." + conv + ".weight"]
        side = weight.shape[-1]
        x = np.pad(x, ((0, 0), (side // 2, side // 2), (side // 2, side // 2)))
        windows = sliding_window_view(x, (side, side), axis=(1, 2))[:, ::stride, ::stride]
        y = np.tensordot(weight, windows, axes=((1, 2, 3), (0, 3, 4)))
        w, b, mean, variance = (self.w[f"model.backbone.{norm}.{what}"][:, None, None]
                                for what in ("weight", "bias", "running_mean", "running_var"))
        return (y - mean) / np.sqrt(variance + 1e-5) * w + b

    def look(self, picture):
        x = np.maximum(self.convolve("conv1", "bn1", picture, 2), 0)
        x = np.pad(x, ((0, 0), (1, 1), (1, 1)))  # after ReLU nothing is below 0
        x = sliding_window_view(x, (3, 3), axis=(1, 2))[:, ::2, ::2].max((-1, -2))
        for i in range(8):
            name, stride = f"layer{i // 2 + 1}.{i % 2}.", 2 if i in (2, 4, 6) else 1
            y = np.maximum(self.convolve(name + "conv1", name + "bn1", x, stride), 0)
            y = self.convolve(name + "conv2", name + "bn2", y, 1)
            if stride > 1:
                x = self.convolve(name + "downsample.0", name + "downsample.1", x, stride)
            x = np.maximum(x + y, 0)
        weight = self.w["model.encoder_img_feat_input_proj.weight"][:, :, 0, 0]
        rows = x.reshape(CHANNELS, -1).T @ weight.T
        return rows + self.w["model.encoder_img_feat_input_proj.bias"], places_of(*x.shape[1:])

    def act(self, state, scene, pictures):
        tokens = [self.linear("model.encoder_latent_input_proj", np.zeros(LATENT)),
                  self.linear("model.encoder_robot_state_input_proj", state)]
        if scene is not None:
            tokens.append(self.linear("model.encoder_env_state_input_proj", scene))
        looks = [self.look(picture) for picture in pictures]
        tokens = np.concatenate([np.stack(tokens)] + [rows for rows, _ in looks])
        places = np.concatenate([self.w["model.encoder_1d_feature_pos_embed.weight"]] +
                                [of for _, of in looks])
        x = self.decode(self.encode(tokens, places), places,
                        self.w["model.decoder_pos_embed.weight"])
        return self.linear("model.action_head", x)


def places_of(height, width):
    """Half of the numbers say how far down, the others how far right; sines and cosines in turn."""
    half, parts = WIDTH // 2, []
    for n in (height, width):
        share = np.arange(1, n + 1) / (n + 1e-6)
        angles = 2 * np.pi * share[:, None] / 10000 ** (2 * (np.arange(half) // 2) / half)
        parts.append(np.stack((np.sin(angles[:, 0::2]), np.cos(angles[:, 1::2])), -1)
                     .reshape(n, half))
    return np.array([np.concatenate((y, x)) for y in parts[0] for x in parts[1]])


# ---- what is normalised by ----

def statistics(n):
    least = normal(n) * 5
    return {"mean": normal(n) * 3, "std": np.abs(normal(n)) + 0.2, "min": least,
            "max": least + 0.5 + np.abs(normal(n))}


def colours():
    def few(least, most):
        return chance.uniform(least, most, (3, 1, 1)).astype(np.float32)
    return {"mean": few(0.3, 0.6), "std": few(0.15, 0.35), "min": few(0, 0.1), "max": few(0.8, 1)}


def forth(x, mode, s):
    if mode == "MEAN_STD":
        return (x - s["mean"].astype(np.float64)) / (s["std"].astype(np.float64) + EPSILON)
    if mode == "MIN_MAX":
        return 2 * (x - s["min"].astype(np.float64)) / (s["max"] - s["min"].astype(np.float64)) - 1
    return x


def back(x, mode, s):
    if mode == "MEAN_STD":
        return x * s["std"] + s["mean"]
    return (x + 1) / 2 * (s["max"] - s["min"].astype(np.float64)) + s["min"]


# ---- files ----

def feature(kind, n):
    return {"type": kind, "shape": [n]}


def inputs_of(has_scene, cameras, size):
    of = {STATE: feature("STATE", N_STATE)}
    if has_scene:
        of[SCENE] = feature("ENV", N_SCENE)
    return {**of, **{IMAGES + name: {"type": "VISUAL", "shape": [3, *size]} for name in cameras}}


def config(modes, inputs, **more):
    return {"type": "act", "n_obs_steps": 1, "chunk_size": CHUNK, "n_action_steps": CHUNK,
            "device": "cuda", "use_amp": False, "push_to_hub": True, "repo_id": "some/body",
            "input_features": inputs,
            "output_features": {ACTION: feature("ACTION", N_STATE)},
            "normalization_mapping": modes, "vision_backbone": "resnet18",
            "pretrained_backbone_weights": "ResNet18_Weights.IMAGENET1K_V1",
            "replace_final_stride_with_dilation": False, "pre_norm": False, "dim_model": WIDTH,
            "n_heads": HEADS, "dim_feedforward": BETWEEN, "feedforward_activation": "relu",
            "n_encoder_layers": N_ENCODER, "n_decoder_layers": N_DECODER, "use_vae": True,
            "latent_dim": LATENT, "n_vae_encoder_layers": N_VAE, "temporal_ensemble_coeff": None,
            "dropout": 0.1, "kl_weight": 10.0, "optimizer_lr": 1e-5, "optimizer_weight_decay": 1e-4,
            "optimizer_lr_backbone": 1e-5, **more}


def write_json(folder, name, value):
    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
        json.dump(value, file)


def write_processors(folder, modes, stats):
    flat = {f"{name}.{stat}": value for name, of in stats.items() for stat, value in of.items()}
    pre, post = ("policy_preprocessor_step_3_normalizer_processor.safetensors",
                 "policy_postprocessor_step_0_unnormalizer_processor.safetensors")
    write_safetensors(os.path.join(folder, pre), flat)
    write_safetensors(os.path.join(folder, post), flat)
    device = {"registry_name": "device_processor",
              "config": {"device": "cuda", "float_dtype": None}}
    write_json(folder, "policy_preprocessor.json", {"name": "policy_preprocessor", "steps": [
        {"registry_name": "rename_observations_processor", "config": {"rename_map": {}}},
        {"registry_name": "to_batch_processor", "config": {}}, device,
        {"registry_name": "normalizer_processor", "state_file": pre,
         "config": {"eps": EPSILON, "features": {}, "norm_map": modes}}]})
    write_json(folder, "policy_postprocessor.json", {"name": "policy_postprocessor", "steps": [
        {"registry_name": "unnormalizer_processor", "state_file": post,
         "config": {"eps": EPSILON, "features": {}, "norm_map": modes}}, device]})


def make(root, case, modes, is_old, cameras=(), size=(), has_scene=True, **more):
    folder = os.path.join(root, case)
    os.makedirs(folder)
    values = weights(more.get("use_vae", True), has_scene, bool(cameras))
    stats = {STATE: statistics(N_STATE), SCENE: statistics(N_SCENE), ACTION: statistics(N_STATE),
             **({IMAGES + name: colours() for name in cameras} if "VISUAL" in modes else {})}
    if not has_scene:
        del stats[SCENE]
    kept = dict(values)
    if is_old:
        for prefix, names in (("normalize_inputs", [name for name in stats if name != ACTION]),
                              ("normalize_targets", (ACTION,)), ("unnormalize_outputs", (ACTION,))):
            for name in names:
                for stat in ("mean", "std"):
                    kept[f"{prefix}.buffer_{name.replace('.', '_')}.{stat}"] = stats[name][stat]
    else:
        write_processors(folder, modes, stats)
    write_safetensors(os.path.join(folder, "model.safetensors"), kept)
    write_json(folder, "config.json", config({} if not is_old and case == "range" else modes,
                                             inputs_of(has_scene, cameras, size), **more))
    state = normal(SAMPLES, N_STATE) * 8
    scene = normal(SAMPLES, N_SCENE) * 8
    act, out = Act(values), []
    data = {"in/state": state, "in/environment": scene}
    if cameras:
        data["in/pictures"] = chance.integers(0, 256, (SAMPLES, len(cameras), *size, 3))
    for i in range(SAMPLES):
        seen = [forth(data["in/pictures"][i, k].transpose(2, 0, 1) / 255, modes.get("VISUAL"),
                      stats.get(IMAGES + name)) for k, name in enumerate(cameras)]
        around = forth(scene[i].astype(np.float64), modes.get("ENV"),
                       stats[SCENE]) if has_scene else None
        made = act.act(forth(state[i].astype(np.float64), modes["STATE"], stats[STATE]), around,
                       seen)
        out.append(back(made, modes["ACTION"], stats[ACTION]))
    write_safetensors(os.path.join(root, case + ".safetensors"), {**data, "out/action": out})


MEAN = {"VISUAL": "MEAN_STD", "STATE": "MEAN_STD", "ENV": "MEAN_STD", "ACTION": "MEAN_STD"}
RANGE = {"STATE": "MIN_MAX", "ENV": "IDENTITY", "ACTION": "MIN_MAX"}
make(sys.argv[1], "new", MEAN, False)
make(sys.argv[1], "old", MEAN, True)
make(sys.argv[1], "range", RANGE, False, use_vae=False)
make(sys.argv[1], "seeing", MEAN, False, ("head", "left_wrist"), (30, 35))
make(sys.argv[1], "seeing-old", MEAN, True, ("head", "left_wrist"), (30, 35))
make(sys.argv[1], "seeing-range", {**RANGE, "VISUAL": "MIN_MAX"}, False, ("head",), (40, 48),
     has_scene=False, use_vae=False)
make(sys.argv[1], "seeing-plain", {"STATE": "MEAN_STD", "ACTION": "MEAN_STD"}, False, ("head",),
     (33, 64))
