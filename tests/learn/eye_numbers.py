"""What ResNet-18 and the small eye make of pictures, computed once more, plainly and without any
library: eye_numbers.h has what test_eye compares with.

    eye_numbers.py HEADER             prints TAP: whether the header has what comes out here
    eye_numbers.py HEADER --update    writes the header
"""
import functools
import math
import re
import sys
from operator import mul

HEIGHT, WIDTH, CAMERAS, KEYPOINTS = 37, 42, 2, 5
EPSILON = 1e-5


def numbers(name, n, scale, middle=0.0):
    """Numbers that test_eye draws in the same way: FNV-1a of the name, then a linear generator."""
    x = 2166136261
    for byte in name.encode():
        x = (x ^ byte) * 16777619 % 2**32
    drawn = []
    for _ in range(n):
        x = (x * 1664525 + 1013904223) % 2**32
        drawn.append(middle + scale * (x / 2**32 - 0.5))
    return drawn


@functools.cache
def parameter(name, n_out, n_rest=0):
    """A parameter by its name: what test_eye fills the network's with."""
    name = "model.backbone." + name
    if n_rest:
        return numbers(name, n_out * n_rest, 2 * math.sqrt(3 / n_rest))
    middle = {"weight": 1, "running_var": 1}.get(name.rsplit(".", 1)[1], 0)
    return numbers(name, n_out, 0.4, middle)


# A map is a list of channels, each a list of rows.

def convolve(x, name, n_out, side, stride, padding):
    high = (len(x[0]) + 2 * padding - side) // stride + 1
    wide = (len(x[0][0]) + 2 * padding - side) // stride + 1
    width = len(x[0][0])
    edge = [0.0] * (width + 2 * padding)
    padded = [[edge] * padding + [[0.0] * padding + row + [0.0] * padding for row in channel] + [edge] * padding
              for channel in x]
    n = len(x) * side * side
    weight = parameter(name + ".weight", n_out, n)
    y = [[[0.0] * wide for _ in range(high)] for _ in range(n_out)]
    for i in range(high):
        for j in range(wide):
            seen = [v for channel in padded for row in channel[i * stride:i * stride + side]
                    for v in row[j * stride:j * stride + side]]
            for o in range(n_out):
                y[o][i][j] = sum(map(mul, seen, weight[o * n:o * n + n]))
    return y


def each(x, f):
    return [[[f(c, v) for v in row] for row in channel] for c, channel in enumerate(x)]


def relu(x):
    return each(x, lambda c, v: max(v, 0.0))


def add(x, y):
    return [[[a + b for a, b in zip(*rows)] for rows in zip(*channels)] for channels in zip(x, y)]


def batch_norm(x, name):
    weight, bias, mean, variance = (parameter(name + end, len(x))
                                    for end in (".weight", ".bias", ".running_mean", ".running_var"))
    return each(x, lambda c, v: (v - mean[c]) / math.sqrt(variance[c] + EPSILON) * weight[c] + bias[c])


