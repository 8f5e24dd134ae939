#!/usr/bin/env python3
"""Projections of libclvgg beside PyTorch's in float64: VGG16 of a model file, every layer, all three modes.

PyTorch goes back by autograd, its ReLU by a rule of its own for deconv and guided. A unit, a map and a whole layer
are projected from each layer, of each photograph. Which of a window's values is its maximum, and which units are
active, is taken from libclvgg's forward values (whose own error is printed): where two values are equal but for
rounding, float32 and float64 decide differently, PyTorch's own float32 too. Fails where a relative L2 difference
exceeds 1e-4. With --own-decisions float64 decides for itself.
Run by hand; needs torch, numpy, pillow and safetensors.

  tests/projector_pytorch.py [--model F] [--library build/libclvgg.so] [--device SPEC] PHOTOGRAPH...
"""
import argparse
import ctypes
import json
import sys
from pathlib import Path

import numpy
import torch
from PIL import Image
from safetensors import safe_open

ROOT = Path(__file__).resolve().parent.parent
MODES = ("deconv", "guided", "gradient")


class Execution(ctypes.Structure):
    _fields_ = [("gemm", ctypes.c_int), ("variants", ctypes.c_void_p), ("variant_count", ctypes.c_size_t),
                ("storage", ctypes.c_int), ("memory_limit_bytes", ctypes.c_uint64)]


class ProjectorOptions(ctypes.Structure):
    _fields_ = [("struct_size", ctypes.c_size_t), ("max_batch", ctypes.c_int), ("mode", ctypes.c_int),
                ("to", ctypes.c_char_p), ("execution", Execution)]


class Seed(ctypes.Structure):
    _fields_ = [("map", ctypes.c_int64), ("position", ctypes.c_int64)]


class Library:
    """The few calls of include/clvgg that are needed here."""

    def __init__(self, path, model, device):
        self.c = ctypes.CDLL(str(path))
        self.c.clvgg_status_message.restype = ctypes.c_char_p
        self.c.clvgg_projector_free.restype = None
        self.runtime, self.device, self.model = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_void_p()
        self.must(self.c.clvgg_runtime_create(None, ctypes.byref(self.runtime)))
        self.must(self.c.clvgg_device_open(self.runtime, device, None, ctypes.byref(self.device)))
        self.must(self.c.clvgg_model_load(self.runtime, str(model).encode(), None, ctypes.byref(self.model)))

    def must(self, status):
        if status != 0:
            raise SystemExit(self.c.clvgg_status_message().decode())

    def project(self, layer, mode, images, seeds, shape):
        """Projections, and the layer's values, [seeds][shape]."""
        options = ProjectorOptions()
        self.c.clvgg_projector_options_defaults(ctypes.byref(options))
        options.mode, options.max_batch = MODES.index(mode), min(8, len(seeds))
        projector = ctypes.c_void_p()
        self.must(self.c.clvgg_projector_create(self.device, self.model, layer.encode(), ctypes.byref(options),
                                                ctypes.byref(projector)))
        out, values = numpy.empty_like(images), numpy.empty((len(seeds), *shape), numpy.float32)
        self.must(self.c.clvgg_projector_run(projector, len(seeds), images.ctypes.data_as(ctypes.c_void_p),
                                             (Seed * len(seeds))(*[Seed(*seed) for seed in seeds]),
                                             out.ctypes.data_as(ctypes.c_void_p),
                                             values.ctypes.data_as(ctypes.c_void_p), None))
        self.c.clvgg_projector_free(projector)
        return out, values


class RuledReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, decided, mode):
        """x, which is positive where `decided` is."""
        ctx.save_for_backward(decided > 0)
        ctx.mode = mode
        return x * (decided > 0)

    @staticmethod
    def backward(ctx, signal):
        active, = ctx.saved_tensors
        if ctx.mode != "gradient":
            signal = signal.clamp(min=0)
        return signal if ctx.mode == "deconv" else signal * active, None, None


def read_model(path):
    with safe_open(path, "pt") as file:
        layers = json.loads(file.metadata()["clvgg.graph"])["layers"]
        return layers, {name: file.get_tensor(name).double() for name in file.keys()}


def pool(x, decided, layer):
    """The values of x where `decided` has its maxima."""
    _, where = torch.nn.functional.max_pool2d(decided, layer["kernel"], layer["stride"], return_indices=True)
    return x.flatten(2).gather(2, where.flatten(2)).reshape(where.shape)


