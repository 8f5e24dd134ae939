"""Writes the networks as ncnn's pairs of files, network.ncnn.param and .bin, by pnnx 20261020 from torch 2.15; vgg11_bn's batch norm is folded by
pnnx. tests/data/weights gets half.ncnn.* (vgg16 in float16, each weight rounded). The folder odd has a network of layers that no VGG has, with torch's
logits. ncnn 1.0.20261020 itself gives the logits of all three within 2e-6."""
import os, pathlib, shutil, sys, tempfile
from collections import OrderedDict
import numpy as np, torch, pnnx
from torch import nn
import network

SMALL = network.FOLDER.parent / "weights"


def export(module, example, param, fp16=False):
    """pnnx leaves nine files; two are wanted."""
    with tempfile.TemporaryDirectory() as folder:
        old = os.getcwd()
        os.chdir(folder)
        try:
            pnnx.export(module, "net.pt", example, fp16=fp16)
        finally:
            os.chdir(old)
        shutil.copy(f"{folder}/net.ncnn.param", param)
        shutil.copy(f"{folder}/net.ncnn.bin", param.with_suffix(".bin"))


def odd():
    torch.manual_seed(0)
    norm = nn.BatchNorm2d(6)
    for values in (norm.weight.data, norm.running_var):
        values.uniform_(0.5, 2)
    for values in (norm.bias.data, norm.running_mean):
        values.uniform_(-1, 1)
    layers = [nn.Conv2d(3, 6, 3, stride=2, padding=1, groups=3, bias=False), nn.ReLU(), norm, nn.LocalResponseNorm(5, 1e-2, 0.75, 2.0), nn.Sigmoid(),
              nn.MaxPool2d(3, 2, ceil_mode=True), nn.Conv2d(6, 4, (3, 5), padding=(0, 2), dilation=(2, 1)), nn.Tanh(),
              nn.AvgPool2d(2, 1, padding=1, count_include_pad=False), nn.Dropout(0.3), nn.AvgPool2d((2, 4)), nn.Flatten(), nn.Linear(16, 7)]
    for layer in layers:
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            layer.weight.data *= 4  # so that the output depends on the input
    return nn.Sequential(OrderedDict((f"l{i}", layer) for i, layer in enumerate(layers))).eval()


def ncnn_output(param, inputs):
    import ncnn
    net = ncnn.Net()
    net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = False
    assert net.load_param(str(param)) == 0 and net.load_model(str(param.with_suffix(".bin"))) == 0
    outputs = []
    for image in inputs:
        extractor = net.create_extractor()
        extractor.input("in0", ncnn.Mat(image).clone())
        outputs.append(np.array(extractor.extract("out0")[1]))
    return np.array(outputs)


def compare(name, got, expected):
    print(f"{name}: ncnn against torch {np.linalg.norm(got - expected) / np.linalg.norm(expected):.1e}", file=sys.stderr)


for name in network.BLOCKS:
    param = network.FOLDER / name / "network.ncnn.param"
    export(network.torch_module(name), torch.from_numpy(network.example()[:1]), param)
    compare(name, ncnn_output(param, network.example()), np.load(param.parent / "logits.npy"))
export(network.torch_module("vgg16"), torch.from_numpy(network.example()[:1]), SMALL / "half.ncnn.param", fp16=True)
folder, images = network.FOLDER / "odd", np.random.default_rng(1).standard_normal((3, 3, 32, 32)).astype(np.float32)
folder.mkdir(exist_ok=True)
export(odd(), torch.from_numpy(images[:1]), folder / "network.ncnn.param")
expected = odd().double()(torch.from_numpy(images).double()).detach().numpy().astype(np.float32)
compare("odd", ncnn_output(folder / "network.ncnn.param", images), expected)
np.save(folder / "input.npy", images)
np.save(folder / "logits.npy", expected)
