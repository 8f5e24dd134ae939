#!/usr/bin/env python3
"""VGG16 of full size, random weights, 1000 classes, in every format that its own library writes: each must give torch's logits, and
each is timed from the start to the answer, with the peak of memory, beside safetensors. By hand: 25 GB of disk, half an hour.

  full_size.py [--clvgg build/clvgg] [--rounds 5] [--only NAME,...] [--out FILE.json] FOLDER

Needs torch, torchvision, onnx, onnxscript, keras, pnnx (of these formats alone that are asked for) and GNU time; files that are in FOLDER
already are used as they are. Fails where logits differ by more than 1e-5 (relative L2; float16 files 2e-3).
"""
import argparse, importlib.util, json, os, pathlib, subprocess, sys
import numpy as np

os.environ.setdefault("KERAS_BACKEND", "torch")
HERE = pathlib.Path(__file__).resolve().parent


def network():
    import torch, torchvision
    torch.manual_seed(1)
    return torchvision.models.vgg16().eval()


def keras_network():
    """The same weights in keras.applications' VGG16; logits, not probabilities."""
    import keras
    net = keras.applications.VGG16(weights=None, classifier_activation=None)
    state = {k: v.numpy() for k, v in network().state_dict().items()}
    names = [k[:-7] for k in state if k.endswith(".weight")]
    layers = [layer for layer in net.layers if layer.weights]
    for name, layer in zip(names, layers):
        w = state[name + ".weight"]
        if w.ndim == 4:
            w = w.transpose(2, 3, 1, 0)
        elif w.shape[1] == 25088:
            w = w.reshape(-1, 512, 7, 7).transpose(2, 3, 1, 0).reshape(25088, -1)
        else:
            w = w.T
        layer.set_weights([np.ascontiguousarray(w), state[name + ".bias"]])
    return net


def torch_zip(path): import torch; torch.save(network().state_dict(), path)
def torch_legacy(path): import torch; torch.save(network().state_dict(), path, _use_new_zipfile_serialization=False)
def torch_module(path): import torch; torch.save(network(), path)
def torch_script(path): import torch; torch.jit.save(torch.jit.trace(network(), torch.zeros(1, 3, 224, 224)), str(path))
def torch_export(path): import torch; torch.export.save(torch.export.export(network(), (torch.zeros(1, 3, 224, 224),)), str(path))
def torch_tar(path): load("write_pytorch").write_tar(network().state_dict(), path)
def onnx_default(path): import torch; torch.onnx.export(network(), (torch.zeros(1, 3, 224, 224),), str(path), dynamo=True)
def onnx_old(path): import torch; torch.onnx.export(network(), (torch.zeros(1, 3, 224, 224),), str(path), dynamo=False)
def keras_saved(path): keras_network().save(path)
def keras_weights(path): keras_network().save_weights(path)
def numpy_archive(path): np.savez(path, **{k: v.numpy() for k, v in network().state_dict().items()})
def caffe_v1(path): load("write_caffe").write_full(network().state_dict(), path, version=1)
def caffe_v2(path): load("write_caffe").write_full(network().state_dict(), path, version=2)


def safetensors(path):
    from safetensors.torch import save_file
    save_file(network().state_dict(), str(path))


def shards(path, save, suffix):
    """Files of 200 MB at most and their index, as huggingface's libraries lay them out."""
    state, weight_map, parts, size = network().state_dict(), {}, [[]], 0
    for key, tensor in state.items():
        if size and size + tensor.nbytes > 200e6:
            parts.append([])
            size = 0
        parts[-1].append(key)
        size += tensor.nbytes
    path.mkdir()
    stem = "model" if suffix == "safetensors" else "pytorch_model"
    for i, keys in enumerate(parts, 1):
        name = f"{stem}-{i:05}-of-{len(parts):05}.{suffix}"
        save({key: state[key] for key in keys}, str(path / name))
        weight_map |= {key: name for key in keys}
    index = {"metadata": {"total_size": sum(t.nbytes for t in state.values())}, "weight_map": weight_map}
    (path / f"{stem}.{suffix}.index.json").write_text(json.dumps(index))


def safetensors_shards(path): from safetensors.torch import save_file; shards(path, save_file, "safetensors")
def torch_shards(path): import torch; shards(path, torch.save, "bin")


def ncnn(path):
    import torch, pnnx
    path.mkdir()
    old = os.getcwd()
    os.chdir(path)
    try:
        pnnx.export(network(), "vgg16.pt", (torch.zeros(1, 3, 224, 224),), fp16=False)
    finally:
        os.chdir(old)


