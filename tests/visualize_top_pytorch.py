#!/usr/bin/env python3
"""The lists of `clvgg visualize top` beside brute force in PyTorch, on the same photographs.

Photographs are read and resized by Pillow and run by PyTorch in float32, all maps of all convolutions. A list may
differ from brute force only where rounding decides: values must agree to 1e-4 of the layer's greatest, and what
stands in another place must be as strong there to that measure. Run by hand; needs torch, numpy, Pillow and
safetensors, and a VGG with the layer names of models/README.md.

  tests/visualize_top_pytorch.py PHOTOGRAPH|DIR... [--model F] [--clvgg PROGRAM] [--count 9] [--most 200]
"""
import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy
import torch
from PIL import Image
from safetensors import safe_open

ROOT = Path(__file__).resolve().parent.parent
TOLERANCE = 1e-4


def photographs(args):
    found = []
    for name in args.photographs:
        path = Path(name)
        found += sorted(path.glob("*.jpg")) + sorted(path.glob("*.JPEG")) if path.is_dir() else [path]
    return [str(path) for path in found[: args.most]]


def run(args, files):
    """Entries by layer and map, and the maps that are said never to fire."""
    with tempfile.TemporaryDirectory() as out:
        command = [args.clvgg, "visualize", "top", "--quiet", "--model", args.model, "--maps", "all", "--out", out]
        # All maps are listed before any is drawn: the drawing isn't wanted here.
        with subprocess.Popen([*map(str, command), "--count", str(args.count), *files]) as process:
            manifest = Path(out, "manifest.json")
            while process.poll() is None and not manifest.exists():
                try:
                    process.wait(1)
                except subprocess.TimeoutExpired:
                    pass
            process.terminate()
        entries, dead = {}, set()
        for entry in json.loads(manifest.read_text()):
            key = entry["layer"], entry["map"]
            if entry.get("dead"):
                dead.add(key)
            else:
                entries.setdefault(key, []).append(entry)
    return entries, dead


def prepare(path, rule):
    """Short side to `resize_short`, the centre cut out, as the model's file says."""
    image = Image.open(path).convert("RGB")
    short, side = rule["resize_short"], rule["crop"]
    width, height = image.size
    scale = short / min(width, height)
    size = (short, int(short * height / width)) if width < height else (int(short * width / height), short)
    image = image.resize(size, Image.BILINEAR) if scale != 1 else image
    left, top = round((image.size[0] - side) / 2), round((image.size[1] - side) / 2)
    pixels = numpy.asarray(image.crop((left, top, left + side, top + side)), numpy.float32)
    if rule["channels"] == "BGR":
        pixels = pixels[:, :, ::-1]
    pixels = (pixels * rule["scale"] - numpy.float32(rule["mean"])) / numpy.float32(rule["std"])
    return torch.from_numpy(numpy.ascontiguousarray(pixels.transpose(2, 0, 1)))


def peaks(args, files):
    """Of each layer the peaks' values and positions, [photographs][maps]."""
    with safe_open(args.model, "pt") as file:
        weights = {name: file.get_tensor(name).float() for name in file.keys() if name.startswith("conv")}
        rule = json.loads(file.metadata()["clvgg.preprocess"])
    names = sorted({name.split(".")[0] for name in weights})
    found = {name: ([], []) for name in names}
    with torch.no_grad():
        for first in range(0, len(files), 8):
            x = torch.stack([prepare(path, rule) for path in files[first : first + 8]])
            for i, name in enumerate(names):
                if i > 0 and names[i - 1][4] != name[4]:
                    x = torch.nn.functional.max_pool2d(x, 2)
                x = torch.relu(torch.nn.functional.conv2d(x, weights[name + ".weight"], weights[name + ".bias"], padding=1))
                flat = x.flatten(2).numpy()
                at = flat.argmax(2)
                found[name][0].append(numpy.take_along_axis(flat, at[:, :, None], 2)[:, :, 0])
                found[name][1].append(numpy.stack([at // x.shape[3], at % x.shape[3]], 2))
            print(f"\r{min(first + 8, len(files))} of {len(files)} photographs", end="", file=sys.stderr)
    print(file=sys.stderr)
    return {name: tuple(numpy.concatenate(part) for part in parts) for name, parts in found.items()}


def compare(name, values, places, files, entries, dead, count):
    """Lists of a layer: equal ones, places that rounding exchanged, wrong ones; greatest difference of a value."""
    index, greatest = {path: i for i, path in enumerate(files)}, values.max()
    equal, rounding, wrong, difference = 0, 0, 0, 0.0
    for m in range(values.shape[1]):
        order = sorted((i for i in range(len(files)) if values[i, m] > 0), key=lambda i: (-values[i, m], i))[:count]
        found = entries.get((name, m), [])
        if (not order) != ((name, m) in dead) or len(order) != len(found):
            print(f"{name}, map {m}: {len(found)} entries, {len(order)} expected")
            wrong += 1
            continue
        exact, near = True, True
        for rank, (entry, want) in enumerate(zip(found, order), 1):
            got = index[entry["file"]]
            same = got == want and tuple(places[got, m]) == (entry["y"], entry["x"]) and entry["rank"] == rank
            away = abs(entry["value"] - values[want, m]) / greatest
            exact, near = exact and same, near and away <= TOLERANCE
            difference = max(difference, away)
        equal, rounding, wrong = equal + exact, rounding + (near and not exact), wrong + (not near)
        if not near:
            print(f"{name}, map {m}: other photographs, and not by rounding")
    return equal, rounding, wrong, difference


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photographs", nargs="+")
    parser.add_argument("--model", type=Path, default=ROOT / "models/vgg16-catdog.safetensors")
    parser.add_argument("--clvgg", type=Path, default=ROOT / "build/clvgg")
    parser.add_argument("--count", type=int, default=9)
    parser.add_argument("--most", type=int, default=200)
    args = parser.parse_args()
    files = photographs(args)
    entries, dead = run(args, files)
    total = 0
    for name, (values, places) in peaks(args, files).items():
        equal, rounding, wrong, difference = compare(name, values, places, files, entries, dead, args.count)
        print(f"{name}: {equal} lists equal, {rounding} differ by rounding, {wrong} wrong; values differ by {difference:.1e} of the greatest")
        total += wrong
    return 1 if total > 0 else 0


if __name__ == "__main__":
    sys.exit(main())