def group_norm(x, name, width=16):
    weight, bias = parameter(name + ".weight", len(x)), parameter(name + ".bias", len(x))
    groups = []
    for first in range(0, len(x), width):
        values = [v for channel in x[first:first + width] for row in channel for v in row]
        mean = sum(values) / len(values)
        groups.append((mean, math.sqrt(sum((v - mean)**2 for v in values) / len(values) + EPSILON)))
    return each(x, lambda c, v: (v - groups[c // width][0]) / groups[c // width][1] * weight[c] + bias[c])


def max_pool(x):
    high, wide = len(x[0]), len(x[0][0])
    return [[[max(channel[i][j] for i in range(max(0, 2 * u - 1), min(high, 2 * u + 2))
                  for j in range(max(0, 2 * v - 1), min(wide, 2 * v + 2)))
              for v in range((wide + 1) // 2)] for u in range((high + 1) // 2)] for channel in x]


def resnet18(x):
    x = max_pool(relu(batch_norm(convolve(x, "conv1", 64, 7, 2, 3), "bn1")))
    for stage in range(4):
        n_out = 64 * 2**stage
        for block in range(2):
            name, stride = "layer%d.%d." % (stage + 1, block), 2 if stage and not block else 1
            y = relu(batch_norm(convolve(x, name + "conv1", n_out, 3, stride, 1), name + "bn1"))
            y = batch_norm(convolve(y, name + "conv2", n_out, 3, 1, 1), name + "bn2")
            if stride > 1:
                x = batch_norm(convolve(x, name + "downsample.0", n_out, 1, 2, 0), name + "downsample.1")
            x = relu(add(x, y))
    return [x[c][i][j] for i in range(len(x[0])) for j in range(len(x[0][0])) for c in range(len(x))]


def small(x, channels):
    for i, n_out in enumerate(channels):
        name = "layers.%d." % i
        x = relu(group_norm(convolve(x, name + "conv", n_out, 3, 2, 1), name + "norm"))
    return x


def small_tokens(x):
    x = small(x, (16, 32, 64, 128))
    return [x[c][i][j] for i in range(len(x[0])) for j in range(len(x[0][0])) for c in range(len(x))]


def small_keypoints(x):
    x = convolve(small(x, (16, 32, 64)), "keypoints", KEYPOINTS, 3, 1, 1)
    found = []
    for channel, bias in zip(x, parameter("keypoints.bias", KEYPOINTS)):
        weights = [[math.exp(v + bias) for v in row] for row in channel]
        total, high, wide = sum(map(sum, weights)), len(channel), len(channel[0])
        found.append(sum(w * (2 * j / (wide - 1) - 1) for row in weights for j, w in enumerate(row)) / total)
        found.append(sum(w * (2 * i / (high - 1) - 1) for i, row in enumerate(weights) for w in row) / total)
    return found


def picture(camera):
    flat = numbers("camera %d" % camera, 3 * HEIGHT * WIDTH, 4)
    rows = [flat[i:i + WIDTH] for i in range(0, len(flat), WIDTH)]
    return [rows[c * HEIGHT:(c + 1) * HEIGHT] for c in range(3)]


def header():
    lines = ["/* Made by eye_numbers.py. */", "#ifndef EYE_NUMBERS_H", "#define EYE_NUMBERS_H", "",
             "#define HEIGHT %d" % HEIGHT, "#define WIDTH %d" % WIDTH,
             "#define CAMERAS %d" % CAMERAS, "#define KEYPOINTS %d" % KEYPOINTS]
    for name, eye, step in (("RESNET18", resnet18, 61), ("TOKENS", small_tokens, 29), ("POINTS", small_keypoints, 1)):
        rows = [v for camera in range(CAMERAS) for v in eye(picture(camera))]
        lines += ["", "#define N_%s %d" % (name, len(rows)), "#define %s_STEP %d // every so many are here" % (name, step),
                  "static const double %s[] = {" % name]
        kept = ["%.9g" % v for v in rows[::step]]
        lines += ["    " + ", ".join(kept[i:i + 6]) + "," for i in range(0, len(kept), 6)] + ["};"]
    return "\n".join(lines + ["", "#endif"]) + "\n"


def is_same(a, b):
    """The same text, and numbers that are the same to six digits: sums are not rounded alike everywhere."""
    number = r"-?\d+(?:\.\d+)?(?:e-?\d+)?"
    values = [list(map(float, re.findall(number, text))) for text in (a, b)]
    return (re.sub(number, "", a).split() == re.sub(number, "", b).split() and len(values[0]) == len(values[1]) and
            all(abs(x - y) <= 1e-6 * (1 + abs(x)) for x, y in zip(*values)))


if sys.argv[2:] == ["--update"]:
    with open(sys.argv[1], "w", encoding="utf-8") as f:
        f.write(header())
else:
    with open(sys.argv[1], encoding="utf-8") as f:
        print("%s 1 - the_numbers_that_eyes_are_compared_with_are_these" % ("ok" if is_same(f.read(), header()) else "not ok"))
    print("1..1")
