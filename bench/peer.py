#!/usr/bin/env python3
"""Times full-size VGG on one program that isn't clvgg and writes a result of the form of `clvgg bench --out`.

The work is that of `clvgg bench`: the same weights (bench/make_vgg writes them), the same image, each pass from host memory to host
memory; and so is the check: logits that are further from the reference than a storage allows are wrong, and not timed. Needs NumPy
and the program's own package. Exit code 77 where that is missing, or the GPU that it is for. bench/peers.py runs it, and tests/on-gpu.sh.

  bench/peer.py PROGRAM --peers DIR [--model vgg16] [--batch 1,16] [--min-time 1] --out FILE
"""
import argparse
import hashlib
import importlib
import importlib.metadata
import json
import math
import os
import resource
import sys
import time

import result

SEED, SIDE = 1, 224  # of the published weights, of the image


def tensors(path):
    """Name → (shape, place in the file), in the file's order, which is the graph's; all are float32."""
    with open(path, "rb") as file:
        size = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(size))
    return {name: (entry["shape"], 8 + size + entry["data_offsets"][0]) for name, entry in header.items() if name != "__metadata__"}


def weights_hash(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        file.seek(min(place for _, place in tensors(path).values()))
        while piece := file.read(1 << 24):
            digest.update(piece)
    return digest.hexdigest()


def flops(path):
    """Of an image, two a multiply-add, as clvgg counts; maps are halved behind each block."""
    names = [(name, shape) for name, (shape, _) in tensors(path).items() if name.endswith(".weight")]
    return sum(2 * math.prod(shape) * (SIDE >> int(name[4]) - 1) ** 2 if len(shape) == 4 else 2 * math.prod(shape)
               for name, shape in names)


# ---- programs: each gives a step, which returns logits [batch][classes], and what its document says besides ----


def ncnn_step(stem, images):
    import ncnn
    net = ncnn.Net()
    net.opt.num_threads = os.cpu_count()
    for flag in ("use_fp16_packed", "use_fp16_storage", "use_fp16_arithmetic", "use_bf16_storage"):
        setattr(net.opt, flag, False)
    net.load_param(f"{stem}.ncnn.param")
    net.load_model(f"{stem}.ncnn.bin")

    def one(image):  # ncnn has no batch dimension
        extractor = net.create_extractor()
        extractor.input("in0", ncnn.Mat(image))
        return extractor.extract("out0")[1].numpy().copy()
    return lambda: [one(image) for image in images], {}


def onnxruntime_step(stem, images, about=None):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = os.cpu_count()
    path = int8_model(stem) if about else f"{stem}.onnx"
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, {"input": images})[0], about or {}


def openvino_step(stem, images, config, about=None):
    import openvino
    core = openvino.Core()
    model = core.read_model(int8_model(stem) if about else f"{stem}.onnx")
    model.reshape(list(images.shape))
    compiled = core.compile_model(model, "CPU", config)
    request = compiled.create_infer_request()
    return (lambda: request.infer({0: images})[0],
            about or {"storage": compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name()})


def int8_model(stem):
    """The network in QDQ form, by ONNX Runtime's own quantiser with its defaults but for scales a channel, made once: calibrated, as
    `clvgg bench --storage int8` is, by four images of noise, of which the first is timed."""
    import numpy
    path, made = f"{stem}.int8.onnx", f"{stem}.int8.onnx.part"
    if os.path.exists(path):
        return path
    from onnxruntime import quantization
    images = numpy.array(result.noise(4 * 3 * SIDE * SIDE), numpy.float32).reshape(4, 1, 3, SIDE, SIDE)

    class Noise(quantization.CalibrationDataReader):
        left = iter([{"input": image} for image in images])

        def get_next(self):
            return next(self.left, None)
    quantization.quantize_static(f"{stem}.onnx", made, Noise(), quant_format=quantization.QuantFormat.QDQ, per_channel=True,
                                 activation_type=quantization.QuantType.QUInt8, weight_type=quantization.QuantType.QInt8)
    os.replace(made, path)
    return path


def torch_network(weights):
    """A VGG of named tensors, which it shares."""
    from torch import nn
    names, layers = [name.removesuffix(".weight") for name in weights if name.endswith(".weight")], []
    for name, following in zip(names, names[1:] + [""]):
        weight, bias = weights[name + ".weight"], weights[name + ".bias"]
        dense = weight.dim() == 2
        layers.append(nn.Linear(*weight.shape[::-1], device="meta") if dense else
                      nn.Conv2d(*weight.shape[1::-1], 3, padding=1, device="meta"))
        layers[-1].weight, layers[-1].bias = nn.Parameter(weight, False), nn.Parameter(bias, False)
        layers += [nn.ReLU()] if following else []
        layers += [nn.MaxPool2d(2)] if not dense and following[:5] != name[:5] else []
        layers += [nn.Flatten()] if not dense and not following.startswith("conv") else []
    return nn.Sequential(*layers).eval()


