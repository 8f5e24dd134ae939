#!/usr/bin/env python3
"""Fine-tuning from a fresh head: how right before the first step and after the last, time, memory.

Two heads, the slim one of the default model and VGG's own widths, each trained from fc8, fc7 and fc6
on, all else by default. Features are computed by a run before, which is left out of the seconds; they
stay in --cache. The wide head has no weights to keep: where its fc6 and fc7 don't train they are
random, which is asked for by --head-init fresh. Goes on where --out ends. About 10 minutes on 2 cores.

  bench/finetune.py --data PHOTOGRAPHS/train --val PHOTOGRAPHS/val [--cache DIR] [--out FILE]
"""
import json
import os
import tempfile

import common

HEADS = ("128,128", "4096,4096")
LAYERS = ("fc8", "fc7", "fc6")


def run(args, head, train, folder):
    """One training; features that it lacked have been computed before."""
    command = [args.clvgg, "finetune", "--json", "--quiet", "--data", args.data, "--val", args.val, "--head", head, "--train",
               train, "--head-init", "fresh", "--cache", args.cache, "--output", f"{folder}/model.safetensors"]
    if args.model:
        command += ["--model", args.model]
    known = json.loads(common.output([*command, "--dry-run"]))
    if known["cached_images"] < known["feature_images"]:
        common.output([*command, "--epochs", "1"])
    times, printed = common.timed(command)
    done = json.loads(printed)
    layers = [{name: layer[name] for name in ("name", "kept", "frozen")} for layer in done["layers"]]
    return {"head": head, "train": train, "layers": layers, "parameters": done["trained_parameters"],
            "head_device_bytes": done["head_device_bytes"], "seconds": times["end_s"], "peak_bytes": times["peak_bytes"],
            "epochs": done["epochs"], "best_epoch": done["best_epoch"], "val_images": done["val_images"],
            "train_images": done["train_images"]}


def measure(args):
    variables = common.implementations(["pocl"])
    stored = {"schema": 1, "machine": common.machine(args.clvgg, None, variables), "lines": []}
    if os.path.exists(args.out): # goes on
        stored = common.load(args.out)
    known = {(line["head"], line["train"]) for line in stored["lines"]}
    for head in args.heads:
        for train in LAYERS:
            if (head, train) in known:
                continue
            with tempfile.TemporaryDirectory(prefix="clvgg-bench-", dir=args.scratch) as folder:
                stored["lines"].append(run(args, head, train, folder))
            common.say(json.dumps(stored["lines"][-1]))
            common.store(args.out, stored)
    return stored


def row(line):
    first, best = line["epochs"][0], line["epochs"][line["best_epoch"]]
    random = [layer["name"] for layer in line["layers"] if layer["frozen"] and not layer["kept"]]
    kept = [layer["name"] for layer in line["layers"] if layer["frozen"] and layer["kept"]]
    frozen = f"{', '.join(kept)} kept" if kept else f"{', '.join(random)} random" if random else "none"
    return [line["head"], line["train"], frozen, f"{line['parameters']:,}", f"{100 * first['val_accuracy']:.1f}",
            f"{100 * best['val_accuracy']:.1f}", f"{first['val_loss']:.3f}", f"{best['val_loss']:.3f}", line["best_epoch"],
            f"{line['seconds']:.1f}", f"{sum(epoch['seconds'] for epoch in line['epochs'][1:]) / (len(line['epochs']) - 1):.2f}",
            f"{line['peak_bytes'] / 2**20:.0f}"]


def page(stored):
    line = stored["lines"][0]
    head = ["head ", "trains from ", "frozen dense layers ", "trained parameters", "right before, %", "after, %", "loss before",
            "after", "best epoch", "process, s", "epoch, s", "peak MiB"]
    return "\n".join([f"{line['train_images']} photographs of cats and dogs, {line['val_images']} to validate, "
                      f"{len(line['epochs']) - 1} epochs, `--head-init fresh`, all else by default, features known. "
                      "“Right” and losses are the validation photographs'. Frozen layers of the wide head are random: the "
                      "base has none of that width.", "", common.table(head, [row(line) for line in stored["lines"]])])


def main():
    parser = common.parser(__doc__, "finetune.json")
    parser.add_argument("--data", required=True, metavar="DIR", help="training photographs")
    parser.add_argument("--val", required=True, metavar="DIR", help="validation photographs")
    parser.add_argument("--model", metavar="FILE", help="base; default clvgg's")
    parser.add_argument("--cache", default=str(common.ROOT / "build/bench-features"), metavar="DIR", help="default %(default)s")
    parser.add_argument("--scratch", metavar="DIR", help="for the checkpoints, 2 GB")
    parser.add_argument("--heads", nargs="+", default=HEADS, metavar="N,N")
    print(page(measure(parser.parse_args())))


if __name__ == "__main__":
    main()
