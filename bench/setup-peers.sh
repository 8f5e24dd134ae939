#!/usr/bin/env bash
# Installs the runtimes that clvgg is timed beside, and converts the network that `clvgg bench` times for them: VGG16
# with random weights, 1000 classes. Needs build/ with -DCLVGG_BUILD_BENCH=ON. DIR/venv may be there already.
# Usage: setup-peers.sh [DIR [vgg11|vgg13|vgg16|vgg19]]   (default /tmp/peers vgg16; about 5 GB)
set -euo pipefail
build=$(cd "$(dirname "$0")/../build" && pwd)
dir=${1:-/tmp/peers} model=${2:-vgg16}
mkdir -p "$dir"
cd "$dir"
[ -x venv/bin/python ] || python3 -m venv venv
venv/bin/pip install -q torch onnx onnxruntime openvino ncnn pnnx numpy safetensors pillow
[ -s "$model.safetensors" ] || "$build/bench/make_vgg" "$model.safetensors" "$model"
[ -s "$model.onnx" ] || "$build/clvgg" convert --quiet "$model.safetensors" "$model.onnx"
if [ ! -s "$model.ncnn.bin" ]; then
    work=$(mktemp -d -p .)
    # pnnx writes what it makes on the way beside its input.
    (cd "$work" && ln -s "../$model.onnx" . && ../venv/bin/python -c 'import sys, pnnx; sys.exit(pnnx.pnnx())' "$model.onnx" \
        "inputshape=[1,3,224,224]" fp16=0) > pnnx.log 2>&1
    mv "$work/$model".ncnn.{param,bin} .
    rm -r "$work"
fi
