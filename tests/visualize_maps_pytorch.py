#!/usr/bin/env python3
"""Occlusion, invariance and Grad-CAM of `clvgg visualize` beside PyTorch's, on the same photographs.

Photographs are read and resized by Pillow, moved and turned by cubic interpolation written here, run by
PyTorch in float64; Grad-CAM's gradients are autograd's. Fails where a map or curve differs by more than
1e-3 of its greatest value. Run by hand; needs torch, numpy, Pillow and safetensors, and a VGG with the
layer names of models/README.md.

  tests/visualize_maps_pytorch.py PHOTOGRAPH... [--model F] [--clvgg PROGRAM] [--stride 32]
"""
import argparse
import json
import math
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy
import torch
from PIL import Image
from safetensors.torch import load_file

ROOT = Path(__file__).resolve().parent.parent
TOLERANCE = 1e-3


def run(args, what, *options):
    with tempfile.TemporaryDirectory() as out:
        command = [args.clvgg, "visualize", what, "--json", "--quiet", "--model", args.model, "--out", out, *options, *args.photographs]
        done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))}: exit status {done.returncode}")
    return json.loads(done.stdout)[what]


class Vgg(torch.nn.Module):
    """Values of every layer by name, from a file with canonical names."""

    def __init__(self, path):
        super().__init__()
        self.weights = {name: tensor.double() for name, tensor in load_file(path).items()}
        self.convolutions = sorted({name.split(".")[0] for name in self.weights if name.startswith("conv")})

    def forward(self, x):
        values, layer = {}, torch.nn.functional
        for i, name in enumerate(self.convolutions):
            x = layer.relu(layer.conv2d(x, self.weights[f"{name}.weight"], self.weights[f"{name}.bias"], padding=1))
            x = values[f"relu{name[4:]}"] = x
            if i + 1 == len(self.convolutions) or self.convolutions[i + 1][4] != name[4]:
                x = values[f"pool{name[4]}"] = layer.max_pool2d(x, 2)
        return self.head(x, values)

    def head(self, x, values):
        layer, x = torch.nn.functional, torch.flatten(x, 1)
        for name in ("fc6", "fc7", "fc8"):
            x = layer.linear(x, self.weights[f"{name}.weight"], self.weights[f"{name}.bias"])
            if name != "fc8":
                x = values[f"relu{name[2]}"] = layer.relu(x)
        values["logits"] = x
        return values


def resized(photograph, p, scale=1.0):
    """The photograph as it is resized for classification, `scale` times larger, and the factor that was reached."""
    short = p["resize_short"]
    width, height = photograph.size
    size = [int(short * side / min(width, height)) for side in (width, height)]
    larger = [max(1, math.floor(side * scale + 0.5)) for side in size]
    picture = numpy.asarray(photograph.resize(larger, Image.BILINEAR), dtype=numpy.float64)
    return picture, size, [a / b for a, b in zip(larger, size)]


def keys(t):
    """Keys' cubic convolution kernel, a = -1/2."""
    t = numpy.abs(t)
    return numpy.where(t < 1, 1.5 * t**3 - 2.5 * t**2 + 1, numpy.where(t < 2, -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2, 0))


def prepare(photograph, p, down=0.0, scale=1.0, turn=0.0):
    height, width = p["height"], p["width"]
    picture, size, ratio = resized(photograph, p, scale)
    left, top = (round((side - wanted) / 2) for side, wanted in zip(size, (width, height)))
    y, x = numpy.mgrid[0:height, 0:width].astype(numpy.float64)
    x, y = x + 0.5 - width / 2, y + 0.5 - height / 2 - down
    angle = math.radians(turn)
    across = (left + width / 2) * ratio[0] + (math.cos(angle) * x - math.sin(angle) * y) * ratio[0] / scale - 0.5
    along = (top + height / 2) * ratio[1] + (math.sin(angle) * x + math.cos(angle) * y) * ratio[1] / scale - 0.5
    rgb = numpy.zeros((height, width, 3))
    for i in range(-1, 3):
        for j in range(-1, 3):
            row, column = numpy.floor(along) + i, numpy.floor(across) + j
            weight = keys(along - row) * keys(across - column)
            at = picture[numpy.clip(row, 0, picture.shape[0] - 1).astype(int), numpy.clip(column, 0, picture.shape[1] - 1).astype(int)]
            rgb += weight[..., None] * at
    rgb = numpy.clip(rgb, 0, 255)
    if p["channels"] == "BGR":
        rgb = rgb[..., ::-1]
    values = (rgb * p["scale"] - numpy.array(p["mean"])) / numpy.array(p["std"])
    return torch.from_numpy(numpy.ascontiguousarray(values.transpose(2, 0, 1)))


