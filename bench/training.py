#!/usr/bin/env python3
"""Times a training step of VGG16's dense layers, fc6 to fc8, on clvgg and on PyTorch, and their peak memory.

Random features, 2 classes, batch 32; SGD with momentum and Adam. Programs take turns, each in a process of
its own; a figure is the minimum over the steps of all rounds. About 3 minutes on 2 cores.

  bench/setup-peers.sh
  bench/training.py [--rounds 3] [--devices pocl intel] [--out FILE]
"""
import json
import os
import resource
import sys
import time

import common

GOALS = {"sgd": 0.50, "adam": 0.45}
MEMORY_GOAL = 0.55


def time_torch(args):
    """In a process of its own: prints a line of JSON. A step is from features in host memory to the loss in host memory."""
    import torch
    torch.set_num_threads(os.cpu_count())
    torch.backends.cuda.matmul.allow_tf32 = False
    device = "cuda" if args.cuda else "cpu"
    wide = args.head
    net = torch.nn.Sequential(torch.nn.Linear(25088, wide), torch.nn.ReLU(), torch.nn.Dropout(0.5),
                              torch.nn.Linear(wide, wide), torch.nn.ReLU(), torch.nn.Dropout(0.5),
                              torch.nn.Linear(wide, 2)).to(device)
    optimizer = (torch.optim.SGD(net.parameters(), 1e-3, 0.9, weight_decay=5e-4) if args.one == "sgd" else
                 torch.optim.Adam(net.parameters(), 1e-4, weight_decay=5e-4))
    features, labels = torch.rand(args.batch, 25088), torch.arange(args.batch) % 2
    times = []
    for repetition in range(2 + args.reps):
        start = time.perf_counter()
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(net(features.to(device)), labels.to(device))
        loss.backward()
        optimizer.step()
        loss.item()
        if args.cuda:
            torch.cuda.synchronize()
        if repetition >= 2:
            times.append((time.perf_counter() - start) * 1e3)
    print(json.dumps({"min_ms": min(times), "median_ms": sorted(times)[len(times) // 2],
                      "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}))


def run(name, optimizer, args, variables):
    if name == "PyTorch":
        return json.loads(common.output([f"{args.peers}/venv/bin/python", __file__, "--one", optimizer, "--batch", args.batch,
                                         "--head", args.head, "--reps", args.reps]))
    command = [args.clvgg, "bench", "--mode", "finetune", "--head", f"{args.head},{args.head}", "--classes", "2",
               "--batch", args.batch, "--optimizer", optimizer, "--no-cold", "--json"]
    cost, printed = common.timed(command, variables[name.split()[1]])
    result = json.loads(printed)["results"][0]
    return {**{key: result[key] for key in ("min_ms", "median_ms", "error_l2")}, "peak_bytes": cost["peak_bytes"]}


def measure(args):
    variables = common.implementations(args.devices)
    stored = {"schema": 1, "machine": common.machine(args.clvgg, args.peers, variables), "batch": args.batch,
              "head": args.head, "rounds": args.rounds, "lines": []}
    for round_number in range(args.rounds):
        for optimizer in GOALS:
            for name in ["PyTorch", *(f"clvgg {device}" for device in variables)]:
                line = {"round": round_number + 1, "optimizer": optimizer, "name": name,
                        **run(name, optimizer, args, variables)}
                common.say(json.dumps(line))
                stored["lines"].append(line)
    return stored


def best(stored, optimizer, name):
    lines = [line for line in stored["lines"] if line["optimizer"] == optimizer and line["name"] == name]
    return min(line["min_ms"] for line in lines), max(line["peak_bytes"] for line in lines)


def page(stored):
    parts = [f"{stored['rounds']} rounds; minimum over all steps, each program in processes of its own that took turns; memory "
             "is the largest. The step that clvgg times was checked against double precision on the host first."]
    names = list(dict.fromkeys(line["name"] for line in stored["lines"]))
    for optimizer, goal in GOALS.items():
        torch_ms, torch_bytes = best(stored, optimizer, "PyTorch")
        rows = []
        for name in names:
            ms, peak = best(stored, optimizer, name)
            ratios = ["", ""] if name == "PyTorch" else [f"{ms / torch_ms:.2f}", f"{peak / torch_bytes:.2f}"]
            rows.append([name, f"{ms:.1f}", f"{peak / 2**20:.0f}", *ratios])
        parts += ["", f"**{optimizer}**, fc6 to fc8 of {stored['head']} units, batch {stored['batch']}; goals: at most {goal:.2f} of PyTorch's time, "
                  f"{MEMORY_GOAL:.2f} of its memory.", "",
                  common.table(["program", "a step, ms", "peak MiB", "time to PyTorch's", "memory to PyTorch's"], rows)]
    return "\n".join(parts)


def main():
    parser = common.parser(__doc__, "training.json")
    common.add_peers(parser)
    common.add_devices(parser)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--head", type=int, default=4096, help="units of fc6 and fc7")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--reps", type=int, default=9, help="steps of PyTorch in each round")
    parser.add_argument("--one", choices=GOALS, help="only PyTorch, in this process: what the script runs itself as")
    parser.add_argument("--cuda", action="store_true", help="with --one, on a GPU")
    args = parser.parse_args()
    if args.one:
        return time_torch(args)
    stored = measure(args)
    common.store(args.out, stored)
    print(page(stored))


if __name__ == "__main__":
    sys.exit(main())
