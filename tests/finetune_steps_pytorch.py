#!/usr/bin/env python3
"""Ten training steps of `clvgg finetune` beside PyTorch's, from the same weights, on the same features.

An epoch of one batch is one step, so clvgg's training loss of each epoch is the loss before that step. PyTorch
gets pool5 as `clvgg run` writes it, rounded to float16 and scaled as clvgg does, and the head's weights from
the model's file; dropout is off, so nothing is random. Fails where a loss differs by more than 1e-4 of itself.
Run by hand; needs torch, numpy and safetensors.

  tests/finetune_steps_pytorch.py --data PHOTOGRAPHS/train [--model F] [--images 32] [--clvgg PROGRAM]
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
from safetensors.torch import load_file

ROOT = Path(__file__).resolve().parent.parent
STEPS, LR, MOMENTUM = 10, {"sgd": 0.001, "adam": 1e-4, "adamw": 1e-4}, 0.9
OPTIMIZERS = {
    "sgd": lambda parameters, decay: torch.optim.SGD(parameters, LR["sgd"], MOMENTUM, weight_decay=decay),
    "adam": lambda parameters, decay: torch.optim.Adam(parameters, LR["adam"], weight_decay=decay),
    "adamw": lambda parameters, decay: torch.optim.AdamW(parameters, LR["adamw"], weight_decay=decay),
}


def run(command):
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))}: exit status {done.returncode}")
    return done.stdout


def choose_images(args, work):
    """Links to as many photographs of each class, a folder a class."""
    folder = Path(work) / "images"
    classes = sorted(path for path in Path(args.data).iterdir() if path.is_dir())
    for source in classes:
        (folder / source.name).mkdir(parents=True)
        for path in sorted(source.iterdir())[:args.images // len(classes)]:
            (folder / source.name / path.name).symlink_to(path.resolve())
    return folder


def features(args, folder, work):
    """pool5 as training has it, each image's class, and the power of two that features are divided by."""
    path = Path(work) / "pool5.npy"
    told = json.loads(run([args.clvgg, "run", "--quiet", "--json", "--model", args.model, "--batch", 16, "--layer", "pool5",
                           "--output", path, folder]))
    names = sorted(entry.name for entry in folder.iterdir())
    labels = torch.tensor([names.index(Path(image["file"]).parent.name) for image in told["images"]])
    values = torch.from_numpy(numpy.load(path).reshape(len(labels), -1)).half().float()
    scale = 2.0 ** round(math.log2(values.double().square().mean().item()) / 2)
    return values / scale, labels, scale


def head(args, scale):
    weights = load_file(args.model)
    linears = []
    for name in ("fc6", "fc7", "fc8"):
        weight = weights[f"{name}.weight"].float()
        linear = torch.nn.Linear(weight.shape[1], weight.shape[0])
        linear.weight.data = weight * scale if name == "fc6" else weight
        linear.bias.data = weights[f"{name}.bias"].float()
        linears.append(linear)
    return torch.nn.Sequential(linears[0], torch.nn.ReLU(), linears[1], torch.nn.ReLU(), linears[2])


def by_torch(args, optimizer, options, x, labels, scale):
    net, losses = head(args, scale), []
    rule = OPTIMIZERS[optimizer](net.parameters(), options["decay"])
    for _ in range(STEPS):
        rule.zero_grad()
        loss = torch.nn.functional.cross_entropy(net(x), labels, label_smoothing=options["smoothing"])
        loss.backward()
        if options["clip"] > 0:
            torch.nn.utils.clip_grad_norm_(net.parameters(), options["clip"])
        rule.step()
        losses.append(loss.item())
    return losses


def by_clvgg(args, optimizer, options, folder, work):
    done = json.loads(run([args.clvgg, "finetune", "--json", "--quiet", "--model", args.model, "--data", folder, "--val", folder,
                           "--head-init", "keep", "--train", "fc6", "--dropout", 0, "--epochs", STEPS, "--batch", args.images,
                           "--optimizer", optimizer, "--lr", LR[optimizer], "--lr-schedule", "constant", "--warmup", 0, "--momentum",
                           MOMENTUM, "--weight-decay", options["decay"], "--label-smoothing", options["smoothing"], "--clip-norm",
                           options["clip"], "--output", f"{work}/model.safetensors"]))
    return [epoch["train_loss"] for epoch in done["epochs"][1:]]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, metavar="DIR", help="photographs, a folder a class of the model's")
    parser.add_argument("--model", default=str(ROOT / "models/vgg16-catdog.safetensors"), metavar="F")
    parser.add_argument("--clvgg", default=str(ROOT / "build/clvgg"), metavar="PROGRAM")
    parser.add_argument("--images", type=int, default=32)
    args = parser.parse_args()
    worst = 0.0
    with tempfile.TemporaryDirectory(prefix="clvgg-") as work:
        folder = choose_images(args, work)
        x, labels, scale = features(args, folder, work)
        print(f"{len(labels)} photographs, features divided by {scale:g}", file=sys.stderr)
        for optimizer in OPTIMIZERS:
            for options in ({"decay": 5e-4, "smoothing": 0.1, "clip": 0}, {"decay": 1e-2, "smoothing": 0, "clip": 0.05}):
                ours = by_clvgg(args, optimizer, options, folder, work)
                theirs = by_torch(args, optimizer, options, x, labels, scale)
                error = max(abs(a - b) / b for a, b in zip(ours, theirs, strict=True))
                worst = max(worst, error)
                print(f"{optimizer:5} {options}: {theirs[0]:.6f} to {theirs[-1]:.6f}, largest difference {error:.1e}")
    if worst > 1e-4:
        raise SystemExit(f"losses differ by {worst:.1e} of themselves")


if __name__ == "__main__":
    main()
