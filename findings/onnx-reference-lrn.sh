#!/usr/bin/env bash
# The reference evaluator of onnx 1.23.2, by which operators are judged, sums LRN's squares for as many channels as there are
# images, not channels: its loop counts the wrong axis. With one image of six channels it normalises the first and divides the
# others by the bias alone; with six images the values are right. ONNX Runtime 1.32.0 is right with both.
# Seen: "1 images: onnx differs from ONNX Runtime by 5.7188", "6 images: ... 0.0000". Exits 1 when that has changed.
# Needs Python 3.11 with venv, x86-64; downloads into a folder of its own.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
venv/bin/python - << 'PYTHON'
import numpy, onnx, onnxruntime
from onnx import helper
from onnx.reference import ReferenceEvaluator
differences = []
for images in (1, 6):
    x = numpy.tile(numpy.arange(1, 7, dtype=numpy.float32).reshape(1, 6, 1, 1), (images, 1, 1, 1))
    info = [helper.make_tensor_value_info(name, 1, x.shape) for name in "xy"]
    node = helper.make_node("LRN", ["x"], ["y"], size=3, alpha=1.0, beta=1.0, bias=1.0)
    model = helper.make_model(helper.make_graph([node], "g", info[:1], info[1:]), opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    reference = ReferenceEvaluator(model).run(None, {"x": x})[0]
    runtime = onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"x": x})[0]
    differences.append(float(abs(reference - runtime).max()))
    print(f"{images} images: onnx differs from ONNX Runtime by {differences[-1]:.4f}: {reference[0].ravel().round(4)}, {runtime[0].ravel().round(4)}")
raise SystemExit(not (differences[0] > 1 and differences[1] < 1e-5))
PYTHON
