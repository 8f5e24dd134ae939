#!/usr/bin/env python3
"""Times full-size VGG16 (224 x 224, 1000 classes) on clvgg and on other runtimes, and writes a result of each.

Results are files of the form of `clvgg bench --out`: `clvgg compare`, `clvgg report` and `clvgg check-result` read them. All
programs have the same weights and the same image, and what is wrong isn't timed. A round runs every program once, in a process of
its own, so that whatever else the machine does falls on all of them alike, and writes NAME.ROUND.json for each. Prints tables in
Markdown, of all rounds together. About 3 minutes a round on 2 cores.

  bench/setup-peers.sh
  bench/peers.py --results DIR [--rounds 3] [--batch 1,16] [--devices pocl intel] [--storage f32 bf16 f16 int8]
"""
import os
import subprocess
import tempfile
from pathlib import Path

import common
import layers
import peer
import result

FLOAT32_PEERS = ("ncnn", "onnxruntime", "openvino", "pytorch")


def rounds(folder):
    """Name → its files NAME.ROUND.json, by round."""
    found = {}
    for path in sorted(folder.glob("*.*.json"), key=lambda path: int(path.name.split(".")[1])):
        found.setdefault(path.name.split(".")[0], []).append(path)
    return dict(sorted(found.items()))


def measure(args):
    """Runs all in turns; what fails is left out of its round. Files of earlier measurements of the same programs go."""
    variables = common.implementations(args.devices if "clvgg" in args.programs else [])
    commands = {name: ({}, [f"{args.peers}/venv/bin/python", common.HERE / "peer.py", name, "--peers", args.peers])
                for name in args.programs if name != "clvgg"}
    # What can be submitted is what --out writes then, too; on a machine too busy for it, --out alone is written.
    submits = lambda storage: ["--submit", f"{args.scratch}/submitted.json"] if storage != "int8" else ["--per-layer"]
    commands |= {f"clvgg-{device}-{storage}": (values, [args.clvgg, "bench", *submits(storage), *common.storage_options(storage)])
                 for device, values in variables.items() for storage in common.storages(args.clvgg, "bench", args.storage)}
    args.results.mkdir(parents=True, exist_ok=True)
    for path in [path for name, paths in rounds(args.results).items() if name in commands for path in paths]:
        path.unlink()
    for number in range(1, args.rounds + 1):
        for name, (values, words) in list(commands.items()):
            out = args.results / f"{name}.{number}.json"
            words = [*words, "--model", args.model, "--batch", args.batch, "--min-time", args.min_time, "--out", out]
            done = subprocess.run(list(map(str, words)), stdout=subprocess.DEVNULL, env={**os.environ, **values})
            said = f"exit status {done.returncode}"
            if done.returncode == 77:  # nor will it be there in the next round
                del commands[name]
            if out.exists():  # clvgg's status tells that it is wrong
                said = ", ".join(f"batch {one['batch']}: " + ("wrong" if one["wrong"] else f"{one['median_ms']:.1f} ms")
                                 for one in common.load(out)["results"])
            common.say(f"round {number}, {name}: {said}")


# ---- tables ----


def read(folder):
    """Name → document, of all its rounds; clvgg's last."""
    found = rounds(folder)
    names = [name for name in peer.PROGRAMS if name in found] + [name for name in found if name not in peer.PROGRAMS]
    return {name: result.merge([common.load(path) for path in found[name]]) for name in names}


def title(name, document):
    if name not in peer.PROGRAMS:
        return name.replace("clvgg", "**clvgg**", 1).replace("-", " ")
    device = document["device"]
    return (document["program"]["name"] + (f", {document['storage']}" if document["storage"] != "f32" else "") +
            (f" on {device['name']}" if device["type"] == "gpu" else ""))


def of(documents, name, batch):
    """The result of a batch; None where there is none, or no time."""
    results = documents[name]["results"] if name in documents else []
    return next((one for one in results if one["batch"] == batch and not one["wrong"]), None)


def least(documents, name, batch):
    found = of(documents, name, batch)
    return found and found["min_ms"]


def fastest(documents, names, batch):
    return min((ms for ms in (least(documents, name, batch) for name in names) if ms), default=None)


def batch_table(documents, batch):
    """One row a program: times, error, memory, and clvgg's ratios to the peers that the goals name."""
    head = ["program ", f"batch {batch}, ms: median", "95 % of it", "least", "an image", "error", "peak MiB", "to ncnn",
            "to ONNX Runtime", "to best f32 peer", "to OpenVINO's default"]
    others = [least(documents, "ncnn", batch), least(documents, "onnxruntime", batch), fastest(documents, FLOAT32_PEERS, batch),
              least(documents, "openvino-default", batch)]
    rows = []
    for name, document in documents.items():
        if all(one["batch"] != batch for one in document["results"]):
            continue
        found = of(documents, name, batch)
        row = [title(name, document)]
        if found is None:
            row += ["wrong"]
        else:
            low, high = found.get("interval_ms") or (None, None)
            row += [f"{found['median_ms']:.1f}", f"{low:.1f} to {high:.1f}" if low else "", f"{found['min_ms']:.1f}",
                    f"{found['min_ms'] / batch:.1f}", "" if found["error_l2"] is None else f"{found['error_l2']:.1e}",
                    f"{document['peak_bytes'] / 2**20:.0f}"]
            if name not in peer.PROGRAMS:
                row += [f"{found['min_ms'] / other:.2f}" if other else "" for other in others]
        rows.append(row + [""] * (len(head) - len(row)))
    return common.table(head, rows)


