#!/usr/bin/env python3
"""VGG16 layer by layer: variant, milliseconds, GFLOP/s counted as direct convolution, share of the peak.

Each step's time is its median in a process by the device's clock, the least of several processes; the
peak is the largest that they measured. About 4 minutes on 2 cores.

  bench/layers.py [--rounds 3] [--devices pocl intel] [--out FILE]
"""
import json

import common

BATCHES = (1, 16)
AT_PEAK = 64  # input channels from which a convolution should reach the peak at batch 16


def measure(args):
    variables = common.implementations(args.devices)
    kinds = common.storages(args.clvgg, "bench", args.storage)
    stored = {"schema": 1, "machine": common.machine(args.clvgg, None, variables), "rounds": args.rounds, "runs": []}
    for _ in range(args.rounds):
        for device, values in variables.items():
            for storage in kinds:
                command = [args.clvgg, "bench", "--json", "--model", "vgg16", "--per-layer", "--min-time", "0.5", "--batch",
                           ",".join(map(str, BATCHES)), *common.storage_options(storage)]
                measured = json.loads(common.output(command, values))
                stored["runs"].append({"storage": storage, "on": device, **measured})
                common.say(f"{device} {storage}: {[result['min_ms'] for result in measured['results']]} ms")
    common.store(args.out, stored)
    return stored


def best_layers(runs, batch):
    """Name → the fastest of all runs."""
    best = {}
    for run in runs:
        for result in run["results"]:
            for layer in result["layers"] if result["batch"] == batch else []:
                if layer["ms"] < best.get(layer["name"], layer)["ms"] or layer["name"] not in best:
                    best[layer["name"]] = layer
    return best


def channels_in(name):
    """Of a convolution of VGG16 by its name; 0 for other layers."""
    if not name.startswith("conv"):
        return 0
    block, index = int(name[4]), int(name[6])
    width = (64, 128, 256, 512, 512)
    return width[block - 1] if index > 1 else 3 if block == 1 else width[block - 2]


def one_table(runs, title):
    peak = max(run["peak"]["fma_gflops"] for run in runs)
    read = max(run["peak"]["read_gbps"] for run in runs)
    columns = {batch: best_layers(runs, batch) for batch in BATCHES}
    rows, below = [], []
    for name, first in columns[BATCHES[0]].items():
        row = [first["layers"]]
        for batch in BATCHES:
            layer = columns[batch].get(name)
            if layer is None:
                row += [""] * 4
                continue
            row += [layer["variant"], f"{layer['ms']:.2f}", f"{layer['gflops']:.0f}" if layer["gflops"] else "",
                    f"{100 * layer['gflops'] / peak:.0f} %" if layer["gflops"] else ""]
            if batch == 16 and channels_in(name) >= AT_PEAK and layer["gflops"] < peak:
                below.append(f"{name} ({100 * layer['gflops'] / peak:.0f} %)")
        rows.append(row)
    for batch in BATCHES:
        common.say(f"{title}, batch {batch}: {sum(layer['ms'] for layer in columns[batch].values()):.1f} ms of steps")
    head = ["layers "]
    for batch in BATCHES:
        head += [f"batch {batch}: variant ", "ms", "GFLOP/s", "of peak"]
    verdict = "; below the peak: " + ", ".join(below) if below else ": all at or above the peak"
    return "\n".join([f"**{title}**: peak {peak:.0f} GFLOP/s, reading {read:.1f} GB/s. Convolutions with {AT_PEAK} or more input "
                      f"channels at batch 16{verdict}.", "", common.table(head, rows)])


def page(stored):
    text = []
    for on, storage in dict.fromkeys((run["on"], run["storage"]) for run in stored["runs"]):
        runs = [run for run in stored["runs"] if (run["on"], run["storage"]) == (on, storage)]
        text.append(one_table(runs, f"{on}, {storage}"))
    return "\n\n".join(text)


def main():
    parser = common.parser(__doc__, "layers.json")
    common.add_devices(parser)
    parser.add_argument("--storage", nargs="+", choices=("f32", "bf16", "f16"), default=["f32", "bf16", "f16"])
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    print(page(measure(args)))


if __name__ == "__main__":
    main()
