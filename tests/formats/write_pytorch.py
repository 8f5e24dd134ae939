"""PyTorch's files of tests/data/formats: written by torch.save, torch.jit and torch.export of torch 2.15; the tar by hand, as torch.load reads it.

state.pth         a state dictionary, torch.save's zip
stream.pth        the same as the stream of pickles that torch.save wrote until 2020
tar.pth           the same as the tar of before 2017 (judged by torch.load)
module.pth        the whole module; module_stream.pth the same as a stream
checkpoint.pth    {'epoch', 'model_state_dict', 'optimizer', 'best_acc1'} with SGD's momentum
parallel.pth      the state of torch.nn.DataParallel
views.pth         every weight a view: transposed, with an offset, of one storage
protocol5.pth     a state dictionary by pickle's protocol 5
double.pth        of float64
script.pt, traced.pt   TorchScript

And into tests/data/weights, which give other logits or none:

half.pth, bfloat16.pth                     VGG16's of other element types
small.pth, small_stream.pth, small_tar.pth three tensors, to be cut and changed at every byte
small.pt2                                  a convolution and batch norm by torch.export, with weights that are views

Needs numpy and torch."""
import collections, io, pickle, struct, sys, tarfile
import torch
import network

OTHER = network.FOLDER.parent / "weights"


class Network(torch.nn.Module):
    """At the top level, so that it can be pickled."""

    def __init__(self, built):
        super().__init__()
        self.features, self.classifier = built.features, built.classifier

    def forward(self, x):
        return self.classifier(torch.flatten(self.features(x), 1))


def write_tar(state, path):
    """The layout that torch.serialization._legacy_load reads from a tar."""
    storages, tensors = io.BytesIO(), io.BytesIO()
    dump = lambda value, to: pickle.dump(value, to, protocol=2)
    dump(len(state), storages)
    dump(len(state), tensors)
    keys = {}
    for number, (name, tensor) in enumerate(state.items()):
        key, storage_key = 94000000000000 + number * 64, 95000000000000 + number * 64
        keys[name] = str(key)
        kind = {torch.float32: torch.FloatStorage, torch.int64: torch.LongStorage}[tensor.dtype]
        dump((storage_key, "cpu", kind), storages)
        storages.write(struct.pack("<q", tensor.numel()) + tensor.contiguous().numpy().tobytes())
        dump((key, storage_key, torch.FloatTensor), tensors)
        tensors.write(struct.pack("<ii", tensor.dim(), 0))
        tensors.write(struct.pack(f"<{2 * tensor.dim() + 1}q", *tensor.shape, *tensor.stride(), 0))
    dump([], storages)

    class Tensor:
        def __init__(self, key):
            self.key = key

    class Pickler(pickle.Pickler):
        def persistent_id(self, value):
            return value.key if isinstance(value, Tensor) else None

    objects = io.BytesIO()
    Pickler(objects, protocol=2).dump(collections.OrderedDict((name, Tensor(key)) for name, key in keys.items()))
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        for name, content in (("storages", storages), ("tensors", tensors), ("pickle", objects)):
            member = tarfile.TarInfo(name)
            member.size = len(content.getvalue())
            tar.addfile(member, io.BytesIO(content.getvalue()))
    loaded = torch.load(path, weights_only=False)
    assert list(loaded) == list(state) and all(torch.equal(loaded[name], state[name]) for name in state)


def save_views(state, path):
    """All values behind one another in one storage, matrices transposed and images channels last."""
    stored = lambda t: (t.permute(0, 2, 3, 1) if t.dim() == 4 else t.T if t.dim() == 2 else t).reshape(-1)
    flat = torch.cat([torch.full((7,), 1e6)] + [stored(t) for t in state.values() if t.is_floating_point()])
    views, at = collections.OrderedDict(), 7
    for name, tensor in state.items():
        if not tensor.is_floating_point():
            views[name] = tensor
            continue
        part = flat[at:at + tensor.numel()]
        if tensor.dim() == 4:
            o, i, h, w = tensor.shape
            views[name] = part.view(o, h, w, i).permute(0, 3, 1, 2)
        elif tensor.dim() == 2:
            views[name] = part.view(tensor.shape[1], tensor.shape[0]).T
        else:
            views[name] = part.view(tensor.shape)
        assert torch.equal(views[name], tensor)
        at += tensor.numel()
    torch.save(views, path)


def write_small():
    base = torch.arange(8, dtype=torch.float32)
    state = collections.OrderedDict(a=base[2:].view(3, 2).T, b=torch.tensor([5]), c=base[:2])
    torch.save(state, OTHER / "small.pth")
    torch.save(state, OTHER / "small_stream.pth", _use_new_zipfile_serialization=False)
    write_tar(collections.OrderedDict((key, value.contiguous()) for key, value in state.items()), OTHER / "small_tar.pth")
    module = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 1), torch.nn.BatchNorm2d(2)).eval()
    module[0].weight = torch.nn.Parameter(torch.arange(10.0)[3:7:2].view(2, 1, 1, 1))
    module[0].bias = torch.nn.Parameter(torch.tensor([-1.0, 0.5]))
    torch.export.save(torch.export.export(module, (torch.zeros(1, 1, 2, 2),)), OTHER / "small.pt2")


def write(name):
    folder, module = network.FOLDER / name, Network(network.torch_module(name)).eval()
    folder.mkdir(parents=True, exist_ok=True)
    OTHER.mkdir(parents=True, exist_ok=True)
    state = collections.OrderedDict((key, value.clone()) for key, value in module.state_dict().items())
    old = {"_use_new_zipfile_serialization": False}
    torch.save(state, folder / "state.pth")
    torch.save(state, folder / "stream.pth", **old)
    write_tar(state, folder / "tar.pth")
    torch.save(module, folder / "module.pth")
    save_views(state, folder / "views.pth")
    if name != "vgg16":
        return
    torch.save(module, folder / "module_stream.pth", **old)
    torch.save(state, folder / "protocol5.pth", pickle_protocol=5)
    torch.save(torch.nn.DataParallel(module).state_dict(), folder / "parallel.pth")
    torch.save({key: value.double() for key, value in state.items()}, folder / "double.pth", **old)
    example = torch.from_numpy(network.example())
    torch.jit.script(module).save(folder / "script.pt")
    for kind in ("half", "bfloat16"):
        torch.save({key: getattr(value, kind)() for key, value in state.items()}, OTHER / f"{kind}.pth")
    copy = Network(network.torch_module(name))
    optimizer = torch.optim.SGD(copy.classifier[-1:].parameters(), lr=0.0, momentum=0.9)
    copy(example).sum().backward()
    optimizer.step()
    torch.save({"epoch": 3, "best_acc1": torch.tensor(71.5), "optimizer": optimizer.state_dict(), "model_state_dict": copy.state_dict()}, folder / "checkpoint.pth")


if __name__ == "__main__":
    print(torch.__version__)
    for name in network.BLOCKS:
        write(name)
    write_small()
