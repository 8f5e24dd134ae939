#!/usr/bin/env python3
"""Writes logits.tsv: what double precision makes of the default model on chelsea.png and on three inputs
that test_session.c computes itself. Usage: generate.py MODEL IMAGE > logits.tsv
Needs numpy, pillow, safetensors."""
import sys

import numpy as np
from PIL import Image
from safetensors.numpy import load_file


def pattern(kind):
    """[3][224][224] of small integers."""
    c, y, x = np.mgrid[0:3, 0:224, 0:224]
    value = {"ramp": (x + 2 * y + 37 * c) % 256 - 128,
             "checks": ((x // 14 + y // 14 + c) % 2) * 192 - 96,
             "noise": (x * x * 7 + y * y * 13 + x * y * (c + 3) + 101 * c) % 251 - 125}[kind]
    return value.astype(np.float64)


def prepare(image):
    """BGR, 0...255, minus the model's means; the short side is 256, the centre is cut out."""
    short = min(image.size)
    width, height = (int(256 * side / short) for side in image.size)
    left, top = round((width - 224) / 2), round((height - 224) / 2)
    pixels = image.convert("RGB").resize((width, height), Image.Resampling.BILINEAR)
    pixels = np.asarray(pixels.crop((left, top, left + 224, top + 224)), dtype=np.float64)
    return pixels[:, :, ::-1].transpose(2, 0, 1) - np.array([103.939, 116.779, 123.68])[:, None, None]


def conv_relu(x, weight, bias):
    """3 x 3, zeros around: nine products of matrices."""
    padded, y = np.pad(x, ((0, 0), (1, 1), (1, 1))), bias[:, None, None] + np.zeros((1, *x.shape[1:]))
    for row in range(3):
        for column in range(3):
            window = padded[:, row:row + x.shape[1], column:column + x.shape[2]]
            y += np.tensordot(weight[:, :, row, column], window, 1)
    return np.maximum(y, 0)


def logits(weights, x):
    def of(name):
        return (weights[f"{name}.{part}"].astype(np.float64) for part in ("weight", "bias"))
    for block, convolutions in enumerate((2, 2, 3, 3, 3), 1):
        for index in range(1, convolutions + 1):
            x = conv_relu(x, *of(f"conv{block}_{index}"))
        x = x.reshape(x.shape[0], x.shape[1] // 2, 2, x.shape[2] // 2, 2).max((2, 4))
    x = x.reshape(-1)
    for name in ("fc6", "fc7", "fc8"):
        weight, bias = of(name)
        x = weight @ x + bias
        x = x if name == "fc8" else np.maximum(x, 0)
    return x


parameters = load_file(sys.argv[1])
inputs = {"chelsea.png": prepare(Image.open(sys.argv[2]))}
inputs.update({kind: pattern(kind) for kind in ("ramp", "checks", "noise")})
for name, image in inputs.items():
    print(name, *("%.9g" % value for value in logits(parameters, image)), sep="\t")
