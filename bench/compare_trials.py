#!/usr/bin/env python3
"""Tries `clvgg compare` on the machine at hand: does it find a layer that is a tenth slower, and nothing else?

A try takes three builds that differ in one kernel file (CLVGG_KERNEL_DIR): A and C are the same, in B one convolution does
part of its work twice, with the same results. Short processes of `clvgg bench` take turns in random order, round by round;
`clvgg compare` then is to call A and C the same in every row, and to find in B that layer and no other. What is in --out is
kept and taken up again, so that a score can be had without measuring anew, or with more rounds.
"""
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

import common

# Convolutions whose channels, in and out, no other layer of a VGG has, and the percentage of their work-items that are computed
# twice: a bit more than the tenth, as what is computed again finds its data in the cache.
LAYERS = {"conv2_1": (64, 128, 9), "conv3_1": (128, 256, 10), "conv4_1": (256, 512, 15)}
PLACE = "    for (int r = 0; r <= pool; r++)\n        convolve_row("
AGAIN = """    const size_t item = get_global_id(1) * get_global_size(0) + get_global_id(0);
    const int times = C == %d && K == %d && item * 37 %% 100 < %d ? 2 : 1;
    for (int again = 0; again < times; again++)
"""


def kernels(folder, channels_in, channels_out, share):
    """A folder of kernels that repeat a share of one layer's work; for 0 channels no layer's, by the same machine code."""
    if not folder.exists():
        shutil.copytree(common.ROOT / "cl", folder)
        source = folder / "conv_blocked.cl"
        text = source.read_text()
        if PLACE not in text:
            sys.exit(f"{source} doesn't have this any more:\n{PLACE}")
        source.write_text(text.replace(PLACE, AGAIN % (channels_in, channels_out, share) + PLACE))
    return folder


def bench(options, folder, out):
    if out.exists():
        return
    command = [options.clvgg, "bench", "--model", options.model, "--input-size", options.input_size, "--per-layer",
               "--min-time", options.min_time, "--variant", "*=conv_blocked", "--out", str(out)]
    if options.compute_units != "all":
        command += ["--compute-units", options.compute_units]
    variables = {"CLVGG_KERNEL_DIR": str(folder), "CLVGG_CACHE": str(Path(options.out) / "cache" / "cache.sqlite")}
    done = subprocess.run(command, env={**os.environ, **variables}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}\n{done.stderr}")


def measure(options, number, layer, order):
    """Runs a try's rounds; its folder."""
    place = Path(options.out) / f"try-{number:02}-{layer}"
    same = kernels(Path(options.out) / "kernels-same", 0, 0, LAYERS[layer][2])
    slow = kernels(Path(options.out) / f"kernels-{layer}", *LAYERS[layer])
    for side in "ABC":
        (place / side).mkdir(parents=True, exist_ok=True)
    for turn in range(options.rounds):
        sides = ["A", "B", "C"]
        order.shuffle(sides)
        for side in sides:
            bench(options, slow if side == "B" else same, place / side / f"{turn:02}.json")
    return place


def compare(options, place, side):
    """Rows that `clvgg compare` doesn't call the same, as {layer, or "a pass": (verdict, ratio)}, and the ratio of every row."""
    done = subprocess.run([options.clvgg, "compare", "--json", str(place / "A"), str(place / side)],
                          stdout=subprocess.PIPE, text=True, check=True)
    cells = {row["layer"] or "a pass": row["cells"][1] for row in json.loads(done.stdout)["rows"]}
    return ({name: (cell["verdict"], cell["ratio"]) for name, cell in cells.items() if cell["verdict"] != "same"},
            {name: cell["ratio"] for name, cell in cells.items()})


def main():
    made = common.parser(__doc__)
    made.add_argument("--out", default=str(common.ROOT / "build/compare-trials"), metavar="DIR", help="default %(default)s")
    made.add_argument("--tries", type=int, default=20, metavar="N", help="of each kind; default %(default)s")
    made.add_argument("--rounds", type=int, default=16, metavar="N", help="processes a side; default %(default)s")
    made.add_argument("--model", default="vgg11", help="default %(default)s")
    made.add_argument("--input-size", default="64", metavar="N", help="default %(default)s")
    made.add_argument("--min-time", default="0.25", metavar="S", help="of a process; default %(default)s")
    made.add_argument("--compute-units", default="1", metavar="N",
                      help='or "all"; default %(default)s: a kernel on all cores waits for whichever is busy')
    options = made.parse_args()
    (Path(options.out) / "cache").mkdir(parents=True, exist_ok=True)
    os.chmod(Path(options.out) / "cache", 0o700)
    order, names, ratios = random.Random(1), list(LAYERS), {}
    same = found = 0
    for number in range(options.tries):
        layer = names[number % len(names)]
        place = measure(options, number, layer, order)
        differs, _ = compare(options, place, "C")
        same += not differs
        slower, all_ratios = compare(options, place, "B")
        others = {name: value for name, value in slower.items() if name not in (layer, "a pass")}
        found += slower.get(layer, ("same", 1))[0] == "slower" and not others
        ratios.setdefault(layer, []).append(all_ratios[layer])
        common.say(f"try {number + 1}: load {os.getloadavg()[0]:.1f}; the same build: {differs or 'the same'}; "
                   f"{layer} slower: {slower or 'nothing found'}")
    for layer, values in ratios.items():
        print(f"{layer} was slower by {(statistics.median(values) - 1) * 100:.1f} % (median of its tries)")
    print(f"the same build was called the same in {same} of {options.tries} tries")
    print(f"the slower layer was found, and no other blamed, in {found} of {options.tries} tries")
    return 0 if min(same, found) >= 0.95 * options.tries else 1


if __name__ == "__main__":
    sys.exit(main())
