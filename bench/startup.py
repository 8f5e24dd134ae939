#!/usr/bin/env python3
"""Process start to first label: clvgg beside ncnn, and clvgg's very first run.

Warm: full-size float32 VGG16 from a file, everything in the page cache and in clvgg's and the
driver's caches; processes take turns, minimum of all. ncnn gets no photograph to decode and its time
is given also without Python's start and imports. First: the default model with a cache of clvgg's
and of the driver that don't exist yet, then the next process. About 3 minutes on 2 cores.

  cmake --preset release -DCLVGG_BUILD_BENCH=ON && cmake --build build
  bench/startup.py [--rounds 9] [--model vgg16.safetensors] [--devices pocl intel] [--out FILE]
"""
import json
import os
import tempfile
import time
from pathlib import Path

import common

PHOTOGRAPH = common.ROOT / "tests/data/chelsea.png"
DEFAULT = common.ROOT / "models/vgg16-catdog.safetensors"
FIELDS = ("load_ms", "plan_ms", "compile_ms", "weights_ms", "forward_ms_per_image", "total_ms")


def ncnn_label(folder):
    """Runs in a process of its own: loads, classifies an empty image, prints the class."""
    import ncnn
    start = time.perf_counter()
    net = ncnn.Net()
    net.opt.num_threads = os.cpu_count()
    for flag in ("use_fp16_packed", "use_fp16_storage", "use_fp16_arithmetic", "use_bf16_storage"):
        setattr(net.opt, flag, False)
    net.load_param(f"{folder}/vgg16.ncnn.param")
    net.load_model(f"{folder}/vgg16.ncnn.bin")
    image = ncnn.Mat(224, 224, 3)
    image.fill(0.5)
    extractor = net.create_extractor()
    extractor.input("in0", image)
    _, logits = extractor.extract("out0")
    label = max(range(logits.w), key=lambda i: logits[i])
    print(json.dumps({"label": label, "without_python_s": time.perf_counter() - start}), flush=True)


def run_ncnn(args):
    command = [f"{args.peers}/venv/bin/python", __file__, "--peers", args.peers, "--one-ncnn"]
    line, printed = common.timed(command, until='"label"')
    return {**line, **json.loads(printed)}


def run_clvgg(args, model, storage, variables):
    command = [args.clvgg, "run", "--quiet", "--json", *common.storage_options(storage), *model, PHOTOGRAPH]
    line, printed = common.timed(command, variables, until='"top"')
    return {**line, "timing": {name: json.loads(printed)["timing"][name] for name in FIELDS}}


def cache_folders(folder):
    """clvgg's cache, and PoCL's, below a folder."""
    return {"XDG_CACHE_HOME": f"{folder}/xdg", "POCL_CACHE_DIR": f"{folder}/pocl", "CLVGG_CACHE": ""}


def warm_pages(*paths):
    for path in paths:
        with open(path, "rb") as file:
            while file.read(1 << 24):
                pass


def measure_warm(args, names, variables, folder):
    """Full-size VGG16; the first round fills the caches and doesn't count."""
    lines = []
    for number in range(args.rounds + 1):
        for name in names:
            if name == "ncnn":
                line = run_ncnn(args)
            else:
                _, device, storage = name.split()
                line = run_clvgg(args, ["--model", args.model], storage, {**variables[device], **cache_folders(folder)})
            line = {"kind": "warm", "name": name, "round": number, **line}
            common.say(json.dumps(line))
            if number > 0:
                lines.append(line)
    return lines


def measure_first(args, variables):
    """The default model: with no caches, then with those which the process before left."""
    lines = []
    for device, values in variables.items():
        for number in range(args.first_rounds):
            with tempfile.TemporaryDirectory(prefix="clvgg-bench-") as folder:
                for kind in ["first"] + ["next"] * 3:
                    line = run_clvgg(args, ["--model", DEFAULT], "f32", {**values, **cache_folders(folder)})
                    lines.append({"kind": kind, "name": f"clvgg {device} f32", "round": number, **line})
                    common.say(json.dumps(lines[-1]))
    return lines


