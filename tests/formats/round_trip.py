#!/usr/bin/env python3
"""A model leaves clvgg and gives the same logits elsewhere, by hand: clvgg's own logits of seeded inputs beside those of

  ONNX Runtime       an ONNX model, and the same in float16
  OpenCV's dnn       the same files
  PyTorch            torchvision's names, by load_state_dict(strict=True)
  pnnx, then ncnn    from the ONNX model

Relative L2 of the logits must be at most 1e-5, ncnn's 1e-4. Batch norm is judged by tests/data/formats/vgg11_bn, with and without
--fold. Written with onnxruntime 1.22, opencv-python 5.0, torch 2.15, safetensors 0.8, ncnn and pnnx 20261020.
Usage: round_trip.py CLVGG [MODEL]"""
import json, pathlib, subprocess, sys, tempfile
import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
CLVGG = pathlib.Path(sys.argv[1]).resolve()
failures = 0


def clvgg(*words):
    return subprocess.run([CLVGG, *map(str, words)], check=True, capture_output=True, text=True).stdout


def judge(name, got, expected, limit):
    global failures
    error = np.linalg.norm(got.astype(np.float64) - expected) / np.linalg.norm(expected.astype(np.float64))
    failures += not error <= limit
    print(f"{name:44} {error:.1e}{'' if error <= limit else f'   MORE THAN {limit:.0e}'}", flush=True)


def onnxruntime_logits(path, x):
    import onnxruntime
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run(["logits"], {session.get_inputs()[0].name: x})[0]


def opencv_logits(path, x):
    import cv2
    network = cv2.dnn.readNetFromONNX(str(path))
    network.setInput(x)
    return network.forward()


def torch_logits(path, x):
    """A network of the file's shapes, as torchvision's: positions without weights are ReLU, pooling or dropout."""
    import torch
    from safetensors.torch import load_file
    from torch import nn
    state = load_file(path)
    state = {key: value.float() for key, value in state.items()}
    layers = {"features": {}, "classifier": {}}
    for key, value in state.items():
        part, position, kind = key.split(".")
        if kind == "running_mean":
            layers[part][int(position)] = nn.BatchNorm2d(len(value))
        elif kind == "weight" and value.ndim == 4:
            layers[part][int(position)] = nn.Conv2d(value.shape[1], value.shape[0], 3, padding=1)
        elif kind == "weight" and value.ndim == 2:
            layers[part][int(position)] = nn.Linear(value.shape[1], value.shape[0])
    sequences = nn.ModuleDict()
    for part, known in layers.items():
        sequence, last = [], max(known)
        for i in range(last + 1):
            dense = part == "classifier"
            before = sequence[-1] if sequence else None
            sequence.append(known.get(i) or (nn.ReLU() if isinstance(before, (nn.Conv2d, nn.Linear, nn.BatchNorm2d))
                                             else nn.Dropout() if dense else nn.MaxPool2d(2)))
        if part == "features":
            sequence += [nn.ReLU(), nn.MaxPool2d(2)]
        sequences[part] = nn.Sequential(*sequence)
    sequences.load_state_dict(state, strict=True)
    sequences.eval()
    with torch.no_grad():
        return sequences["classifier"](torch.flatten(sequences["features"](torch.from_numpy(x)), 1)).numpy()


def ncnn_logits(path, x, folder):
    import ncnn
    shape = "[" + ",".join(map(str, (1, *x.shape[1:]))) + "]"
    program = pathlib.Path(sys.executable).parent / "pnnx"
    subprocess.run([program, path, f"inputshape={shape}", "fp16=0"], check=True, capture_output=True, cwd=folder)
    stem = str(path).removesuffix(".onnx")
    network = ncnn.Net()
    network.opt.use_fp16_storage = network.opt.use_fp16_arithmetic = network.opt.use_fp16_packed = False
    network.opt.use_bf16_storage = False
    network.load_param(stem + ".ncnn.param")
    network.load_model(stem + ".ncnn.bin")
    rows = []
    for image in x:
        extractor = network.create_extractor()
        extractor.input("in0", ncnn.Mat(image))
        rows.append(np.array(extractor.extract("out0")[1]))
    return np.stack(rows)


def try_model(model, folder, more=()):
    name = pathlib.Path(model).parent.name if more else pathlib.Path(model).name
    facts = json.loads(clvgg("info", "--device", "none", "--json", model))
    x = np.random.default_rng(1).uniform(-2, 2, (2, *facts["layers"][0]["shape"])).astype(np.float32)
    np.save(folder / "x.npy", x)
    logits = [layer["name"] for layer in facts["layers"] if layer["type"] == "dense"][-1]
    clvgg("run", "--model", model, "--input", folder / "x.npy", "--output", folder / "y.npy", "--layer", logits)
    expected = np.load(folder / "y.npy")
    for option in more or ((),):
        words = " ".join((name, *option))
        whole, half, names = folder / "whole.onnx", folder / "half.onnx", folder / "names.safetensors"
        clvgg("convert", *option, "--dtype", "f32", model, whole)
        clvgg("convert", *option, model, half)
        clvgg("convert", *option, "--to", "torchvision", model, names)
        judge(f"{words} ONNX Runtime", onnxruntime_logits(whole, x), expected, 1e-5)
        judge(f"{words} ONNX Runtime, its own types", onnxruntime_logits(half, x), expected, 1e-5)
        judge(f"{words} OpenCV", opencv_logits(whole, x), expected, 1e-5)
        judge(f"{words} OpenCV, its own types", opencv_logits(half, x), expected, 1e-5)
        judge(f"{words} PyTorch", torch_logits(names, x), expected, 1e-5)
        judge(f"{words} pnnx, ncnn", ncnn_logits(whole, x, folder), expected, 1e-4)


with tempfile.TemporaryDirectory() as scratch:
    folder = pathlib.Path(scratch)
    try_model(sys.argv[2] if len(sys.argv) > 2 else ROOT / "models/vgg16-catdog.safetensors", folder)
    try_model(ROOT / "tests/data/formats/vgg11_bn/network.safetensors", folder, ((), ("--fold",)))
sys.exit(failures > 0)