def forward(layers, weights, x, mode, decisions):
    """Values of each layer by name; `decisions` has values that decide, after the ReLU, by name of what is before it."""
    values = {"input": x}
    for layer in layers:
        x, name, kind = values[layer["input"]], layer["name"], layer["type"]
        if kind == "conv2d":
            x = torch.nn.functional.conv2d(x, weights[name + ".weight"], weights[name + ".bias"],
                                           padding=layer.get("pad", [0])[0])
        elif kind == "dense":
            x = x @ weights[name + ".weight"].T + weights[name + ".bias"]
        elif kind == "relu":
            x = RuledReLU.apply(x, decisions.get(layer["input"], x.detach()), mode)
        elif kind == "max_pool":
            before = next(other["input"] for other in layers if other["name"] == layer["input"])
            x = pool(x, decisions.get(before, x.detach()), layer)
        elif kind == "flatten":
            x = x.flatten(1)
        elif kind == "softmax":
            break
        values[name] = x
    return values


def seeds_of(value):
    """A unit, a map, everything: of [1][maps][…] the strongest."""
    flat = value.reshape(value.shape[1], -1)
    at = int(flat.argmax())
    return [(at // flat.shape[1], at % flat.shape[1]), (at // flat.shape[1], -1), (-1, -1)]


def signal_of(value, seed, mode, linear):
    kept = torch.zeros_like(value).reshape(value.shape[1], -1)
    maps = slice(None) if seed[0] < 0 else seed[0]
    positions = slice(None) if seed[1] < 0 else seed[1]
    kept[maps, positions] = 1
    kept = kept.reshape(value.shape)
    return kept if mode != "deconv" else kept * (value if linear else value.clamp(min=0))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=ROOT / "models/vgg16-catdog.safetensors")
    parser.add_argument("--library", type=Path, default=ROOT / "build/libclvgg.so")
    parser.add_argument("--device")
    parser.add_argument("--own-decisions", action="store_true")
    parser.add_argument("photographs", nargs="+", type=Path)
    args = parser.parse_args()
    library = Library(args.library, args.model, args.device.encode() if args.device else None)
    layers, weights = read_model(args.model)
    names = [layer["name"] for layer in layers if layer["type"] in ("conv2d", "dense", "max_pool")]
    worst = 0.0
    for photograph in args.photographs:
        picture = Image.open(photograph).convert("RGB").resize((224, 224))
        pixels = numpy.asarray(picture, numpy.float64)[:, :, ::-1] - (103.939, 116.779, 123.68)
        image = numpy.ascontiguousarray(pixels.transpose(2, 0, 1)[None].astype(numpy.float32))
        with torch.no_grad():
            exact = forward(layers, weights, torch.from_numpy(image).double(), "gradient", {})
        decisions, forward_error = {}, 0.0
        for name in names:
            wanted = exact[name] if name.startswith("pool") or name == names[-1] else exact[name].clamp(min=0)
            _, values = library.project(name, "deconv", numpy.repeat(image, 3, 0), [(-1, -1)] * 3, wanted.shape[1:])
            decisions[name] = torch.from_numpy(values[:1]).double()
            forward_error = max(forward_error, float((decisions[name] - wanted).norm() / wanted.norm()))
        print(f"{photograph.name}: forward values within {forward_error:.1e}")
        for mode in MODES:
            x = torch.from_numpy(image).double().requires_grad_()
            values = forward(layers, weights, x, mode, {} if args.own_decisions else decisions)
            errors = {}
            for name in names:
                seeds = seeds_of(values[name].detach())
                got, _ = library.project(name, mode, numpy.repeat(image, len(seeds), 0), seeds, values[name].shape[1:])
                for seed, projection in zip(seeds, got):
                    signal = signal_of(values[name].detach(), seed, mode, name == names[-1])
                    wanted, = torch.autograd.grad(values[name], x, signal, retain_graph=True)
                    error = (torch.from_numpy(projection).double() - wanted[0]).norm() / wanted.norm()
                    errors[name] = max(errors.get(name, 0.0), float(error))
            worst = max(worst, *errors.values())
            print(f"{photograph.name} {mode}: " + " ".join(f"{name} {error:.1e}" for name, error in errors.items()),
                  flush=True)
    print(f"largest relative difference {worst:.2e}")
    return worst > 1e-4


sys.exit(main())
