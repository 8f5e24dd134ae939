"""The networks of tests/data/formats, small enough to be stored: weights from a seed, an input, and the logits that float64 gives.

vgg16     VGG16's layers, 4 to 8 channels, 3 x 64 x 64 input (2 x 2 behind the last pooling), head 12, 10, five classes
vgg11_bn  VGG11's with batch norm (statistics that aren't 0 and 1), the same sizes

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


def example():
    """Three prepared images, float32 NCHW."""
    return np.random.default_rng(7).standard_normal((3, 3, SIDE, SIDE)).astype(np.float32)


def save_safetensors(path, tensors, metadata=None):
    header, at = {"__metadata__": metadata} if metadata else {}, 0
    for key, tensor in tensors.items():
        header[key] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [at, at + tensor.nbytes]}
        at += tensor.nbytes
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(np.ascontiguousarray(t).tobytes() for t in tensors.values()))


if __name__ == "__main__":
    import torch
    for name in BLOCKS:
        folder = FOLDER / name
        folder.mkdir(parents=True, exist_ok=True)
        np.save(folder / "input.npy", example())
        logits = torch_module(name).double()(torch.from_numpy(example()).double()).detach().numpy()
        np.save(folder / "logits.npy", logits.astype(np.float32))
        save_safetensors(folder / "network.safetensors", weights(name))
        print(name, logits)