def goals(documents):
    """The ratios that are aimed at, reached or not."""
    rows = []
    for device in ("pocl", "intel"):
        mine = lambda batch, *storages: fastest(documents, [f"clvgg-{device}-{storage}" for storage in storages], batch)
        for text, value, other, most in (
                ("f32, batch 1, to ncnn", mine(1, "f32"), least(documents, "ncnn", 1), 0.65),
                ("f32, batch 1, to ONNX Runtime", mine(1, "f32"), least(documents, "onnxruntime", 1), 0.50),
                ("f32, batch 16, to the best f32 peer", mine(16, "f32"), fastest(documents, FLOAT32_PEERS, 16), 0.40),
                ("bf16 or f16, batch 1, to ncnn", mine(1, "bf16", "f16"), least(documents, "ncnn", 1), 0.55),
                ("bf16, batch 1, to OpenVINO's default", mine(1, "bf16"), least(documents, "openvino-default", 1), 1.0),
                ("bf16, batch 16, to OpenVINO's default", mine(16, "bf16"), least(documents, "openvino-default", 16), 1.0),
                ("int8, batch 1, to OpenVINO's int8", mine(1, "int8"), least(documents, "openvino-int8", 1), 1.0),
                ("int8, batch 16, to OpenVINO's int8", mine(16, "int8"), least(documents, "openvino-int8", 16), 1.0),
                ("int8, batch 1, to float32", mine(1, "int8"), mine(1, "f32"), 0.65)):
            if value and other:
                rows.append([device, text, f"{most:.2f}", f"{value / other:.2f}", "yes" if value / other <= most else "no"])
    return common.table(["on ", "goal ", "at most", "measured", "reached "], rows)


def about(documents):
    """Where and with what: from the results themselves."""
    system = next(document["system"] for document in documents.values() if "system" in document)
    parts = [f"{system['cpu']}, {system['cores']} cores, {system['memory_bytes'] / 2**30:.0f} GiB, {system['os']}"]
    parts += dict.fromkeys("{name} {version}".format(**document["program"]) +
                           (f", commit {document['program']['commit']}" if document["program"]["commit"] else "")
                           for document in documents.values())
    parts += dict.fromkeys("{platform} {driver_version}: {name}".format(**document["device"]) for name, document in documents.items()
                           if name not in peer.PROGRAMS)
    return ";\n".join(parts) + "."


def page(folder):
    documents = read(folder)
    batches = dict.fromkeys(one["batch"] for document in documents.values() for one in document["results"])
    found = [(title(name, document), one) for name, document in documents.items() for one in document["results"] if not one["wrong"]]
    passes = [one["repetitions"] for _, one in found]
    load = [value for _, one in found for value in one.get("load_average") or () if value is not None]
    drifted = [f"{name}, batch {one['batch']}" for name, one in found if one.get("drifted")]
    text = [about(documents), "",
            f"{' to '.join(str(count) for count in sorted({min(passes), max(passes)}))} passes each, by processes that took turns" +
            (f"; load average {min(load):.1f} to {max(load):.1f}" if load else "") + ". Ratios are of the least times. Memory is a "
            "process's largest." +
            (f" Off by more than 5 % in the later half: {'; '.join(drifted)}." if drifted else ""), ""]
    for batch in batches:
        text += [batch_table(documents, batch), ""]
    return "\n".join([*text, goals(documents), "", layers.page({name: document for name, document in documents.items()
                                                                 if name not in peer.PROGRAMS})])


def main():
    parser = common.parser(__doc__)
    parser.add_argument("--results", required=True, type=Path, metavar="DIR", help="a file for each program is written here")
    common.add_peers(parser)
    common.add_devices(parser)
    parser.add_argument("--programs", nargs="+", choices=[*peer.PROGRAMS, "clvgg"], default=[*peer.PROGRAMS, "clvgg"])
    parser.add_argument("--storage", nargs="+", choices=tuple(result.LIMITS), default=["f32", "bf16", "f16", "int8"], help="clvgg's; default all")
    parser.add_argument("--model", default="vgg16", help="what setup-peers.sh converted; default %(default)s")
    parser.add_argument("--batch", default="1,16", metavar="N,...")
    parser.add_argument("--min-time", type=float, default=1, metavar="S", help="of a batch's passes in each process, nine at least")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="clvgg-bench-") as args.scratch:
        measure(args)
    print(page(args.results))


if __name__ == "__main__":
    main()
