#!/usr/bin/env python3
"""`clvgg finetune` beside PyTorch: the same recipe on the same features, from fresh heads.

PyTorch gets pool5 as `clvgg run` writes it and trains fc6, fc7, fc8 by its own autograd and optimiser:
the same widths, initialisation, dropout, learning rate schedule, and choice of the epoch with the lowest
validation loss. Random numbers differ, so several seeds are compared by their mean. Fails when clvgg's
photographs told right are fewer by more than one in a hundred. Run by hand; needs torch and numpy.

  tests/finetune_pytorch.py --data PHOTOGRAPHS/train --val PHOTOGRAPHS/val [--seeds 3] [--clvgg PROGRAM]
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

ROOT = Path(__file__).resolve().parent.parent
EPOCHS, BATCH, LR, MOMENTUM, DECAY, DROPOUT, WARMUP = 12, 32, 0.001, 0.9, 5e-4, 0.5, 0.5
WIDTHS = (128, 128)


def run(command):
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))}: exit status {done.returncode}")
    return done.stdout


def features(args, folder, work):
    """pool5 [images][values] and each image's class, by its folder."""
    path = Path(work) / f"{Path(folder).name}.npy"
    told = json.loads(run([args.clvgg, "run", "--quiet", "--json", "--layer", "pool5", "--output", path, folder]))
    names = sorted({Path(image["file"]).parent.name for image in told["images"]})
    labels = [names.index(Path(image["file"]).parent.name) for image in told["images"]]
    values = numpy.load(path).reshape(len(labels), -1)
    return torch.from_numpy(values), torch.tensor(labels)


def head(inputs, classes):
    """He et al. before a ReLU, Glorot & Bengio before the softmax, biases 0."""
    layers = [torch.nn.Linear(inputs, WIDTHS[0]), torch.nn.ReLU(), torch.nn.Dropout(DROPOUT),
              torch.nn.Linear(WIDTHS[0], WIDTHS[1]), torch.nn.ReLU(), torch.nn.Dropout(DROPOUT),
              torch.nn.Linear(WIDTHS[1], classes)]
    for layer in (layers[0], layers[3]):
        torch.nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    torch.nn.init.xavier_normal_(layers[6].weight)
    for layer in (layers[0], layers[3], layers[6]):
        torch.nn.init.zeros_(layer.bias)
    return torch.nn.Sequential(*layers)


def rate(step, steps_an_epoch):
    """Of a step, from 1 on: up along a line, down to 0 along half a cosine."""
    warmup, total = int(WARMUP * steps_an_epoch), EPOCHS * steps_an_epoch
    if step <= warmup:
        return LR * step / warmup
    return LR * 0.5 * (1 + math.cos(math.pi * (step - 1 - warmup) / (total - warmup)))


def evaluate(model, x, labels):
    model.eval()
    with torch.no_grad():
        logits = model(x)
    return torch.nn.functional.cross_entropy(logits, labels).item(), (logits.argmax(1) == labels).float().mean().item()


def train(seed, x, labels, val_x, val_labels):
    """Validation loss and accuracy of the best epoch."""
    torch.manual_seed(seed)
    model = head(x.shape[1], int(labels.max()) + 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=LR, momentum=MOMENTUM, weight_decay=DECAY)
    steps = -(-len(x) // BATCH)
    best, step = evaluate(model, val_x, val_labels), 0
    for _ in range(EPOCHS):
        model.train()
        for batch in torch.randperm(len(x)).split(BATCH):
            step += 1
            optimizer.param_groups[0]["lr"] = rate(step, steps)
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(x[batch]), labels[batch]).backward()
            optimizer.step()
        best = min(best, evaluate(model, val_x, val_labels))
    return best


def by_torch(args, work):
    x, labels = features(args, args.data, work)
    val_x, val_labels = features(args, args.val, work)
    scale = 2.0 ** round(math.log2(x[:256].double().square().mean().item()) / 2)
    print(f"features are divided by {scale:g}", file=sys.stderr)
    return [train(seed, x / scale, labels, val_x / scale, val_labels) for seed in range(1, args.seeds + 1)]


def by_clvgg(args, work):
    results = []
    for seed in range(1, args.seeds + 1):
        done = json.loads(run([args.clvgg, "finetune", "--json", "--quiet", "--data", args.data, "--val", args.val, "--head",
                               ",".join(map(str, WIDTHS)), "--head-init", "fresh", "--activation", "relu", "--epochs", EPOCHS,
                               "--batch", BATCH, "--lr", LR, "--momentum", MOMENTUM, "--weight-decay", DECAY, "--dropout",
                               DROPOUT, "--warmup", WARMUP, "--seed", seed, "--output", f"{work}/model.safetensors"]))
        results.append((done["val_loss"], done["val_accuracy"]))
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, metavar="DIR", help="training photographs, a folder a class")
    parser.add_argument("--val", required=True, metavar="DIR", help="validation photographs")
    parser.add_argument("--clvgg", default=str(ROOT / "build/clvgg"), metavar="PROGRAM")
    parser.add_argument("--seeds", type=int, default=3)
    args = parser.parse_args()
    means = {}
    with tempfile.TemporaryDirectory(prefix="clvgg-") as work:
        for name, results in (("clvgg", by_clvgg(args, work)), ("PyTorch", by_torch(args, work))):
            means[name] = sum(accuracy for _, accuracy in results) / len(results)
            print(f"{name:8} {100 * means[name]:6.2f} % right; by seed, loss and accuracy: "
                  + ", ".join(f"{loss:.4f} {100 * accuracy:.1f} %" for loss, accuracy in results))
    if means["clvgg"] < means["PyTorch"] - 0.01:
        raise SystemExit("clvgg is worse by more than one photograph in a hundred")


if __name__ == "__main__":
    main()
