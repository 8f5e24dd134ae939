#!/usr/bin/env python3
"""Times full-size VGG16 (float32, 224 x 224, 1000 classes) on clvgg, ONNX Runtime and ncnn.

Every figure is the minimum over all repetitions of all rounds. A round runs each program once, in a
process of its own, so that whatever else the machine does falls on all of them alike. Prints a table
in Markdown and stores every process's line as JSON.

  bench/peers.py [--peers DIR] [--clvgg PROGRAM] [--device D] [--batch N ...] [--out FILE]
"""
import argparse
import json
import os
import resource
import subprocess
import sys
import time

PEERS = ("clvgg", "onnxruntime", "ncnn")


def onnxruntime_step(folder, batch):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = os.cpu_count()
    session = onnxruntime.InferenceSession(f"{folder}/vgg16.onnx", options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, {"x": batch})


def ncnn_step(folder, batch):
    import ncnn
    net = ncnn.Net()
    net.opt.num_threads = os.cpu_count()
    for flag in ("use_fp16_packed", "use_fp16_storage", "use_fp16_arithmetic", "use_bf16_storage"):
        setattr(net.opt, flag, False)
    net.load_param(f"{folder}/vgg16.ncnn.param")
    net.load_model(f"{folder}/vgg16.ncnn.bin")

    def step():  # ncnn has no batch dimension
        for image in batch:
            extractor = net.create_extractor()
            extractor.input("in0", ncnn.Mat(image))
            extractor.extract("out0")
    return step


def time_one(peer, folder, batch, reps):
    """Runs in a process of its own: times one peer and prints a line of JSON."""
    import numpy
    images = numpy.random.default_rng(0).random((batch, 3, 224, 224), dtype=numpy.float32)
    step = {"onnxruntime": onnxruntime_step, "ncnn": ncnn_step}[peer](folder, images)
    times = []
    for repetition in range(2 + reps):
        start = time.perf_counter()
        step()
        if repetition >= 2:
            times.append((time.perf_counter() - start) * 1e3)
    times.sort()
    print(json.dumps({"peer": peer, "batch": batch, "median_ms": round(times[reps // 2], 2),
                      "min_ms": round(times[0], 2),
                      "rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}))


def clvgg_line(printed, batch):
    """What the others print, from the JSON of `clvgg bench`."""
    measured = json.loads(printed)
    result = measured["results"][0]
    return {"peer": "clvgg", "batch": batch, "median_ms": round(result["median_ms"], 2),
            "min_ms": round(result["min_ms"], 2), "rss_mib": measured["peak_bytes"] >> 20}


def run(peer, batch, args):
    if peer == "clvgg":
        command = [args.clvgg, "bench", "--json", "--model", "vgg16", "--batch", str(batch), "--min-time", "0.001"]
        command += ["--device", args.device] if args.device else []
    else:
        command = [f"{args.peers}/venv/bin/python", __file__, "--peers", args.peers, "--one", peer,
                   "--batch", str(batch), "--reps", str(args.reps)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"{peer}: exit status {done.returncode}")
    return clvgg_line(done.stdout, batch) if peer == "clvgg" else json.loads(done.stdout.splitlines()[0])


def table(lines, batches):
    """One row a peer: the minimum over all rounds, and the largest peak memory."""
    head = "".join(f" batch {n}, ms | per image, ms | peak MiB |" for n in batches)
    rows = ["| VGG16 |" + head, "|---|" + "---:|---:|---:|" * len(batches)]
    for peer in PEERS:
        row = f"| {peer} |"
        for n in batches:
            mine = [line for line in lines if line["peer"] == peer and line["batch"] == n]
            best = min(line["min_ms"] for line in mine)
            row += f" {best:.1f} | {best / n:.1f} | {max(line['rss_mib'] for line in mine)} |"
        rows.append(row)
    return "\n".join(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", default="/tmp/peers", help="folder that bench/setup-peers.sh made")
    parser.add_argument("--clvgg", default="build/clvgg")
    parser.add_argument("--device", help="clvgg's device")
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 16])
    parser.add_argument("--reps", type=int, default=9, help="repetitions a round; clvgg's are nine")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", default="build/peers.json")
    parser.add_argument("--one", choices=PEERS[1:], help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        time_one(args.one, args.peers, args.batch[0], args.reps)
        return
    lines = []
    for batch in args.batch:
        for _ in range(args.rounds):
            for peer in PEERS:
                lines.append(run(peer, batch, args))
                print(json.dumps(lines[-1]), file=sys.stderr)
    with open(args.out, "w") as file:
        json.dump(lines, file, indent=1)
    print(table(lines, args.batch))


if __name__ == "__main__":
    main()
