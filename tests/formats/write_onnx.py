"""Writes ONNX files of the networks, by the programs that users have them from; each argument names a writer.

torch   torch 2.15 with onnxscript 0.7: dynamo (the default exporter: external data beside inline ones), script (dynamo=False),
        unfused (dynamo=False with training kept: batch norm is its own node; else both exporters fold it)
zfnet   the same exporters for zfnet, whose LRN both take apart: dynamo, script, each for images of one size and of any (open),
        and script9, script with nothing folded (unfolded) and script's simplified by onnxsim 0.8.1
keras   keras 3.15 with KERAS_BACKEND=torch: model.export(format="onnx")
tf      tensorflow 2.21 with tf2onnx 1.17, in an environment of its own: NHWC, weights as they are in Keras
zoo     onnx 1.23's helper: as the model zoo's VGG16 (operator set 8, weights among the inputs, Dropout, Reshape by a constant)

Needs network.py's packages beside those of the writer."""
import os, pathlib, sys, tempfile
import numpy as np
import network


def place(name, file):
    return str(network.FOLDER / name / file)


def without_traces(path):
    """Takes away what holds paths of the exporter's own files and makes a small file large."""
    import onnx
    model = onnx.load(path, load_external_data=False)
    for part in (model, model.graph, *model.graph.node, *model.graph.input, *model.graph.output, *model.graph.value_info, *model.graph.initializer):
        del part.metadata_props[:]
        part.doc_string = ""
    pathlib.Path(path).write_bytes(model.SerializeToString())


def torch_files():
    import torch
    image = torch.from_numpy(network.example())[:1]
    for name in network.BLOCKS:
        module = network.torch_module(name)
        torch.onnx.export(module, (image,), place(name, "torch_dynamo.onnx"))
        without_traces(place(name, "torch_dynamo.onnx"))
        options = dict(dynamo=False, input_names=["images"], dynamic_axes={"images": {0: "n", 2: "h", 3: "w"}} if name == "vgg16" else None)
        torch.onnx.export(module, (image,), place(name, "torch_script.onnx"), **options)
        if name.endswith("_bn"):
            torch.onnx.export(module, (image,), place(name, "torch_unfused.onnx"), dynamo=False, do_constant_folding=False,
                              training=torch.onnx.TrainingMode.PRESERVE)


def zfnet_files():
    import onnx, onnxsim, torch
    module, image = network.zfnet_module(), torch.from_numpy(network.example(32))
    at_least = lambda name: torch.export.Dim(name, min=32, max=1024)
    any_size = ({0: torch.export.Dim("n"), 2: at_least("h"), 3: at_least("w")},)
    script = dict(dynamo=False, input_names=["images"])
    for name, options in (("torch_dynamo", dict(external_data=False)), ("torch_dynamo_open", dict(external_data=False, dynamic_shapes=any_size)),
                          ("torch_script", script), ("torch_script_open", dict(**script, dynamic_axes={"images": {0: "n", 2: "h", 3: "w"}})),
                          ("torch_script9", dict(**script, opset_version=9)), ("torch_unfolded", dict(**script, do_constant_folding=False))):
        torch.onnx.export(module, (image,), place("zfnet", f"{name}.onnx"), **options)
        without_traces(place("zfnet", f"{name}.onnx"))
    simplified, _ = onnxsim.simplify(onnx.load(place("zfnet", "torch_script.onnx")))
    onnx.save(simplified, place("zfnet", "onnxsim.onnx"))


