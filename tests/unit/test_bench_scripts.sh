#!/usr/bin/env bash
# The scripts of bench/: each says what it does without any peer installed, and pages come out of stored
# figures as they should. Usage: test_bench_scripts.sh SOURCE_DIR BUILD_DIR
set -eu
command -v python3 > /dev/null || exit 77
export PYTHONDONTWRITEBYTECODE=1
cd "$1/bench"
for script in accuracy finetune gemm layers peers reference_logits report runtimes scaling startup training; do
    ./$script.py --help | grep -q "$script.py" || { echo "$script.py --help says nothing of itself"; exit 1; }
done
python3 - <<'PY'
import json
import tempfile
from pathlib import Path

import common
import finetune
import peers
import plot
import report
import runtimes
import startup
import training

machine = {"date": "today", "load_average": [0, 0, 0], "cpu": "a CPU", "cores": 2, "caches": "L1", "memory_mib": 1024,
           "system": "a system", "clvgg": "clvgg", "opencl": {"pocl": "a driver"}, "peers": {"ncnn": "1"}}


def line(name, batch, ms, mib):
    return {"round": 1, "name": name, "batch": batch, "min_ms": ms, "peak_bytes": mib << 20}


# Ratios are to the right peers, minima over rounds, and goals are reached or not.
lines = [line("ncnn", 1, 120, 1000), line("ncnn", 1, 100, 900), line("onnxruntime", 1, 200, 1000),
         line("torch", 16, 3000, 900), line("ncnn", 16, 2000, 900), line("openvino-default", 16, 10, 900),
         line("clvgg pocl f32", 1, 60, 800), line("clvgg pocl f32", 1, 70, 700), line("clvgg pocl f32", 16, 900, 700),
         {"round": 1, "name": "clvgg pocl bf16", "batch": 1, "error": "exit status 1"}]
names = ["ncnn", "onnxruntime", "torch", "openvino-default", "clvgg pocl f32", "clvgg pocl bf16"]
stored = {"machine": machine, "lines": lines, "names": names, "devices": ["pocl"], "batches": [1, 16], "reps": 9}
text = peers.page(stored)
for wanted in ("| **clvgg** pocl f32 | 60.0 | 60.0 | 800 | 0.60 | 0.30 | 0.60 |  | 0.80 |",
               "| **clvgg** pocl bf16 | failed |", "| pocl | f32, batch 1, to ncnn | 0.65 | 0.60 | yes |",
               "| pocl | f32, batch 16, to the best f32 peer | 0.40 | 0.45 | no |"):
    assert wanted in text, (wanted, text)

# Frozen layers that aren't the base's are told apart from those that are.
epochs = [{"epoch": i, "val_loss": loss, "val_accuracy": right, "seconds": 2}
          for i, (loss, right) in enumerate([(0.7, 0.5), (0.2, 0.985), (0.3, 0.99)])]
layers = [{"name": "fc6", "kept": False, "frozen": True}, {"name": "fc7", "kept": False, "frozen": True},
          {"name": "fc8", "kept": False, "frozen": False}]
tuned = {"head": "9,9", "train": "fc8", "layers": layers, "parameters": 1000, "seconds": 7, "peak_bytes": 3 << 20,
         "epochs": epochs, "best_epoch": 1, "val_images": 20, "train_images": 100}
page = finetune.page({"machine": machine, "lines": [tuned]})
assert "| 9,9 | fc8 | fc6, fc7 random | 1,000 | 50.0 | 98.5 | 0.700 | 0.200 | 1 | 7.0 | 2.00 | 3 |" in page, page

# A step's time is the least of all rounds, memory the most.
steps = [{"optimizer": optimizer, "name": name, "min_ms": ms, "peak_bytes": mib << 20}
         for optimizer in ("sgd", "adam") for name, ms, mib in (("PyTorch", 200, 2000), ("PyTorch", 300, 1000),
                                                                ("clvgg pocl", 90, 500), ("clvgg pocl", 80, 400))]
page = training.page({"machine": machine, "lines": steps, "rounds": 2, "head": 4096, "batch": 32})
assert page.count("| clvgg pocl | 80.0 | 500 | 0.40 | 0.25 |") == 2, page

# Classes come in any order, photographs lie in other folders.
with tempfile.TemporaryDirectory() as folder:
    for name, values in (("a", ((0, 3), (1, -4))), ("b", ((1, 0), (0, 3)))):
        Path(f"{folder}/{name}").write_text(json.dumps({
            "device": {"platform": "P", "driver_version": name},
            "images": [{"file": f"/{name}/cat/1.jpg", "top": [{"index": i, "logit": v} for i, v in values]}]}))
    page = runtimes.page([runtimes.read(f"{folder}/{name}") for name in "ab"])
assert page.endswith("| P a | P b | 0.8 | 1 of 1 |"), page

slope, intercept, r2 = plot.least_squares([(1, 5), (2, 7), (4, 11)])
assert (slope, intercept, r2) == (2, 3, 1), (slope, intercept, r2)
assert plot.least_squares([(1, 1), (2, 4), (3, 2)])[2] < 0.5
assert plot.ticks(47) == [0, 10, 20, 30, 40, 50]

# The time of what a process printed first, and its peak memory.
times, printed = common.timed(["sh", "-c", "echo label; sleep 1"], until="label")
assert printed == "label\n" and times["first_s"] < times["end_s"] - 0.2 and times["peak_bytes"] > 1 << 16

with tempfile.TemporaryDirectory() as folder:
    common.store(f"{folder}/peers-1.json", stored)
    Path(f"{folder}/other.md").write_text("# Another page\n")
    page = report.page(Path(folder))
    assert text in page and "[peers-1.json](peers-1.json)" in page and "- [Another page](other.md)" in page, page
    plot.write(f"{folder}/a.svg", [("t", "x", "y", [("one & two", [(1, 5), (2, 7)])])])
    from xml.dom import minidom
    assert len(minidom.parse(f"{folder}/a.svg").getElementsByTagName("circle")) == 3
PY
