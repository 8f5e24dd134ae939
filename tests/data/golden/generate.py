#!/usr/bin/env python3
"""Writes logits.tsv: what PyTorch's float32 makes of the default model on chelsea.png and on three
inputs that test_session.c computes itself. Usage: generate.py MODEL IMAGE > logits.tsv
Needs torch, torchvision, pillow, numpy, safetensors."""
import sys

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file
from torchvision import transforms
from torchvision.models import vgg16


def pattern(kind):
    """float32 [3][224][224] of small integers."""
    c, y, x = np.mgrid[0:3, 0:224, 0:224]
    value = {"ramp": (x + 2 * y + 37 * c) % 256 - 128,
             "checks": ((x // 14 + y // 14 + c) % 2) * 192 - 96,
             "noise": (x * x * 7 + y * y * 13 + x * y * (c + 3) + 101 * c) % 251 - 125}[kind]
    return torch.from_numpy(value.astype(np.float32))


def load(path):
    weights = load_file(path)
    net = vgg16(num_classes=2)
    head = [weights[f"{name}.weight"].shape[0] for name in ("fc6", "fc7", "fc8")]
    net.classifier[0] = torch.nn.Linear(25088, head[0])
    net.classifier[3] = torch.nn.Linear(head[0], head[1])
    net.classifier[6] = torch.nn.Linear(head[1], head[2])
    modules = [m for m in list(net.features) + list(net.classifier) if hasattr(m, "weight")]
    names = [f"conv{b + 1}_{i + 1}" for b, n in enumerate((2, 2, 3, 3, 3)) for i in range(n)]
    for module, name in zip(modules, names + ["fc6", "fc7", "fc8"]):
        module.weight.data = weights[f"{name}.weight"].float().reshape(module.weight.shape)
        module.bias.data = weights[f"{name}.bias"].float()
    return net.eval()


def prepare(image):
    """BGR, 0...255, minus the model's means."""
    pixels = transforms.CenterCrop(224)(transforms.Resize(256)(image.convert("RGB")))
    pixels = torch.from_numpy(np.asarray(pixels).astype(np.float32)).permute(2, 0, 1).flip(0)
    return (pixels - torch.tensor([103.939, 116.779, 123.68])[:, None, None]).contiguous()


net = load(sys.argv[1])
inputs = {"chelsea.png": prepare(Image.open(sys.argv[2]))}
inputs.update({kind: pattern(kind) for kind in ("ramp", "checks", "noise")})
with torch.no_grad():
    for name, image in inputs.items():
        print(name, *("%.9g" % v for v in net(image[None])[0].tolist()), sep="\t")