def keras_model(name):
    """The network in Keras: kernels HWIO, dense ones (in, out) with HWC flattening."""
    import keras
    from keras import layers
    tensors = network.weights(name)
    x = image = keras.Input((network.SIDE, network.SIDE, 3))
    for block, count in enumerate(network.BLOCKS[name], 1):
        for i in range(1, count + 1):
            x = layers.Conv2D(network.WIDTHS[block - 1], 3, padding="same", name=f"block{block}_conv{i}",
                              activation=None if name.endswith("_bn") else "relu")(x)
            if name.endswith("_bn"):
                x = layers.Activation("relu")(layers.BatchNormalization(epsilon=network.EPSILON, name=f"block{block}_norm{i}")(x))
        x = layers.MaxPooling2D(2, 2)(x)
    x = layers.Flatten()(x)
    x = layers.Dense(network.HEAD[0], "relu", name="fc6")(x)
    x = layers.Dense(network.HEAD[1], "relu", name="fc7")(x)
    model = keras.Model(image, layers.Dense(network.HEAD[2], name="fc8")(x))
    for layer in model.layers:
        if layer.name.startswith("block"):
            block, kind, i = layer.name[5], layer.name[7:11], layer.name[11:]
            base = f"{'conv' if kind == 'conv' else 'bn'}{block}_{i}"
            parts = ("weight", "bias") if kind == "conv" else ("weight", "bias", "running_mean", "running_var")
            values = [tensors[f"{base}.{part}"] for part in parts]
            layer.set_weights([values[0].transpose(2, 3, 1, 0), values[1]] if kind == "conv" else values)
        elif layer.name.startswith("fc"):
            kernel = tensors[f"{layer.name}.weight"]
            if layer.name == "fc6":
                side = network.SIDE // 32
                kernel = kernel.reshape(-1, network.WIDTHS[-1], side, side).transpose(0, 2, 3, 1).reshape(kernel.shape)
            layer.set_weights([kernel.T, tensors[f"{layer.name}.bias"]])
    return model


def keras_files():
    os.environ["KERAS_BACKEND"] = "torch"
    for name in network.BLOCKS:
        model = keras_model(name)
        model(network.example().transpose(0, 2, 3, 1)) # it wants to have been called
        model.export(place(name, "keras.onnx"), format="onnx", verbose=False)
        without_traces(place(name, "keras.onnx"))


def tf_files():
    os.environ["KERAS_BACKEND"] = "tensorflow"
    import subprocess
    for name in network.BLOCKS:
        with tempfile.TemporaryDirectory() as folder:
            keras_model(name).export(folder, verbose=False)
            subprocess.run([sys.executable, "-m", "tf2onnx.convert", "--saved-model", folder, "--opset", "13", "--output", place(name, "tf2onnx.onnx")], check=True)


def zoo_files():
    import onnx
    from onnx import helper, numpy_helper
    for name in network.BLOCKS:
        tensors, nodes, last = network.weights(name), [], "data"
        def add(operator, *more, **attributes):
            nonlocal last
            nodes.append(helper.make_node(operator, [last, *more], [f"net_{len(nodes)}"], **attributes))
            last = nodes[-1].output[0]
        for block, count in enumerate(network.BLOCKS[name], 1):
            for i in range(1, count + 1):
                add("Conv", f"conv{block}_{i}.weight", f"conv{block}_{i}.bias", kernel_shape=[3, 3], pads=[1, 1, 1, 1])
                if name.endswith("_bn"):
                    add("BatchNormalization", *(f"bn{block}_{i}.{part}" for part in ("weight", "bias", "running_mean", "running_var")),
                        epsilon=network.EPSILON, spatial=1, momentum=0.9)
                add("Relu")
            add("MaxPool", kernel_shape=[2, 2], strides=[2, 2])
        tensors["shape"] = np.array([-1, network.WIDTHS[-1] * (network.SIDE // 32) ** 2])
        add("Reshape", "shape")
        for number in (6, 7, 8):
            add("Gemm", f"fc{number}.weight", f"fc{number}.bias", transB=1)
            if number < 8:
                add("Relu")
                add("Dropout", ratio=0.5)
        add("Softmax")
        initializers = [numpy_helper.from_array(value, key) for key, value in tensors.items()]
        inputs = [helper.make_tensor_value_info("data", 1, ["N", 3, network.SIDE, network.SIDE])]
        inputs += [helper.make_tensor_value_info(i.name, i.data_type, i.dims) for i in initializers]
        graph = helper.make_graph(nodes, name, inputs, [helper.make_tensor_value_info(last, 1, ["N", 5])], initializers)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 8)], ir_version=3, producer_name="zoo")
        onnx.checker.check_model(model)
        onnx.save(model, place(name, "zoo.onnx"))


if __name__ == "__main__":
    for writer in sys.argv[1:]:
        {"torch": torch_files, "zfnet": zfnet_files, "keras": keras_files, "tf": tf_files, "zoo": zoo_files}[writer]()
