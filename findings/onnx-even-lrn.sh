#!/usr/bin/env bash
# ONNX's LRN takes any size, and its checker passes an even one, for which the standard says which way the odd channel out goes. ONNX
# Runtime 1.32.0 and OpenCV 5.0.0 refuse it, each in words of its own; PyTorch's LocalResponseNorm takes it and reaches the
# other way, so that no file with LRN over an even number of channels means in PyTorch what it says and runs anywhere else.
# Seen: "ONNX Runtime: refused, size_ % 2 == 1 was false", "OpenCV: refused, LRN layer supports only positive odd values". Exits
# 1 when that has changed. Needs Python 3.11 with venv, x86-64; downloads into a folder of its own.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q onnx==1.23.2 onnxruntime==1.32.0 opencv-python-headless==5.0.0.93 numpy==2.4.6
venv/bin/python - 2> log << 'PYTHON' || { cat log; exit 1; }
import cv2, numpy, onnx, onnxruntime
from onnx import helper
info = [helper.make_tensor_value_info(name, 1, (1, 6, 1, 1)) for name in "xy"]
node = helper.make_node("LRN", ["x"], ["y"], size=4, alpha=1.0, beta=1.0, bias=1.0)
model = helper.make_model(helper.make_graph([node], "g", info[:1], info[1:]), opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
onnx.checker.check_model(model, full_check=True)
data = model.SerializeToString()
refused = 0
for name, words, load in (("ONNX Runtime", "size_ % 2 == 1 was false", lambda: onnxruntime.InferenceSession(data)),
                          ("OpenCV", "LRN layer supports only positive odd values", lambda: cv2.dnn.readNetFromONNX(numpy.frombuffer(data, numpy.uint8)))):
    try:
        load()
        print(f"{name}: accepted")
    except Exception as error:
        refused += words in str(error)
        print(f"{name}: refused, {words if words in str(error) else error}")
raise SystemExit(refused != 2)
PYTHON
