#!/usr/bin/env python3
"""Relative L2 error of VGG16's logits against float64, for each storage and for forced convolutions.

The reference is PyTorch in float64 on the same weights and the same prepared photographs. Models: the
default one, and full-size VGG16 with random weights (1000 classes). About 13 minutes on 2 cores.

  bench/accuracy.py --photographs FOLDER [--count 16] [--devices pocl intel] [--out FILE]
"""
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import common
import peer
import result

DEFAULT = common.ROOT / "models/vgg16-catdog.safetensors"
SLOW = ("conv_direct", "conv_tiled")  # minutes each on a CPU; conv_blocked is direct convolution too


def prepare(path, rules):
    """A photograph as the model wants it: short side, centre, normalisation. [3][h][w] float32."""
    import numpy
    from PIL import Image
    image = Image.open(path).convert("RGB")
    factor = rules["resize_short"] / min(image.size)
    image = image.resize([round(side * factor) for side in image.size], Image.Resampling.BILINEAR)
    side = rules["crop"]
    left, top = (image.width - side) // 2, (image.height - side) // 2
    pixels = numpy.asarray(image.crop((left, top, left + side, top + side)), dtype=numpy.float64)
    if rules["channels"] == "BGR":
        pixels = pixels[:, :, ::-1]
    pixels = (pixels * rules["scale"] - numpy.array(rules["mean"])) / numpy.array(rules["std"])
    return pixels.transpose(2, 0, 1).astype(numpy.float32)


def reference(weights, images):
    """Logits by PyTorch in float64, an image at a time."""
    import torch
    net = peer.torch_network(weights).double()
    with torch.no_grad():
        return [net(torch.from_numpy(image)[None].double())[0].numpy() for image in images]


def compare(logits, exact):
    """Relative L2 over all images together; top classes, where the reference's margin exceeds ten times
    the error."""
    import numpy
    off = logits.astype(numpy.float64) - exact
    top = min(5, exact.shape[1])
    same = judged = 0
    for mine, theirs, error in zip(logits, exact, numpy.abs(off).max(axis=1)):
        ranked = numpy.sort(theirs)[::-1]
        margins = ranked[:top] - ranked[1:top + 1] if exact.shape[1] > top else ranked[:top - 1] - ranked[1:top]
        if margins.min() > 10 * error:
            judged += 1
            same += list(numpy.argsort(-mine)[:top]) == list(numpy.argsort(-theirs)[:top])
    return {"error_l2": float(numpy.linalg.norm(off) / numpy.linalg.norm(exact)), "top_judged": judged,
            "top_same": int(same)}


def convolutions(args):
    """The names that --variant takes for convolutions, from its own complaint."""
    done = subprocess.run([args.clvgg, "run", "--model", DEFAULT, "--variant", "*=?", common.ROOT / "tests/data/chelsea.png"],
                          stderr=subprocess.PIPE, text=True)
    names = done.stderr.split("there are", 1)[1].split()
    return [name for name in names if name.startswith(("conv_", "winograd_")) and "clblast" not in name
            and (args.slow or name not in SLOW)]


def measure_model(args, model, variables, folder):
    import numpy
    from safetensors import safe_open
    with safe_open(model, "pt") as file:
        rules = json.loads(file.metadata()["clvgg.preprocess"])
        weights = {name: file.get_tensor(name) for name in file.keys()}
    photographs = sorted(path for path in Path(args.photographs).rglob("*") if path.suffix.lower() in (".jpg", ".png"))
    step = max(1, len(photographs) // args.count)
    images = numpy.stack([prepare(path, rules) for path in photographs[::step][:args.count]])
    numpy.save(f"{folder}/x.npy", images)
    exact = numpy.stack(reference(weights, images))
    lines = []
    for device, values in variables.items():
        for storage in common.storages(args.clvgg, "run", ("f32", "f16", "bf16")):
            for variant in ["chosen"] + convolutions(args):
                command = [args.clvgg, "run", "--quiet", "--model", model, "--input", f"{folder}/x.npy", "--batch", "16",
                           "--output", f"{folder}/y.npy", "--top", "1", *common.storage_options(storage)]
                command += [] if variant == "chosen" else ["--variant", f"*={variant}"]
                done = subprocess.run(list(map(str, command)), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                      text=True, env={**os.environ, **values})
                line = {"device": device, "model": Path(model).stem, "storage": storage, "variant": variant}
                if done.returncode != 0:
                    line["error"] = done.stderr.strip().splitlines()[-1]
                else:
                    line.update(compare(numpy.load(f"{folder}/y.npy"), exact))
                    os.remove(f"{folder}/y.npy")
                lines.append(line)
                common.say(json.dumps(line))
    return len(images), lines


def page(stored):
    lines = [line for line in stored["lines"] if "error" not in line]
    models = list(dict.fromkeys(line["model"] for line in lines))
    rows = []
    for device in dict.fromkeys(line["device"] for line in lines):
        for storage in result.LIMITS:
            for variant in dict.fromkeys(line["variant"] for line in lines):
                mine = [next((line for line in lines if (line["device"], line["storage"], line["variant"], line["model"])
                              == (device, storage, variant, model)), None) for model in models]
                if any(mine):
                    rows.append([f"{device}, {storage}", variant, f"{result.LIMITS[storage]:g}",
                                 *(f"{line['error_l2']:.2g}" if line else "" for line in mine),
                                 *(f"{line['top_same']} of {line['top_judged']}" if line else "" for line in mine)])
    head = ["on, storage ", "convolutions ", "at most", *models, *(f"{model}: same top 5" for model in models)]
    return "\n".join([f"Relative L2 of the logits against float64, {stored['count']} photographs together. Same top 5 "
                      "(or all classes): of the photographs whose margins exceed ten times the error.", "",
                      common.table(head, rows)])


def measure(args):
    full = Path(args.clvgg).parent / "vgg16.safetensors"
    if not full.exists():
        common.output([Path(args.clvgg).parent / "bench/make_vgg", full])
    variables = common.implementations(args.devices)
    stored = {"schema": 1, "machine": common.machine(args.clvgg, args.peers, variables), "lines": []}
    with tempfile.TemporaryDirectory(prefix="clvgg-bench-") as folder:
        for model in (DEFAULT, full):
            stored["count"], lines = measure_model(args, model, variables, folder)
            stored["lines"] += lines
    common.store(args.out, stored)
    return stored


def main():
    parser = common.parser(__doc__, "accuracy.json")
    common.add_peers(parser)
    common.add_devices(parser)
    shared = os.environ.get("CLVGG_SHARED")
    parser.add_argument("--photographs", metavar="FOLDER", default=shared and f"{shared}/data/imagenet-samples",
                        help="searched for .jpg and .png; default: imagenet-samples in $CLVGG_SHARED/data")
    parser.add_argument("--count", type=int, default=16, help="photographs, spread over the folder")
    parser.add_argument("--slow", action="store_true", help="conv_direct and conv_tiled too: minutes each")
    args = parser.parse_args()
    if args.photographs is None:
        parser.error("--photographs FOLDER is needed")
    python = f"{args.peers}/venv/bin/python"
    if os.path.realpath(sys.prefix) != os.path.realpath(f"{args.peers}/venv"):
        os.execv(python, [python, __file__, *sys.argv[1:]])  # where PyTorch is
    print(page(measure(args)))


if __name__ == "__main__":
    main()