def smallest(lines, kind, name, value):
    return min(value(line) for line in lines if line["kind"] == kind and line["name"] == name)


def warm_table(stored):
    lines = stored["lines"]
    label = lambda name: smallest(lines, "warm", name, lambda line: line["first_s"])
    bare = smallest(lines, "warm", "ncnn", lambda line: line["without_python_s"])
    peak = lambda name: max(line["peak_bytes"] for line in lines if line["kind"] == "warm" and line["name"] == name)
    rows = []
    for name in stored["names"]:
        first = label(name)
        row = [name, f"{first:.3f}", f"{smallest(lines, 'warm', name, lambda line: line['end_s']):.3f}",
               f"{peak(name) / 2**20:.0f}"]
        if name == "ncnn":
            rows += [row + [""] * 3, ["ncnn without Python", f"{bare:.3f}", "", "", "", "", ""]]
        else:
            rows.append(row + [f"{first / label('ncnn'):.2f}", f"{first / bare:.2f}", f"{peak(name) / peak('ncnn'):.2f}"])
    return common.table(["full-size VGG16, caches warm ", "to the label, s", "to the end, s", "peak MiB", "to ncnn",
                         "to ncnn without Python", "memory to ncnn's"], rows)


def first_table(stored):
    rows = []
    for device in stored["devices"]:
        name = f"clvgg {device} f32"
        for kind, text in (("first", "no caches"), ("next", "the next process")):
            least = lambda value: smallest(stored["lines"], kind, name, value)
            rows.append([f"{device}, {text}", f"{least(lambda line: line['first_s']):.2f}",
                         f"{least(lambda line: line['end_s']):.2f}",
                         *(f"{least(lambda line, field=field: line['timing'][field]):.0f}" for field in FIELDS[:5])])
    return common.table(["default model ", "to the label, s", "to the end, s", "model, ms", "plan, ms", "programs, ms",
                         "weights, ms", "forward, ms"], rows)


def page(stored):
    return "\n".join([f"Minimum of {stored['rounds']} processes each, taking turns; memory is the largest. Goals: no "
                      "slower than ncnn, at most 0.85 of its memory (0.5 with bf16 or f16); first run under 15 s, the "
                      "next under 1.2 s, programs under 100 ms.", "", warm_table(stored), "", first_table(stored)])


def measure(args):
    variables = common.implementations(args.devices)
    names = ["ncnn"] + [f"clvgg {device} {storage}" for device in variables
                        for storage in common.storages(args.clvgg, "run", ("f32", "bf16", "f16"))]
    stored = {"schema": 1, "rounds": args.rounds, "devices": list(variables), "names": names,
              "machine": common.machine(args.clvgg, args.peers, variables)}
    if not Path(args.model).exists():
        common.output([Path(args.clvgg).parent / "bench/make_vgg", args.model])
    warm_pages(args.model, f"{args.peers}/vgg16.ncnn.bin")
    with tempfile.TemporaryDirectory(prefix="clvgg-bench-") as folder:
        stored["lines"] = measure_warm(args, names, variables, folder)
    stored["lines"] += measure_first(args, variables)
    common.store(args.out, stored)
    return stored


def main():
    parser = common.parser(__doc__, "startup.json")
    common.add_peers(parser)
    common.add_devices(parser)
    parser.add_argument("--model", default=str(common.ROOT / "build/vgg16.safetensors"), metavar="FILE",
                        help="made when missing; default %(default)s")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--first-rounds", type=int, default=3)
    parser.add_argument("--one-ncnn", action="store_true", help="what the script runs itself as")
    args = parser.parse_args()
    if args.one_ncnn:
        ncnn_label(args.peers)
    else:
        print(page(measure(args)))


if __name__ == "__main__":
    main()
