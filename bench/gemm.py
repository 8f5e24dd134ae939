#!/usr/bin/env python3
"""Matrix products of VGG16's dense layers, gradients and convolutions: clvgg's own kernels beside CLBlast.

Runs build/bench/gemm (-DCLVGG_BUILD_BENCH=ON) once for each, a process each, and prints GFLOP/s in one
table. CLBlast stands there twice, as it comes and with its parameters tuned on the device. Every product is
checked before it is timed. About 12 minutes on 2 cores, nearly all of it CLBlast's.

  bench/gemm.py [--batch 1,16,32,64] [--devices pocl intel] [--out FILE]
"""
import json
import os
import subprocess
from pathlib import Path

import common

TITLES = {"own": "clvgg", "clblast": "CLBlast, untuned", "clblast-tuned": "CLBlast, tuned"}


def programs(gemm):
    """Those of TITLES that this build of the tool offers."""
    usage = subprocess.run([gemm], stderr=subprocess.PIPE, text=True).stderr
    return [name for name in TITLES if name in usage.replace("|", " ").split()]


def run(gemm, device, variables, whose, batch):
    done = subprocess.Popen([gemm, whose, "--batch", batch], stdout=subprocess.PIPE, text=True,
                            env={**os.environ, **variables})
    lines = []
    for line in done.stdout:
        common.say(f"{device} {whose}: {line.strip()}")
        lines.append({"device": device, "whose": whose, **json.loads(line)})
    if done.wait() != 0:
        common.say(f"{device} {whose}: exit status {done.returncode}; what it left out is missing below")
    return lines


def page(stored):
    lines, text = stored["lines"], []
    for device in dict.fromkeys(line["device"] for line in lines):
        mine = {(line["whose"], line["product"]): line for line in lines if line["device"] == device}
        shown = [name for name in TITLES if any(whose == name for whose, _ in mine)]
        rows = []
        for product in dict.fromkeys(product for _, product in mine):
            cells = [mine.get((whose, product)) for whose in shown]
            first = next(cell for cell in cells if cell)
            rows.append([product, first["m"], first["n"], first["k"],
                         *("" if not cell else "wrong" if cell["wrong"] else f"{cell['gflops']:.{1 if cell['gflops'] >= 1 else 2}f}" for cell in cells),
                         cells[0]["kernel"] if cells[0] else ""])
        worst = max(line["error_l2"] for line in mine.values())
        text += [common.table([f"{device}, GFLOP/s ", "m", "n", "k", *(TITLES[name] for name in shown), "own kernel "], rows),
                 "", f"Largest relative L2 error against float64: {worst:.1g}.", ""]
    return "\n".join(["C [m][n] = A [m][k] · B [k][n], float32, minimum of 3 to 9, host to host. clvgg's kernels read one operand "
                      "packed beforehand, as they read weights; its convolutions are implicit, CLBlast's read columns.", "",
                      *text]).rstrip()


def main():
    parser = common.parser(__doc__, "gemm.json")
    common.add_devices(parser)
    parser.add_argument("--batch", default="1,16,32,64", metavar="N,...")
    args = parser.parse_args()
    gemm = Path(args.clvgg).parent / "bench/gemm"
    if not gemm.exists():
        parser.error(f"{gemm} isn't built: configure with -DCLVGG_BUILD_BENCH=ON")
    variables = common.implementations(args.devices)
    stored = {"schema": 1, "machine": common.machine(args.clvgg, None, variables), "lines": []}
    for device, values in variables.items():
        for whose in programs(gemm):
            stored["lines"] += run(gemm, device, values, whose, args.batch)
    common.store(args.out, stored)
    print(page(stored))


if __name__ == "__main__":
    main()
