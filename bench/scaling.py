#!/usr/bin/env python3
"""Time against work: VGG16 at batch 1 to 32, and its convolutional part at 64 to 512 pixels a side.

On one and on two compute units; each point is the minimum of 9 passes or more. Prints a table with the
least-squares lines and writes a plot beside the JSON. About 6 minutes on 2 cores.

  bench/scaling.py [--devices pocl] [--units 1 2] [--out FILE]
"""
import json
from pathlib import Path

import common
import plot

BATCHES = (1, 2, 4, 8, 16, 24, 32)
SIDES = (64, 128, 192, 224, 256, 320, 384, 448, 512)


def bench(args, variables, units, options):
    command = [args.clvgg, "bench", "--json", "--model", "vgg16", "--no-cold", "--min-time", "0.001", "--compute-units", units]
    return json.loads(common.output([*command, *options], variables))


def points(measured, device, units, series):
    """(batch or side is in the options) → GFLOP of direct computation, and milliseconds."""
    return [{"device": device, "units": units, "series": series, "batch": result["batch"],
             "gflop": measured["flops"] * result["batch"] / 1e9, "min_ms": result["min_ms"],
             "median_ms": result["median_ms"], "error_l2": result["error_l2"]} for result in measured["results"]]


def measure(args):
    variables = common.implementations(args.devices)
    stored = {"schema": 1, "machine": common.machine(args.clvgg, None, variables), "points": []}
    for device, values in variables.items():
        for units in args.units:
            batches = ",".join(map(str, args.batches))
            stored["points"] += points(bench(args, values, units, ["--batch", batches]), device, units, "batch")
            common.say(json.dumps(stored["points"][-len(args.batches):]))
            for side in args.sides:
                made = points(bench(args, values, units, ["--layer", "pool5", "--input-size", side]), device, units, "side")
                stored["points"] += [{**point, "side": side} for point in made]
                common.say(json.dumps(stored["points"][-1]))
    common.store(args.out, stored)
    return stored


def chosen(stored, device, series, units):
    return [point for point in stored["points"]
            if (point["device"], point["series"], point["units"]) == (device, series, units)]


def draw(stored, device, path):
    panels = []
    for series, title in (("batch", "VGG16, batch {} to {}"), ("side", "up to pool5, {} to {} pixels a side")):
        lines = []
        values = [point[series] for point in stored["points"] if point["series"] == series]
        for units in sorted({point["units"] for point in stored["points"]}):
            mine = chosen(stored, device, series, units)
            if mine:
                lines.append((f"{units} compute unit{'s' if units > 1 else ''}",
                              [(point["gflop"], point["min_ms"]) for point in mine]))
        panels.append((title.format(min(values), max(values)), "GFLOP, counted as direct convolution", "ms", lines))
    plot.write(path, panels)


def page(stored):
    rows, text = [], []
    for device in dict.fromkeys(point["device"] for point in stored["points"]):
        for series in ("batch", "side"):
            for units in sorted({point["units"] for point in stored["points"]}):
                mine = chosen(stored, device, series, units)
                if not mine:
                    continue
                slope, intercept, r2 = plot.least_squares([(point["gflop"], point["min_ms"]) for point in mine])
                largest = mine[-1]
                rows.append([f"{device}, {series}", units, f"{mine[0][series]} to {largest[series]}", f"{1e3 / slope:.0f}",
                             f"{intercept:.1f}", f"{r2:.4f}", f"{largest['min_ms']:.0f}",
                             f"{1e3 * largest['gflop'] / largest['min_ms']:.0f}"])
        text.append(f"![time against work](scaling-{device}.svg)")
    text.append(common.table(["on, varied ", "compute units", "from, to ", "the line: GFLOP/s", "+ ms", "R²", "largest, ms",
                              "largest, GFLOP/s"], rows))
    return "\n\n".join(text)


def main():
    parser = common.parser(__doc__, "scaling.json")
    common.add_devices(parser)
    parser.set_defaults(devices=["pocl"])
    parser.add_argument("--units", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--batches", type=int, nargs="+", default=BATCHES)
    parser.add_argument("--sides", type=int, nargs="+", default=SIDES)
    args = parser.parse_args()
    stored = measure(args)
    for device in {point["device"] for point in stored["points"]}:
        draw(stored, device, Path(args.out).parent / f"scaling-{device}.svg")
    print(page(stored))


if __name__ == "__main__":
    main()
