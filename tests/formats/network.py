"""The networks of tests/data/formats, small enough to be stored: weights from a seed, an input, and the logits that float64 gives.

vgg16     VGG16's layers, 4 to 8 channels, 3 x 64 x 64 input (2 x 2 behind the last pooling), head 12, 10, five classes
vgg11_bn  VGG11's with batch norm (statistics that aren't 0 and 1), the same sizes

zfnet     Zeiler & Fergus' kinds of layers: normalisation of the input, windows of 7 and 5, pooling that overlaps and is padded on one side,
          LRN over five and over four channels; a module for the exporters of torch alone

As a program it writes each network's folder: input.npy, logits.npy, network.safetensors (canonical names). Writers of other
formats import it, and put their files into the same folders. Needs numpy and torch."""
import json, pathlib, struct
import numpy as np

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "data" / "formats"
BLOCKS = {"vgg16": (2, 2, 3, 3, 3), "vgg11_bn": (1, 1, 2, 2, 2)}
WIDTHS = (4, 6, 8, 8, 8)
HEAD = (12, 10, 5)
SIDE = 64
EPSILON = 1e-5


def weights(name):
    """Canonical names and layouts, float32: conv1_1.weight (OIHW), conv1_1.bias, bn1_1.weight, .bias, .running_mean, .running_var, fc6.weight ([out, in], CHW) ..."""
    rng = np.random.default_rng(sum(name.encode()))
    tensors, channels = {}, 3
    normal = lambda scale, *shape: (rng.standard_normal(shape) * scale).astype(np.float32)
    for block, count in enumerate(BLOCKS[name], 1):
        for i in range(1, count + 1):
            width = WIDTHS[block - 1]
            tensors[f"conv{block}_{i}.weight"] = normal((2 / (9 * channels)) ** 0.5, width, channels, 3, 3)
            tensors[f"conv{block}_{i}.bias"] = normal(0.1, width)
            if name.endswith("_bn"):
                tensors[f"bn{block}_{i}.weight"] = 1 + normal(0.2, width)
                tensors[f"bn{block}_{i}.bias"] = normal(0.2, width)
                tensors[f"bn{block}_{i}.running_mean"] = normal(0.3, width)
                tensors[f"bn{block}_{i}.running_var"] = np.exp(normal(0.4, width))
            channels = width
    features = channels * (SIDE // 32) ** 2
    for number, width in zip((6, 7, 8), HEAD):
        tensors[f"fc{number}.weight"] = normal((2 / features) ** 0.5, width, features)
        tensors[f"fc{number}.bias"] = normal(0.1, width)
        features = width
    return tensors


def torch_module(name):
    """The network as torchvision builds it (features, classifier; no adaptive pooling), with these weights, in evaluation mode."""
    import torch
    from torch import nn
    tensors, features, classifier, channels = weights(name), [], [], 3
    value = lambda key: nn.Parameter(torch.from_numpy(tensors[key].copy()))
    for block, count in enumerate(BLOCKS[name], 1):
        for i in range(1, count + 1):
            conv = nn.Conv2d(channels, WIDTHS[block - 1], 3, padding=1)
            conv.weight, conv.bias = value(f"conv{block}_{i}.weight"), value(f"conv{block}_{i}.bias")
            features.append(conv)
            channels = WIDTHS[block - 1]
            if name.endswith("_bn"):
                norm = nn.BatchNorm2d(channels, eps=EPSILON)
                norm.weight, norm.bias = value(f"bn{block}_{i}.weight"), value(f"bn{block}_{i}.bias")
                norm.running_mean = torch.from_numpy(tensors[f"bn{block}_{i}.running_mean"].copy())
                norm.running_var = torch.from_numpy(tensors[f"bn{block}_{i}.running_var"].copy())
                features.append(norm)
            features.append(nn.ReLU(inplace=True))
        features.append(nn.MaxPool2d(2, 2))
    width = channels * (SIDE // 32) ** 2
    for number, out in zip((6, 7, 8), HEAD):
        dense = nn.Linear(width, out)
        dense.weight, dense.bias = value(f"fc{number}.weight"), value(f"fc{number}.bias")
        classifier += [dense] if number == 8 else [dense, nn.ReLU(inplace=True), nn.Dropout(0.5)]
        width = out

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.features, self.classifier = nn.Sequential(*features), nn.Sequential(*classifier)

        def forward(self, x):
            return self.classifier(torch.flatten(self.features(x), 1))

    return Network().eval()


def zfnet_module():
    """The network zfnet in PyTorch, in evaluation mode. It takes 32 x 32 values; behind its poolings are 3 x 3 of 8 channels."""
    import torch
    from torch import nn
    torch.manual_seed(11)

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("mean", torch.tensor([0.5, -0.25, 0.125]).view(1, 3, 1, 1))
            self.register_buffer("deviation", torch.tensor([0.9, 1.1, 0.7]).view(1, 3, 1, 1))
            self.features = nn.Sequential(
                nn.Conv2d(3, 6, 7, stride=2, padding=1), nn.ReLU(), nn.LocalResponseNorm(5, alpha=0.5, beta=0.75, k=2), nn.ZeroPad2d((0, 1, 0, 1)),
                nn.MaxPool2d(3, 2), nn.Conv2d(6, 8, 5, padding=2), nn.LocalResponseNorm(4, alpha=0.25, beta=0.5, k=1), nn.ReLU(), nn.MaxPool2d(3, 2))
            self.classifier = nn.Sequential(nn.Dropout(), nn.Linear(72, 12), nn.ReLU(), nn.Dropout(), nn.Linear(12, 5))

        def forward(self, x):
            x = self.features((x - self.mean) / self.deviation)
            return self.classifier(x.view(x.size(0), -1))

    return Network().eval()


def example(side=SIDE):
    """Three prepared images, float32 NCHW."""
    return np.random.default_rng(7).standard_normal((3, 3, side, side)).astype(np.float32)


def save_safetensors(path, tensors, metadata=None):
    header, at = {"__metadata__": metadata} if metadata else {}, 0
    for key, tensor in tensors.items():
        header[key] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [at, at + tensor.nbytes]}
        at += tensor.nbytes
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(np.ascontiguousarray(t).tobytes() for t in tensors.values()))


if __name__ == "__main__":
    import torch
    for name in (*BLOCKS, "zfnet"):
        folder = FOLDER / name
        folder.mkdir(parents=True, exist_ok=True)
        image = example(32 if name == "zfnet" else SIDE)
        np.save(folder / "input.npy", image)
        module = zfnet_module() if name == "zfnet" else torch_module(name)
        logits = module.double()(torch.from_numpy(image).double()).detach().numpy()
        np.save(folder / "logits.npy", logits.astype(np.float32))
        if name in BLOCKS:
            save_safetensors(folder / "network.safetensors", weights(name))
        print(name, logits)
