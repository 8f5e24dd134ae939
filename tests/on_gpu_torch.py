"""PyTorch beside tests/on-gpu.sh: VGG16 and a training step of its dense layers in float32, TF32 off, on a CUDA device. Times are
from host memory to host memory, as clvgg's are. Writes JSON; exit code 77 where PyTorch or CUDA is missing. Usage:
on_gpu_torch.py FILE BATCH,… [cuda|cpu]
"""
import json
import sys
import time

try:
    import torch
    from torch import nn
except (ImportError, OSError) as error:
    print(f"PyTorch can't be imported: {error}")
    sys.exit(77)
batches = [int(batch) for batch in sys.argv[2].split(",")]
device = sys.argv[3] if len(sys.argv) > 3 else "cuda"
if device == "cuda" and not torch.cuda.is_available():
    print(f"PyTorch {torch.__version__} sees no CUDA device")
    sys.exit(77)
torch.backends.cuda.matmul.allow_tf32 = False
torch.backends.cudnn.allow_tf32 = False
torch.backends.cudnn.benchmark = True


def vgg16():
    layers, channels = [], 3
    for width, count in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(count):
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(inplace=True)]
            channels = width
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers, nn.Flatten(), *head(1000))


def head(classes):
    return (nn.Linear(25088, 4096), nn.ReLU(), nn.Dropout(), nn.Linear(4096, 4096), nn.ReLU(), nn.Dropout(), nn.Linear(4096, classes))


def milliseconds(step, seconds=1):
    step(), step(), step()  # cuDNN chooses
    times, end = [], time.perf_counter() + seconds
    while len(times) < 9 or time.perf_counter() < end:
        start = time.perf_counter()
        step()
        times.append((time.perf_counter() - start) * 1e3)
    return {"median_ms": sorted(times)[len(times) // 2], "min_ms": min(times)}


net = vgg16().eval().to(device)
result = {"torch": torch.__version__, "cuda": torch.version.cuda, "device": torch.cuda.get_device_name() if device == "cuda" else "cpu",
          "infer": {}, "channels_last": {}}
with torch.no_grad():
    for name, form in (("infer", torch.contiguous_format), ("channels_last", torch.channels_last)):
        net = net.to(memory_format=form)
        for batch in batches:
            images = torch.rand(batch, 3, 224, 224)
            result[name][batch] = milliseconds(lambda: net(images.to(device).to(memory_format=form)).cpu())
del net

dense = nn.Sequential(*head(2)).to(device)
optimizer = torch.optim.SGD(dense.parameters(), 1e-3, 0.9, weight_decay=5e-4)
features, labels = torch.rand(32, 25088), torch.arange(32) % 2


def train():
    optimizer.zero_grad(set_to_none=True)
    loss = nn.functional.cross_entropy(dense(features.to(device)), labels.to(device))
    loss.backward()
    optimizer.step()
    if device == "cuda":
        torch.cuda.synchronize()
    return loss.item()


result["finetune_batch_32"] = milliseconds(train)
with open(sys.argv[1], "w") as file:
    json.dump(result, file)
print("  ".join(f"batch {batch}: {time['min_ms']:.2f} ms" for batch, time in result["infer"].items()))
