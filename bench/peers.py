#!/usr/bin/env python3
"""Times full-size VGG16 (224 x 224, 1000 classes) on clvgg and on other runtimes for CPUs.

Each figure is the minimum over the repetitions of all rounds. A round runs every program once, in a
process of its own, so that whatever else the machine does falls on all of them alike. Prints tables in
Markdown and stores every process's line as JSON. An unfinished file is taken up where it ends.
About 5 minutes a round on 2 cores: 10 minutes in all.

  bench/setup-peers.sh
  bench/peers.py [--rounds 2] [--batch 1 16] [--devices pocl intel] [--storage f32 bf16 f16] [--out FILE]
"""
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import common

TITLES = {"ncnn": "ncnn", "onnxruntime": "ONNX Runtime", "openvino": "OpenVINO, f32 forced",
          "openvino-default": "OpenVINO, its default", "torch": "PyTorch, channels_last"}
FLOAT32_PEERS = ("ncnn", "onnxruntime", "openvino", "torch")


def ncnn_step(folder, images):
    import ncnn
    net = ncnn.Net()
    net.opt.num_threads = os.cpu_count()
    for flag in ("use_fp16_packed", "use_fp16_storage", "use_fp16_arithmetic", "use_bf16_storage"):
        setattr(net.opt, flag, False)
    net.load_param(f"{folder}/vgg16.ncnn.param")
    net.load_model(f"{folder}/vgg16.ncnn.bin")

    def step():  # ncnn has no batch dimension
        for image in images:
            extractor = net.create_extractor()
            extractor.input("in0", ncnn.Mat(image))
            extractor.extract("out0")
    return step


def onnxruntime_step(folder, images):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = os.cpu_count()
    session = onnxruntime.InferenceSession(f"{folder}/vgg16.onnx", options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, {"x": images})


def openvino_step(folder, images, config):
    import openvino
    core = openvino.Core()
    model = core.read_model(f"{folder}/vgg16.onnx")
    model.reshape(list(images.shape))
    request = core.compile_model(model, "CPU", config).create_infer_request()
    return lambda: request.infer({0: images})


def torch_step(images):
    import torch
    import torchvision
    torch.set_num_threads(os.cpu_count())
    net = torchvision.models.vgg16(weights=None).eval().to(memory_format=torch.channels_last)
    batch = torch.from_numpy(images).to(memory_format=torch.channels_last)

    def step():
        with torch.no_grad():
            net(batch)
    return step


STEPS = {"ncnn": ncnn_step, "onnxruntime": onnxruntime_step,
         "openvino": lambda folder, images: openvino_step(folder, images, {"INFERENCE_PRECISION_HINT": "f32"}),
         "openvino-default": lambda folder, images: openvino_step(folder, images, {}),
         "torch": lambda folder, images: torch_step(images)}


