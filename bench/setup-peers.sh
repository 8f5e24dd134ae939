#!/usr/bin/env bash
# Installs the runtimes that clvgg is timed beside, and exports one VGG16 (random weights, 1000
# classes) for them. Usage: setup-peers.sh [DIR]   (default /tmp/peers; about 3 GB)
set -euo pipefail
dir=${1:-/tmp/peers}
mkdir -p "$dir"
cd "$dir"
[ -x venv/bin/python ] || python3 -m venv venv
venv/bin/pip install -q torch torchvision onnx onnxscript onnxruntime openvino ncnn pnnx numpy \
    safetensors pillow
if [ ! -s vgg16.ncnn.bin ]; then
    venv/bin/python - <<'PY'
import torch, torchvision
torch.manual_seed(0)
net = torchvision.models.vgg16(weights=None).eval()
x = torch.rand(1, 3, 224, 224)
torch.onnx.export(net, x, "vgg16.onnx", input_names=["x"], output_names=["y"],
                  dynamic_axes={"x": {0: "n"}, "y": {0: "n"}}, dynamo=False)
torch.jit.trace(net, x).save("vgg16.pt")
PY
    PATH="$PWD/venv/bin:$PATH" pnnx vgg16.pt "inputshape=[1,3,224,224]" fp16=0 > pnnx.log 2>&1
fi
