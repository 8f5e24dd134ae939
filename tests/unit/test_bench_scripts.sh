#!/usr/bin/env bash
# The scripts of bench/: each says what it does without any peer installed, and pages come out of stored
# figures as they should. Usage: test_bench_scripts.sh SOURCE_DIR BUILD_DIR
set -eu
command -v python3 > /dev/null || exit 77
export PYTHONDONTWRITEBYTECODE=1
cd "$1/bench"
for script in accuracy compare_trials finetune gemm peer peers reference_logits report runtimes scaling startup training; do
    ./$script.py --help | grep -q "$script.py" || { echo "$script.py --help says nothing of itself"; exit 1; }
done
python3 - <<'PY'
import hashlib
import json
import tempfile
from pathlib import Path

import common
import finetune
import peers
import plot
import report
import result
import runtimes
import startup
import training

machine = {"date": "today", "load_average": [0, 0, 0], "cpu": "a CPU", "cores": 2, "caches": "L1", "memory_mib": 1024,
           "system": "a system", "clvgg": "clvgg", "opencl": {"pocl": "a driver"}, "peers": {"ncnn": "1"}}


# Figures are those of test_statistics.c.
times = result.times([5, 3, 9, 1, 7, 8, 2, 6, 40])
assert (times["repetitions"], times["min_ms"], times["median_ms"], times["p90_ms"], times["interval_ms"]) == (9, 1, 6, 40, [2, 9]), times
times = result.times([10, 9, 8, 7, 6, 5, 4, 3, 2, 1])
assert (times["median_ms"], times["p90_ms"], times["interval_ms"]) == (6, 9, [2, 9]), times
assert result.interval(range(5)) is None and result.interval(range(100)) == [39, 60] and result.interval(range(10000)) == [4901, 5098]
assert abs(result.times([4, 5, 6, 100, 6, 9, 8])["drift"] - 0.6) < 1e-15 and result.times([3])["drift"] == 0
assert result.times([10, 10, 5, 5])["drift"] == -0.5 and result.times([10, 10, 5, 5])["drifted"] and not result.times([100, 104])["drifted"]
assert result.is_precise([100, 101, 102] * 3) and not result.is_precise([100, 103] * 5) and not result.is_precise([1])
assert result.error_l2([[3, 4], [3, 5]], [3, 4]) == (1 / 50) ** 0.5
# 1664525 + 1013904223 = 1015568748; its upper 24 bits are 3967065.
assert result.error_l2([[3, 4], [3, float("nan")]], [3, 4]) is None
assert result.noise(1) == [3967065 / 2**23 - 1] and len(set(result.noise(1000))) == 1000
published, logits = result.reference("vgg16")
assert len(logits) == 1000 and published in Path("README.md").read_text()


def document(name, mib, *results, **more):
    """A program's, of results (batch, samples); no samples: wrong."""
    return {"schema": "clvgg-bench/1", "program": {"name": name, "version": "1", "commit": None}, "storage": "f32",
            "device": {"type": "cpu", "name": "a CPU", "platform": "P", "driver_version": "2"}, "system":
            {"os": "Linux", "cpu": "a CPU", "cores": 2, "memory_bytes": 1 << 30}, "peak_bytes": mib << 20, "results": [
                {"batch": batch, "wrong": not samples, "error_l2": 0.5, **(result.times(samples) if samples else {}), **more}
                for batch, samples in results]}


# A program's rounds: all samples in order of time, the steps of the round in which they took least; wrong once is wrong.
merged = result.merge([document("a", 1, (1, [4, 5, 6]), kernel_ms=3), document("a", 2, (1, [1, 2, 3]), kernel_ms=2)])
unknown = result.merge([document("a", 1, (1, [4]), error_l2=None), document("a", 1, (1, [4]))])
assert unknown["results"][0]["error_l2"] is None
assert merged["peak_bytes"] == 2 << 20 and merged["results"][0]["samples_ms"] == [4, 5, 6, 1, 2, 3], merged
assert merged["results"][0]["kernel_ms"] == 2 and merged["results"][0]["interval_ms"] == [1, 6], merged
assert "median_ms" not in result.merge([document("a", 1, (1, [4])), document("a", 1, (1, []))])["results"][0]

# Ratios are to the right peers, of the least times, and goals are reached or not.
layer = {"name": "conv1_2", "layers": "conv1_2+relu1_2", "variant": "v", "ms": 2, "gflops": 40, "samples_ms": [2]}
own = document("clvgg", 800, (1, [70, 60, 80]), (16, [900]), layers=[layer])
own["peak"] = {"fma_gflops": 50, "read_gbps": 10}
programs = {"ncnn": document("ncnn", 1000, (1, [120, 130]), (16, [2000])), "onnxruntime": document("ONNX Runtime", 1000, (1, [200])),
            "pytorch": document("PyTorch", 900, (16, [3000])), "openvino-default": document("OpenVINO", 900, (16, [10])),
            "clvgg-pocl-f32": own, "clvgg-pocl-bf16": document("clvgg", 800, (1, []))}
with tempfile.TemporaryDirectory() as folder:
    for name, each in programs.items():
        result.write(f"{folder}/vgg16/{name}.1.json", each)
        text = Path(f"{folder}/vgg16/{name}.1.json").read_text()
        head, digest = text.split('  "digest": "')
        assert digest == hashlib.sha256(head.encode()).hexdigest() + '"\n}\n' and json.loads(text)["results"] == each["results"], text
    result.write(f"{folder}/vgg16/ncnn.10.json", document("ncnn", 900, (1, [100]), (16, [2000])))
    Path(f"{folder}/other.md").write_text("# Another page\n")
    page = report.page(Path(folder))
    result.write(f"{folder}/vgg16/ncnn.9.json", document("ncnn", 900, (1, [110]), (16, [2000])))
    assert peers.read(Path(f"{folder}/vgg16"))["ncnn"]["results"][0]["samples_ms"] == [120, 130, 110, 100]
for wanted in ("| **clvgg** pocl f32 | 70.0 |  | 60.0 | 60.0 | 5.0e-01 | 800 | 0.60 | 0.30 | 0.60 |  |",
               "| **clvgg** pocl bf16 | wrong |", "| ncnn | 120.0 |  | 100.0 | 100.0 | 5.0e-01 | 1000 |", "| pocl | f32, batch 1, to ncnn | 0.65 | 0.60 | yes |",
               "| pocl | f32, batch 16, to the best f32 peer | 0.40 | 0.45 | no |", "at batch 16, below the peak: conv1_2 (80 %).",
               "| conv1_2+relu1_2 | v | 2.00 | 40 | 80 % | v | 2.00 | 40 | 80 % |", "[vgg16](vgg16)",
               "P 2: a CPU.", "Off by more than 5 % in the later half: ncnn, batch 1; **clvgg** pocl f32, batch 1.", "- [Another page](other.md)"):
    assert wanted in page, (wanted, page)
assert page.count("| wrong |") == 1, page

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
    plot.write(f"{folder}/a.svg", [("t", "x", "y", [("one & two", [(1, 5), (2, 7)])])])
    from xml.dom import minidom
    assert len(minidom.parse(f"{folder}/a.svg").getElementsByTagName("circle")) == 3
PY
