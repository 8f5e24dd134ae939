"""Writes vgg16 in several files with an index, as Hugging Face's libraries lay them out: shards/ (safetensors 0.8, torchvision's names) and bins/
(torch.save of torch 2.15), by huggingface_hub 2.4's split_torch_state_dict_into_shards; and folder/, which has model.safetensors alone."""
import json, torch, network
from huggingface_hub import split_torch_state_dict_into_shards
from safetensors.torch import save_file


def write(folder, state, save, pattern, index, size):
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    split = split_torch_state_dict_into_shards(state, filename_pattern=pattern, max_shard_size=size)
    for name, keys in split.filename_to_tensors.items():
        save({key: state[key] for key in keys}, folder / name)
    if split.is_sharded:
        content = {"metadata": split.metadata, "weight_map": split.tensor_to_filename}
        (folder / index).write_text(json.dumps(content, indent=2, sort_keys=True) + "\n")


state, folder = network.torch_module("vgg16").state_dict(), network.FOLDER / "vgg16"
write(folder / "shards", state, lambda tensors, path: save_file(tensors, path, metadata={"format": "pt"}), "model{suffix}.safetensors",
      "model.safetensors.index.json", 12000)
write(folder / "folder", state, lambda tensors, path: save_file(tensors, path, metadata={"format": "pt"}), "model{suffix}.safetensors",
      "model.safetensors.index.json", 1 << 20)
write(folder / "bins", state, torch.save, "pytorch_model{suffix}.bin", "pytorch_model.bin.index.json", 20000)