class Differences:
    def __init__(self):
        self.failed = 0

    def note(self, what, ours, theirs):
        ours, theirs = numpy.asarray(ours, dtype=numpy.float64), numpy.asarray(theirs, dtype=numpy.float64)
        difference = numpy.abs(ours - theirs).max() / max(numpy.abs(theirs).max(), 1e-12)
        wrong = not difference <= TOLERANCE
        self.failed += wrong
        print(f"  {what:<40} {difference:.1e}{'  WRONG' if wrong else ''}")


def log_odds(logits, index):
    rest = torch.cat([logits[:, :index], logits[:, index + 1:]], 1)
    return logits[:, index] - torch.logsumexp(rest, 1)


def compare_occlusion(net, told, image, differences):
    size, stride, maps = told["size"], told["stride"], {"probability": [], "log_odds": [], "activation": []}
    height, width = image.shape[1:]
    for row in range(len(told["log_odds"])):
        batch = []
        for column in range(len(told["log_odds"][0])):
            top, left = (told[edge] + index * stride + math.floor((stride - size) / 2) for edge, index in (("top", row), ("left", column)))
            batch.append(image.clone())
            batch[-1][:, max(top, 0):min(top + size, height), max(left, 0):min(left + size, width)] = 0
        values = net(torch.stack(batch))
        maps["log_odds"].append(log_odds(values["logits"], told["class"]["index"]).tolist())
        maps["probability"].append(torch.softmax(values["logits"], 1)[:, told["class"]["index"]].tolist())
        maps["activation"].append(values[told["layer"]][:, told["map"]].sum((1, 2)).tolist())
    for name, values in maps.items():
        differences.note(f"occlusion, {name}", told[name], values)


def compare_invariance(net, told, photograph, p, differences):
    whole = net(prepare(photograph, p)[None])
    names = [layer["name"] for layer in told["layers"]]
    for what, argument in (("translation", "down"), ("scale", "scale"), ("rotation", "turn")):
        curves = {name: [] for name in [*names, "log_odds"]}
        for amount in told[what]["amounts"]:
            values = net(prepare(photograph, p, **{argument: amount})[None])
            for name in names:
                curves[name].append(float((values[name] - whole[name]).norm() / whole[name].norm()))
            curves["log_odds"].append(float(log_odds(values["logits"], told["class"]["index"])[0]))
        for i, name in enumerate(names):
            differences.note(f"{what}, distance in {name}", told[what]["distances"][i], curves[name])
        differences.note(f"{what}, log-odds", told[what]["log_odds"], curves["log_odds"])


def compare_gradcam(net, told, image, differences):
    values = net(image[None])
    layer = values[told["layer"]].detach().requires_grad_()
    pooled = torch.nn.functional.max_pool2d(layer, 2)
    logits = net.head(pooled, {})["logits"]
    gradient, = torch.autograd.grad(logits[0, told["class"]["index"]], layer)
    cam = torch.relu((gradient.mean((2, 3), keepdim=True) * layer).sum(1))[0].detach()
    differences.note("Grad-CAM", told["map"], cam)
    large = torch.nn.functional.interpolate(cam[None, None], size=image.shape[1:], mode="bilinear")[0, 0]
    peak = divmod(int(large.argmax()), large.shape[1])
    differences.note("Grad-CAM, its peak", [told["peak"]["y"], told["peak"]["x"]], peak)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photographs", nargs="+")
    parser.add_argument("--model", default=ROOT / "models" / "vgg16-catdog.safetensors")
    parser.add_argument("--clvgg", default=ROOT / "build" / "clvgg")
    parser.add_argument("--stride", default=32)
    args = parser.parse_args()
    info = json.loads(subprocess.run([args.clvgg, "info", "--json", "--device", "none", args.model], check=True, stdout=subprocess.PIPE).stdout)
    p = info["preprocess"]
    net, differences = Vgg(args.model), Differences()
    occlusion = run(args, "occlusion", "--stride", args.stride)
    invariance = run(args, "invariance", "--points", 7)
    gradcam = run(args, "gradcam")
    with torch.no_grad():
        for i, path in enumerate(args.photographs):
            photograph = Image.open(path).convert("RGB")
            image = prepare(photograph, p)
            print(path)
            compare_occlusion(net, occlusion[i], image, differences)
            compare_invariance(net, invariance[i], photograph, p, differences)
            with torch.enable_grad():
                compare_gradcam(net, gradcam[i], image, differences)
    sys.exit(differences.failed > 0)


if __name__ == "__main__":
    main()
