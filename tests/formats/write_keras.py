"""Writes the networks of network.py as Keras's files, by Keras itself: Keras 3.15.1 on torch 2.15, h5py 3.

keras.keras            a Functional model with the names of keras.applications
keras_sequential.keras Sequential without names of ours, channels_first
keras.weights.h5       weights alone, groups named after classes
keras_nested.h5        a whole model in the old format: a base without head inside of another model, the base frozen
keras_old.h5           weights alone in the old format
keras_double.keras     in float64
keras_parts.weights.json, keras_parts_0000N.weights.h5   weights in parts
keras_deflated.keras   keras.keras unpacked and packed again, as zip does it
keras_folder           the same model, saved with zipped=False

tests/data/keras_refused holds what must be refused.

vgg11_bn has .keras and the whole .h5: where batch norm stands can't be told from weights alone, nor its epsilon.
"""
import os
os.environ["KERAS_BACKEND"] = "torch"
import json, logging, pathlib, shutil, sys, zipfile
import h5py, keras, numpy as np
from keras import layers
from keras.src.legacy.saving import legacy_h5_format
from keras.src.saving import saving_lib
from network import BLOCKS, EPSILON, FOLDER, HEAD, SIDE, WIDTHS, example, weights


def feature_layers(name, named=True, norm_inline=False):
    tensors, made = weights(name), []
    for block, count in enumerate(BLOCKS[name], 1):
        for i in range(1, count + 1):
            label = dict(name=f"block{block}_conv{i}") if named else {}
            norm = name.endswith("_bn")
            made.append((layers.Conv2D(WIDTHS[block - 1], 3, padding="same", activation=None if norm else "relu", **label), f"conv{block}_{i}"))
            if norm:
                made.append((layers.BatchNormalization(axis=1 if keras.config.image_data_format() == "channels_first" else -1, epsilon=EPSILON), f"bn{block}_{i}"))
                made.append((layers.ReLU() if i == 1 else layers.Activation("relu"), None))
        made.append((layers.MaxPooling2D(2, 2, **(dict(name=f"block{block}_pool") if named else {})), None))
    return made


def head_layers(named=True):
    label = lambda text: dict(name=text) if named else {}
    return [(layers.Flatten(**label("flatten")), None), (layers.Dense(HEAD[0], activation="relu", **label("fc1")), "fc6"), (layers.Dropout(0.5), None),
            (layers.Dense(HEAD[1], activation="relu", **label("fc2")), "fc7"), (layers.Dense(HEAD[2], activation="softmax", **label("predictions")), "fc8")]


def fill(name, made):
    """Values into layers that are built: HWIO, (in, out), and features of the first dense layer in the order h, w, c."""
    tensors = weights(name)
    for layer, ours in made:
        if ours is None:
            continue
        value = lambda part: tensors[f"{ours}.{part}"]
        if ours.startswith("bn"):
            layer.set_weights([value("weight"), value("bias"), value("running_mean"), value("running_var")])
        elif ours.startswith("conv"):
            layer.set_weights([value("weight").transpose(2, 3, 1, 0), value("bias")])
        else:
            dense = value("weight")
            if ours == "fc6":
                side = SIDE // 32
                dense = dense.reshape(HEAD[0], WIDTHS[-1], side, side).transpose(0, 2, 3, 1).reshape(HEAD[0], -1)
            layer.set_weights([dense.T, value("bias")])


def input_shape():
    return (3, SIDE, SIDE) if keras.config.image_data_format() == "channels_first" else (SIDE, SIDE, 3)


def functional(name, named=True):
    made = feature_layers(name, named) + head_layers(named)
    x = inputs = keras.Input(input_shape())
    for layer, _ in made:
        x = layer(x)
    model = keras.Model(inputs, x)
    fill(name, made)
    return model


def sequential(name):
    made = feature_layers(name, False) + head_layers(False)
    model = keras.Sequential([keras.Input(input_shape())] + [layer for layer, _ in made])
    fill(name, made)
    return model


def nested(name):
    base, head = feature_layers(name), head_layers()
    x = inputs = keras.Input(input_shape())
    for layer, _ in base:
        x = layer(x)
    frozen = keras.Model(inputs, x, name="base")
    frozen.trainable = False
    classifier = keras.Sequential([layer for layer, _ in head], name="classifier")
    model = keras.Sequential([keras.Input(input_shape()), frozen, classifier])
    fill(name, base + head)
    return model


