"""Writes the networks' state dictionaries, with torchvision's names, as safetensors: plain, and with features wrapped in
DataParallel behind a prefix, as training programs leave them. Counters (num_batches_tracked, int64) are among them. Needs torch 2.15 and safetensors 0.8."""
import network
from safetensors.torch import save_file
from torch import nn

for name in network.BLOCKS:
    module = network.torch_module(name)
    folder = network.FOLDER / name
    save_file(module.state_dict(), folder / "torchvision.safetensors", metadata={"format": "pt"})
    module.features = nn.DataParallel(module.features)
    save_file({f"backbone.{key}": value for key, value in module.state_dict().items()}, folder / "prefixed.safetensors")