def time_peer(name, folder, batch, reps):
    """Runs in a process of its own: times one peer and prints a line of JSON."""
    import numpy
    images = numpy.random.default_rng(0).random((batch, 3, 224, 224), dtype=numpy.float32)
    step = STEPS[name](folder, images)
    times = []
    for repetition in range(2 + reps):
        start = time.perf_counter()
        step()
        if repetition >= 2:
            times.append((time.perf_counter() - start) * 1e3)
    times.sort()
    print(json.dumps({"repetitions": reps, "median_ms": times[reps // 2], "min_ms": times[0],
                      "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}))


def clvgg_line(measured):
    """What the others print, from the JSON of `clvgg bench`."""
    result = measured["results"][0]
    line = {name: result[name] for name in ("repetitions", "median_ms", "min_ms", "error_l2")}
    return {**line, "tuned": measured["tuned"], "peak_bytes": measured["peak_bytes"]}


def run(name, batch, args, variables):
    """One process: its line, or {"error": why}. `name` is a peer or "clvgg DEVICE STORAGE"."""
    if name in STEPS:
        command = [f"{args.peers}/venv/bin/python", __file__, "--peers", args.peers, "--one", name,
                   "--batch", str(batch), "--reps", str(args.reps)]
        extra = {}
    else:
        _, device, storage = name.split()
        command = [args.clvgg, "bench", "--json", "--model", "vgg16", "--batch", str(batch), "--min-time", "0.001"]
        command += common.storage_options(storage)
        extra = variables[device]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **extra})
    if done.returncode != 0:
        return {"error": f"exit status {done.returncode}"}
    return json.loads(done.stdout.splitlines()[-1]) if name in STEPS else clvgg_line(json.loads(done.stdout))


def best(lines, name, batch, field="min_ms", pick=min):
    """Over all rounds; None for a program that didn't run."""
    mine = [line[field] for line in lines if line["name"] == name and line["batch"] == batch and field in line]
    return pick(mine) if mine else None


def ratio(value, other):
    return "" if value is None or not other else f"{value / other:.2f}"


def title(name):
    return TITLES.get(name, name.replace("clvgg", "**clvgg**", 1))


def batch_table(lines, names, batch):
    """One row a program: times, memory, and clvgg's ratios to the peers that the goals name."""
    of = lambda name: best(lines, name, batch)
    peers = [value for value in map(of, FLOAT32_PEERS) if value is not None]
    fastest = min(peers, default=None)
    memory = best(lines, "ncnn", batch, "peak_bytes", max)
    head = ["program ", f"batch {batch}, ms", "an image, ms", "peak MiB", "to ncnn", "to ONNX Runtime",
            "to best f32 peer", "to OpenVINO's default", "memory to ncnn's"]
    rows = []
    for name in names:
        value, peak = of(name), best(lines, name, batch, "peak_bytes", max)
        if value is None:
            rows.append([title(name), "failed"] + [""] * 7)
            continue
        row = [title(name), f"{value:.1f}", f"{value / batch:.1f}", f"{peak / 2**20:.0f}"]
        if name.startswith("clvgg"):
            row += [ratio(value, of("ncnn")), ratio(value, of("onnxruntime")), ratio(value, fastest),
                    ratio(value, of("openvino-default")), ratio(peak, memory)]
        rows.append(row + [""] * (len(head) - len(row)))
    return common.table(head, rows)


def goals(lines, devices, batches):
    """The ratios that are aimed at, reached or not."""
    rows = []
    for device in devices:
        mine = lambda storage, batch: best(lines, f"clvgg {device} {storage}", batch)
        peer = lambda name, batch: best(lines, name, batch)
        fastest = min((v for v in (peer(name, 16) for name in FLOAT32_PEERS) if v), default=None)
        half = min((v for v in (mine("bf16", 1), mine("f16", 1)) if v), default=None)
        for text, value, other, most, batch in (
                ("f32, batch 1, to ncnn", mine("f32", 1), peer("ncnn", 1), 0.65, 1),
                ("f32, batch 1, to ONNX Runtime", mine("f32", 1), peer("onnxruntime", 1), 0.50, 1),
                ("f32, batch 16, to the best f32 peer", mine("f32", 16), fastest, 0.40, 16),
                ("bf16 or f16, batch 1, to ncnn", half, peer("ncnn", 1), 0.55, 1),
                ("bf16, batch 1, to OpenVINO's default", mine("bf16", 1), peer("openvino-default", 1), 1.0, 1),
                ("bf16, batch 16, to OpenVINO's default", mine("bf16", 16), peer("openvino-default", 16), 1.0, 16)):
            if batch in batches and value and other:
                rows.append([device, text, f"{most:.2f}", f"{value / other:.2f}",
                             "yes" if value / other <= most else "no"])
    return common.table(["on ", "goal ", "at most", "measured", "reached "], rows)


def page(stored):
    lines, rounds = stored["lines"], max((line["round"] for line in stored["lines"]), default=0)
    text = [f"{rounds} rounds; minimum of {rounds * stored['reps']} passes, each program in processes of its own that took "
            "turns (clvgg: at least 9 passes a process). Memory is the largest of all rounds, of the whole process: "
            "clvgg's includes the float32 reference that it is checked against.", ""]
    for batch in stored["batches"]:
        text += [batch_table(lines, stored["names"], batch), ""]
    return "\n".join(text + [goals(lines, stored["devices"], stored["batches"])])


def measure(args):
    """Runs what is missing in --out; stored after each process."""
    if Path(args.out).exists():
        stored = common.load(args.out)
        if stored["complete"]:
            raise SystemExit(f"{args.out} is complete: remove it, or name another by --out")
        common.say(f"{args.out}: going on after {len(stored['lines'])} processes")
    else:
        stored = {"schema": 1, "complete": False, "batches": args.batch, "reps": args.reps, "rounds": args.rounds}
        variables = common.implementations(args.devices)
        stored["devices"] = list(variables)
        stored["names"] = [name for name in args.programs if name != "clvgg"]
        if "clvgg" in args.programs:
            stored["names"] += [f"clvgg {device} {storage}" for device in variables
                                for storage in common.storages(args.clvgg, "bench", args.storage)]
        stored["machine"] = common.machine(args.clvgg, args.peers, variables)
        stored["lines"] = []
    args.reps = stored["reps"]
    variables = common.implementations(stored["devices"])
    have = {(line["round"], line["batch"], line["name"]) for line in stored["lines"]}
    for number in range(1, stored["rounds"] + 1):
        for batch in stored["batches"]:
            for name in stored["names"]:
                if (number, batch, name) in have:
                    continue
                line = {"round": number, "batch": batch, "name": name, **run(name, batch, args, variables)}
                line["load_average"] = round(os.getloadavg()[0], 2)
                stored["lines"].append(line)
                common.store(args.out, stored)
                common.say(json.dumps(line))
    stored["complete"] = True
    common.store(args.out, stored)
    return stored


def main():
    parser = common.parser(__doc__, "peers.json")
    common.add_peers(parser)
    common.add_devices(parser)
    parser.add_argument("--programs", nargs="+", choices=[*TITLES, "clvgg"], default=[*TITLES, "clvgg"])
    parser.add_argument("--storage", nargs="+", choices=("f32", "bf16", "f16"), default=["f32", "bf16", "f16"],
                        help="clvgg's; default all that it has")
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 16])
    parser.add_argument("--reps", type=int, default=9, help="of a peer in each round; clvgg's are nine")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--one", choices=TITLES, help="only this peer, in this process: what the script runs itself as")
    args = parser.parse_args()
    if args.one:
        time_peer(args.one, args.peers, args.batch[0], args.reps)
    else:
        print(page(measure(args)))


if __name__ == "__main__":
    main()
