"""Writes the networks as NumPy's archives and as folders of arrays: network.npz (numpy.savez, torchvision's names), compressed.npz
(numpy.savez_compressed, canonical names, Fortran order), arrays/ (vgg16 alone: conv1_1_w.npy ..., of which some are float64, some transposed), and
tensorflow.npz (vgg16 alone: conv1_1_W, HWIO and (in, out), as TensorFlow's ports of VGG16 are stored). tests/data/weights gets small.npz, two arrays to cut and
change, and bomb.npz, a thousand times smaller than what is in it. Written with NumPy 2.4.6."""
import numpy as np
import network


def torchvision_names(name):
    return {key: value.numpy() for key, value in network.torch_module(name).state_dict().items()}


def write_folder(folder, tensors):
    folder.mkdir(exist_ok=True)
    for index, (key, tensor) in enumerate(tensors.items()):
        layer, parameter = key.split(".")
        if index % 3 == 1:
            tensor = tensor.astype(np.float64)
        if index % 4 == 0:
            tensor = np.asfortranarray(tensor)
        np.save(folder / f"{layer}_{parameter[0]}.npy", tensor)


def tensorflow(tensors):
    channels, stored = network.WIDTHS[-1], {}
    for key, tensor in tensors.items():
        layer, parameter = key.split(".")
        if tensor.ndim == 4:
            tensor = tensor.transpose(2, 3, 1, 0)
        if layer == "fc6" and tensor.ndim == 2:
            side = network.SIDE // 32
            tensor = tensor.reshape(-1, channels, side, side).transpose(0, 2, 3, 1).reshape(len(tensor), -1)
        if tensor.ndim == 2:
            tensor = tensor.T
        stored[f"{layer}_{'W' if parameter == 'weight' else 'b'}"] = np.ascontiguousarray(tensor)
    return stored


for name in network.BLOCKS:
    folder, tensors = network.FOLDER / name, network.weights(name)
    np.savez(folder / "network.npz", **torchvision_names(name))
    np.savez_compressed(folder / "compressed.npz", **{key: np.asfortranarray(tensor) for key, tensor in tensors.items()})
np.savez(network.FOLDER / "vgg16" / "tensorflow.npz", **tensorflow(network.weights("vgg16")))
write_folder(network.FOLDER / "vgg16" / "arrays", network.weights("vgg16"))
small = network.FOLDER.parent / "weights" / "small.npz"
small.parent.mkdir(exist_ok=True)
np.savez_compressed(small, conv1_1_w=np.asfortranarray(np.arange(6, dtype=np.float16).reshape(2, 3)), conv1_1_b=np.arange(2.0))
np.savez_compressed(small.parent / "bomb.npz", conv1_1_w=np.zeros(10 << 20, np.float32))  # 40 MB in 40 kB