def torch_step(stem, images, device="cpu", layout="channels_last"):
    import numpy
    import torch
    about = {}
    if device == "cuda":
        if not torch.cuda.is_available():
            print(f"PyTorch {torch.__version__} sees no CUDA device")
            sys.exit(77)
        about["device"] = {"type": "gpu", "name": torch.cuda.get_device_name(), "platform": "CUDA", "driver_version": torch.version.cuda}
    torch.set_num_threads(os.cpu_count())
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.benchmark = True
    weights = {}
    with open(f"{stem}.safetensors", "rb") as file:
        for name, (shape, place) in tensors(f"{stem}.safetensors").items():
            array = numpy.empty(shape, numpy.float32)
            file.seek(place)
            file.readinto(array)
            weights[name] = torch.from_numpy(array)
    form = {"memory_format": getattr(torch, layout)}
    net, batch = torch_network(weights).to(device, **form), torch.from_numpy(images)

    def step():
        with torch.no_grad():
            return net(batch.to(device).to(**form)).cpu().numpy()
    return step, about


INT8 = {"storage": "int8", "accumulation": "int32"}
PROGRAMS = {"ncnn": ("ncnn", "ncnn", ncnn_step), "onnxruntime": ("ONNX Runtime", "onnxruntime", onnxruntime_step),
            "openvino": ("OpenVINO", "openvino", lambda *at: openvino_step(*at, {"INFERENCE_PRECISION_HINT": "f32"})),
            "openvino-default": ("OpenVINO", "openvino", lambda *at: openvino_step(*at, {})),
            "openvino-int8": ("OpenVINO", "openvino", lambda *at: openvino_step(*at, {}, INT8)),
            "onnxruntime-int8": ("ONNX Runtime", "onnxruntime", lambda *at: onnxruntime_step(*at, INT8)),
            "pytorch": ("PyTorch", "torch", torch_step),
            "pytorch-cuda": ("PyTorch", "torch", lambda *at: torch_step(*at, "cuda", "contiguous_format")),
            "pytorch-cuda-last": ("PyTorch", "torch", lambda *at: torch_step(*at, "cuda"))}


# ---- a result ----


def timed(step):
    start = time.perf_counter()
    step()
    return (time.perf_counter() - start) * 1e3


def measure(step, min_time):
    """As vgg_measure(): two passes to warm up, then nine or more, until the median is known to 1 % or five times as long."""
    step(), step()
    samples, start = [], time.perf_counter()
    spent = lambda: time.perf_counter() - start
    while (spent() < (min_time if result.is_precise(samples) else 5 * min_time) if len(samples) >= result.LEAST
           else not samples or spent() < result.PATIENCE_S):
        samples.append(round(timed(step), 6))
    return samples


def one_batch(args, batch, exact):
    """A result, and what the document says of the program."""
    import numpy
    image = numpy.array(result.noise(3 * SIDE * SIDE), numpy.float32).reshape(1, 3, SIDE, SIDE)
    load = os.getloadavg()[0]
    step, about = PROGRAMS[args.program][2](f"{args.peers}/{args.model}", numpy.repeat(image, batch, 0))
    logits = []
    first = timed(lambda: logits.extend(step()))
    error = result.error_l2([row.tolist() for row in logits], exact)
    wrong = error is None or error > result.LIMITS[about.get("storage", "f32")]
    found = {"batch": batch, "error_l2": error, "reference": "float64", "wrong": wrong}
    if not wrong:
        found.update({**result.times(measure(step, args.min_time)), "first_ms": first})
        found["gflops"] = flops(f"{args.peers}/{args.model}.safetensors") * batch / found["median_ms"] / 1e6
    return {**found, "load_average": [load, os.getloadavg()[0]]}, about


def document(args):
    path = f"{args.peers}/{args.model}.safetensors"
    title, package, _ = PROGRAMS[args.program]
    (published, exact), system, before = result.reference(args.model), result.system(), result.sensors()
    if weights_hash(path) != published:
        sys.exit(f"{path}: not the weights that bench/make_vgg writes for {args.model}")
    results, abouts = zip(*(one_batch(args, batch, exact) for batch in args.batch))
    return {"schema": "clvgg-bench/1", "program": {"name": title, "version": importlib.metadata.version(package), "commit": None},
            "device": {"type": "cpu", "name": system["cpu"], "platform": "CPU", "driver_version": ""}, "model": args.model,
            "architecture": args.model, "random_weights": True, "weights": {"seed": SEED, "sha256": published},
            "input": [3, SIDE, SIDE], "flops": flops(path), "storage": "f32", "accumulation": "float32",
            "options": {"min_time_s": args.min_time, "max_time_s": None, "cold": False, "per_layer": False, "variants": [],
                        "compute_units": None},
            "peak": None, "clock": "host", **abouts[0], "sensors": {"before": before, "after": result.sensors()}, "system": system,
            "environment": result.environment(), "results": list(results), "tuned": False,
            "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", choices=PROGRAMS)
    parser.add_argument("--peers", required=True, metavar="DIR", help="where MODEL.safetensors is, and what was made of it")
    parser.add_argument("--model", default="vgg16")
    parser.add_argument("--batch", type=lambda text: [int(batch) for batch in text.split(",")], default=[1, 16])
    parser.add_argument("--min-time", type=float, default=1, metavar="S")
    parser.add_argument("--out", required=True, metavar="FILE")
    args = parser.parse_args()
    title, package, _ = PROGRAMS[args.program]
    try:
        importlib.import_module(package)
    except (ImportError, OSError) as error:
        print(f"{title} can't be imported: {error}")
        return 77
    found = document(args)
    result.write(args.out, found)
    print("  ".join(f"batch {one['batch']}: " + ("wrong" if one["wrong"] else f"{one['median_ms']:.2f} ms") for one in found["results"]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