def check(name, model, tolerance=2e-6):
    images = example()
    if keras.config.image_data_format() == "channels_last":
        images = images.transpose(0, 2, 3, 1)
    got = np.asarray(keras.ops.convert_to_numpy(model(images, training=False)))
    logits = np.load(FOLDER / name / "logits.npy").astype(np.float64)
    wanted = np.exp(logits - logits.max(1, keepdims=True))
    wanted /= wanted.sum(1, keepdims=True)
    assert np.abs(got - wanted).max() < tolerance, np.abs(got - wanted).max()


def deflate(source, target):
    with zipfile.ZipFile(source) as stored, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
        for member in stored.namelist():
            packed.writestr(member, stored.read(member))


def write_repacked(model, folder):
    deflate(folder / "keras.keras", folder / "keras_deflated.keras")
    shutil.rmtree(folder / "keras_folder", ignore_errors=True)
    model.save(folder / "keras_folder", zipped=False)


def write(name):
    folder, plain = FOLDER / name, not name.endswith("_bn")
    model = functional(name)
    check(name, model)
    model.save(folder / "keras.keras")
    if plain:
        write_repacked(model, folder)
    model = nested(name)
    check(name, model)
    model.save(folder / "keras_nested.h5")
    keras.config.set_image_data_format("channels_first")
    model = sequential(name)
    check(name, model)
    model.save(folder / "keras_sequential.keras")
    keras.config.set_image_data_format("channels_last")
    if not plain:
        return
    model = sequential(name)
    model.save_weights(folder / "keras.weights.h5")
    model.save_weights(folder / "keras_parts.weights.json", max_shard_size=8e3 / 1024**3)
    with h5py.File(folder / "keras_old.h5", "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, functional(name))
    keras.config.set_floatx("float64")
    functional(name).save(folder / "keras_double.keras")
    keras.config.set_floatx("float32")


def write_refused_storage(folder):
    """Variables that are stored as nobody reads them, or as a trap."""
    model = keras.Sequential([keras.Input((8, 8, 3)), layers.Flatten(), layers.Dense(4, name="dense")])
    saving_lib.save_model(model, folder / "pickled.keras", weights_format="npz")
    with zipfile.ZipFile(folder / "bomb.keras", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", json.dumps(saving_lib.serialize_keras_object(model)))
        archive.writestr("model.weights.h5", bytes(34 << 20))
    for name, how in (("chunked", dict(chunks=(3, 3))), ("packed", dict(compression="gzip"))):
        model.save(folder / f"{name}.h5")
        with h5py.File(folder / f"{name}.h5", "a") as file:
            path = f"model_weights/dense/{model.name}/dense/kernel"
            values = file[path][()]
            del file[path]
            file.create_dataset(path, data=values, **how)


def write_refused(folder):
    """What isn't followed or read, each in a file of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    with h5py.File(folder / "soft_link.h5", "w") as file:
        file["a"] = np.zeros(3)
        file["b"] = h5py.SoftLink("/a")
    with h5py.File(folder / "external_link.h5", "w") as file:
        file["b"] = h5py.ExternalLink("other.h5", "/a")
    with h5py.File(folder / "loop.h5", "w") as file:
        inner = file.create_group("a/b")
        inner["c"] = file["a"]
    with h5py.File(folder / "latest.h5", "w", libver="latest") as file:
        file["a/vars/0"] = np.zeros(4)
    with h5py.File(folder / "external_values.h5", "w") as file:
        file.create_dataset("a", (4,), "f", external=[("other.bin", 0, 16)])
    write_refused_storage(folder)
    model = keras.Sequential([keras.Input((8, 8, 3)), layers.Flatten(), layers.Dense(16)])
    model.quantize("int8")
    model.save(folder / "int8.keras")
    keras.Sequential([keras.Input((8, 8, 3)), layers.SeparableConv2D(4, 3)]).save(folder / "separable.keras")
    image, relu = keras.Input((4, 4, 1)), layers.ReLU(name="relu")
    keras.Model(image, layers.Add(name="add")([image, relu(image)])).save(folder / "sum.keras")
    keras.Model(image, relu(layers.Conv2D(1, 1)(relu(image)))).save(folder / "twice.keras")


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    write_refused(FOLDER.parent / "keras_refused")
    for network in BLOCKS:
        write(network)
