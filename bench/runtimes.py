#!/usr/bin/env python3
"""How far one model's logits differ from runtime to runtime: relative L2 and top-1 agreement of each pair.

Each file is the output of `clvgg run --json PHOTOGRAPHS` on one OpenCL runtime, the same photographs in all.

  bench/runtimes.py A.json B.json …
"""
import argparse
import json
import math
import sys
from itertools import combinations

import common


def read(path):
    """The runtime's name, and of each photograph the logits by class."""
    with open(path, encoding="utf-8") as file:
        stored = json.load(file)
    device = stored["device"]
    logits = {}
    for image in stored["images"]:
        ranked = sorted(image["top"], key=lambda entry: entry["index"])
        # Folders may lie elsewhere in another system: class and name are enough.
        logits["/".join(image["file"].split("/")[-2:])] = [entry["logit"] for entry in ranked]
    return f"{device['platform']} {device['driver_version']}", logits


def compare(a, b):
    off = math.fsum((x - y) ** 2 for name in a for x, y in zip(a[name], b[name]))
    norm = math.fsum(x * x for values in a.values() for x in values)
    same = sum(a[name].index(max(a[name])) == b[name].index(max(b[name])) for name in a)
    return math.sqrt(off / norm), same


def page(runtimes):
    names = [set(logits) for _, logits in runtimes]
    if not names[0] or any(each != names[0] for each in names):
        sys.exit("the files are about different photographs")
    rows = []
    for (first, a), (second, b) in combinations(runtimes, 2):
        error, same = compare(a, b)
        rows.append([first, second, f"{error:.2g}", f"{same} of {len(a)}"])
    return common.table(["runtime ", "and ", "relative L2", "same class"], rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", metavar="FILE")
    print(page([read(path) for path in parser.parse_args().files]))


if __name__ == "__main__":
    main()