FORMATS = {
    "safetensors": ("vgg16.safetensors", safetensors), "pth zip": ("zip.pth", torch_zip), "pth legacy": ("legacy.pth", torch_legacy),
    "pth tar": ("tar.pth", torch_tar), "pth module": ("module.pth", torch_module), "TorchScript": ("script.pt", torch_script),
    "torch.export": ("export.pt2", torch_export), "safetensors sharded": ("shards", safetensors_shards), "pytorch_model.bin sharded": ("bins", torch_shards),
    "ONNX": ("default.onnx", onnx_default), "old ONNX exporter": ("old.onnx", onnx_old), ".keras": ("vgg16.keras", keras_saved),
    ".weights.h5": ("vgg16.weights.h5", keras_weights), "legacy .h5": ("vgg16.h5", keras_saved), "npz": ("vgg16.npz", numpy_archive),
    "Caffe V1": ("v1.caffemodel", caffe_v1), "Caffe V2": ("v2.caffemodel", caffe_v2), "ncnn": ("ncnn", ncnn)}


def load(module):
    spec = importlib.util.spec_from_file_location(module, HERE / f"{module}.py")
    loaded = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(HERE))
    spec.loader.exec_module(loaded)
    return loaded


def write(folder, name):
    """In a process of its own, whose memory goes with it."""
    path = folder / FORMATS[name][0]
    if path.exists():
        return
    code = f"import sys; sys.argv = [{__file__!r}]; import runpy, pathlib; m = runpy.run_path({__file__!r}, run_name='formats'); m['FORMATS'][{name!r}][1](pathlib.Path({str(path)!r}))"
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


def run(program, model, folder):
    """Seconds, peak KiB, logits."""
    out = folder / "logits.npy"
    out.unlink(missing_ok=True)
    if model.is_dir() and any(model.glob("*.ncnn.param")):
        model = next(model.glob("*.ncnn.param"))
    # GNU time is small, so that the peak isn't this process's, which a child has until it becomes another program.
    done = subprocess.run(["/usr/bin/time", "-f", "%e %M", program, "run", "--model", model, "--input", folder / "input.npy", "--output", out,
                           "--quiet"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    *words, figures = done.stderr.splitlines()
    print("\n".join(words), file=sys.stderr, end="\n" if words else "")
    seconds, peak = figures.split()
    return float(seconds), int(peak), np.load(out) if done.returncode == 0 else None


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--clvgg", default=str(HERE.parent.parent / "build/clvgg"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only")
    parser.add_argument("--out", type=pathlib.Path)
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    names = ["safetensors"] + [n for n in (args.only.split(",") if args.only else FORMATS) if n != "safetensors"]
    import torch
    example = np.random.default_rng(3).standard_normal((1, 3, 224, 224)).astype(np.float32)
    np.save(args.folder / "input.npy", example)
    with torch.no_grad():
        wanted = network().double()(torch.from_numpy(example).double()).numpy()
    rows = {}
    for name in names:
        try:
            write(args.folder, name)
            _, _, logits = run(args.clvgg, args.folder / FORMATS[name][0], args.folder)
        except subprocess.CalledProcessError as error:
            print(f"{name}: can't be written here: {error}")
            continue
        error = None if logits is None else float(np.linalg.norm(logits - wanted) / np.linalg.norm(wanted))
        rows[name] = {"error": error, "seconds": [], "peak_kib": []}
    good = [name for name, row in rows.items() if row["error"] is not None]
    for _ in range(args.rounds):
        for name in good:
            seconds, peak, _ = run(args.clvgg, args.folder / FORMATS[name][0], args.folder)
            rows[name]["seconds"].append(round(seconds, 3))
            rows[name]["peak_kib"].append(peak)
    base = rows["safetensors"]
    print("| format | error | start to answer, s | to safetensors | peak MiB | to safetensors |\n|---|---|---|---|---|---|")
    for name, row in rows.items():
        if row["error"] is None:
            print(f"| {name} | refused | | | | |")
            continue
        fastest, peak = min(row["seconds"]), max(row["peak_kib"])
        print(f"| {name} | {row['error']:.1e} | {fastest:.2f} | {fastest / min(base['seconds']):.2f} | {peak / 1024:.0f} | {peak / max(base['peak_kib']):.2f} |")
    if args.out:
        args.out.write_text(json.dumps(rows, indent=1) + "\n")
    sys.exit(any(row["error"] is None or row["error"] > 1e-5 for row in rows.values()))


if __name__ == "__main__":
    main()
