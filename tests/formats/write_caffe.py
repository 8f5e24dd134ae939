"""Writes the networks as .caffemodel files of both generations, by hand from the public schema (BVLC/caffe, src/caffe/proto/caffe.proto), of which
the needed part is below; encoded by protobuf 7.36. There is no Caffe to run them: the layout is that of the files that Caffe wrote.

vgg16     v1.caffemodel (layers with numbered types; num, channels, height, width, dense weights 1 x 1 x out x in; layers of data, Split and loss as in
          a network that was trained), v2.caffemodel (layer, shape), double.caffemodel (double_data), names.caffemodel (weights alone),
          snapshot.caffemodel.h5 (snapshot_format: HDF5, with snapshot_diff; by Net::ToHDF5() of src/caffe/net.cpp)
vgg11_bn  v2.caffemodel (BatchNorm with a factor of 999.98, and Scale)"""
import h5py, numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
import network

REPEATED, PACKED = "*", "+"
SCHEMA = {  # message: field: (number, type), with * for repeated and + for packed
    "BlobShape": {"dim": (1, "+int64")},
    "BlobProto": {"num": (1, "int32"), "channels": (2, "int32"), "height": (3, "int32"), "width": (4, "int32"), "data": (5, "+float"),
                  "diff": (6, "+float"), "shape": (7, "BlobShape"), "double_data": (8, "+double")},
    "TransformationParameter": {"mirror": (2, "bool"), "crop_size": (3, "uint32"), "mean_file": (4, "string"), "mean_value": (5, "*float")},
    "ConvolutionParameter": {"num_output": (1, "uint32"), "bias_term": (2, "bool"), "pad": (3, "*uint32"), "kernel_size": (4, "*uint32"),
                             "group": (5, "uint32"), "stride": (6, "*uint32")},
    "PoolingParameter": {"pool": (1, "int32"), "kernel_size": (2, "uint32"), "stride": (3, "uint32"), "pad": (4, "uint32")},
    "InnerProductParameter": {"num_output": (1, "uint32"), "bias_term": (2, "bool")},
    "DropoutParameter": {"dropout_ratio": (1, "float")},
    "BatchNormParameter": {"use_global_stats": (1, "bool"), "eps": (3, "float")},
    "ScaleParameter": {"bias_term": (4, "bool")},
    "InputParameter": {"shape": (1, "*BlobShape")},
    "NetStateRule": {"phase": (1, "int32")},
    "LayerParameter": {"name": (1, "string"), "type": (2, "string"), "bottom": (3, "*string"), "top": (4, "*string"), "blobs": (7, "*BlobProto"),
                       "include": (8, "*NetStateRule"), "transform_param": (100, "TransformationParameter"),
                       "convolution_param": (106, "ConvolutionParameter"), "dropout_param": (108, "DropoutParameter"),
                       "inner_product_param": (117, "InnerProductParameter"), "pooling_param": (121, "PoolingParameter"),
                       "batch_norm_param": (139, "BatchNormParameter"), "scale_param": (142, "ScaleParameter"), "input_param": (143, "InputParameter")},
    "V1LayerParameter": {"bottom": (2, "*string"), "top": (3, "*string"), "name": (4, "string"), "type": (5, "int32"), "blobs": (6, "*BlobProto"),
                         "blobs_lr": (7, "*float"), "convolution_param": (10, "ConvolutionParameter"), "dropout_param": (12, "DropoutParameter"),
                         "inner_product_param": (17, "InnerProductParameter"), "pooling_param": (19, "PoolingParameter"),
                         "include": (32, "*NetStateRule"), "transform_param": (36, "TransformationParameter")},
    "NetParameter": {"name": (1, "string"), "layers": (2, "*V1LayerParameter"), "input": (3, "*string"), "input_dim": (4, "*int32"),
                     "layer": (100, "*LayerParameter")},
}
V1_TYPES = {"Convolution": 4, "Data": 5, "Dropout": 6, "InnerProduct": 14, "Pooling": 17, "ReLU": 18, "Softmax": 20, "SoftmaxWithLoss": 21, "Split": 22}


def compile_schema():
    field = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="caffe.proto", package="caffe", syntax="proto2")
    for name, fields in SCHEMA.items():
        message = file.message_type.add(name=name)
        for key, (number, kind) in fields.items():
            base = kind.lstrip("*+")
            made = message.field.add(name=key, number=number, label=field.LABEL_REPEATED if kind != base else field.LABEL_OPTIONAL)
            if base in SCHEMA:
                made.type, made.type_name = field.TYPE_MESSAGE, f".caffe.{base}"
            else:
                made.type = getattr(field, f"TYPE_{base.upper()}")
            if kind[0] == PACKED:
                made.options.packed = True
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("caffe.NetParameter"))


Net = compile_schema()


def set_blob(blob, values, legacy, dense=False, double=False):
    if legacy:
        dims = (1,) * (4 - values.ndim) + values.shape
        blob.num, blob.channels, blob.height, blob.width = dims
        blob.shape.dim.extend([7])  # Caffe has no eye for it when the four are there
    else:
        blob.shape.dim.extend(values.shape)
    if double:
        blob.double_data.extend(values.astype(np.float64).ravel().tolist())
    else:
        for start in range(0, values.size, 1 << 20):  # a list takes eight times the values' memory
            blob.data.extend(values.ravel()[start : start + (1 << 20)].tolist())
        blob.diff.extend([0.0] * min(values.size, 9))  # a snapshot has gradients, as many as values


class Writer:
    """Layers one behind another."""

    def __init__(self, version, double=False):
        self.net, self.version, self.double = Net(name="VGG_ILSVRC_16_layers"), version, double
        self.top = "data"

    def add(self, name, kind, blobs=(), in_place=False, top=None, **parameters):
        layer = self.net.layers.add() if self.version == 1 else self.net.layer.add()
        layer.name, layer.type = name, V1_TYPES[kind] if self.version == 1 else kind
        layer.bottom.append(self.top)
        self.top = self.top if in_place else name
        layer.top.append(self.top)
        for values in blobs:
            set_blob(layer.blobs.add(), np.asarray(values), self.version == 1, double=self.double)
        for key, values in parameters.items():
            message = getattr(layer, key)
            message.SetInParent()
            for field, value in values.items():
                if isinstance(value, list):
                    getattr(message, field).extend(value)
                else:
                    setattr(message, field, value)
        return layer

    def data(self, side):
        if self.version == 1:
            layer = self.net.layers.add(name="data", type=V1_TYPES["Data"], top=["data", "label"])
            layer.transform_param.crop_size = side
            layer.transform_param.mean_value.extend([103.939, 116.779, 123.68])
            layer.include.add(phase=0)
        else:
            layer = self.net.layer.add(name="input", type="Input", top=["data"])
            layer.input_param.shape.add().dim.extend([1, 3, side, side])

    def end(self):
        if self.version != 1:
            self.add("prob", "Softmax")
            return
        self.net.layers.add(name="fc8_fc8_0_split", type=V1_TYPES["Split"], bottom=["fc8"], top=["fc8_fc8_0_split_0", "fc8_fc8_0_split_1"])
        self.net.layers.add(name="loss", type=V1_TYPES["SoftmaxWithLoss"], bottom=["fc8_fc8_0_split_0", "label"], top=["loss"])


def build(tensors, blocks, side, version, double=False):
    """tensors: canonical names."""
    writer = Writer(version, double)
    writer.data(side)
    for block, count in enumerate(blocks, 1):
        for i in range(1, count + 1):
            name = f"{block}_{i}"
            weight = tensors[f"conv{name}.weight"]
            writer.add(f"conv{name}", "Convolution", [weight, tensors[f"conv{name}.bias"]],
                       convolution_param={"num_output": len(weight), "pad": [1], "kernel_size": [3]})
            if f"bn{name}.weight" in tensors:
                factor = np.float32(999.98236)  # of a moving average
                mean, var = tensors[f"bn{name}.running_mean"], tensors[f"bn{name}.running_var"]
                writer.add(f"bn{name}", "BatchNorm", [mean * factor, var * factor, np.array([factor], np.float32)], in_place=True,
                           batch_norm_param={"use_global_stats": True, "eps": network.EPSILON})
                writer.add(f"scale{name}", "Scale", [tensors[f"bn{name}.weight"], tensors[f"bn{name}.bias"]], in_place=True,
                           scale_param={"bias_term": True})
            writer.add(f"relu{name}", "ReLU", in_place=True)
        writer.add(f"pool{block}", "Pooling", pooling_param={"pool": 0, "kernel_size": 2, "stride": 2})
    for number in (6, 7, 8):
        weight = tensors[f"fc{number}.weight"]
        writer.add(f"fc{number}", "InnerProduct", [weight, tensors[f"fc{number}.bias"]], inner_product_param={"num_output": len(weight)})
        if number < 8:
            writer.add(f"relu{number}", "ReLU", in_place=True)
            writer.add(f"drop{number}", "Dropout", in_place=True, dropout_param={"dropout_ratio": 0.5})
    writer.end()
    return writer.net


def strip(net):
    """Weights and names alone."""
    small = Net(name=net.name)
    for layer in net.layer:
        if layer.blobs:
            kept = small.layer.add(name=layer.name)
            kept.blobs.extend(layer.blobs)
    return small


def write_hdf5(net, path):
    """A group for each layer; blobs with all their dimensions."""
    with h5py.File(path, "w") as file:
        for layer in net.layer:
            for part in ("data", "diff"):
                group = file.require_group(part).create_group(layer.name)
                for i, blob in enumerate(layer.blobs):
                    values = np.array(blob.data, np.float32).reshape(list(blob.shape.dim))
                    group[str(i)] = values if part == "data" else np.zeros_like(values)


def write_full(state, path, version):
    """VGG16 of full size from torchvision's state dictionary."""
    tensors, names, ordinal = {}, [f"conv{b}_{i}" for b, n in enumerate(network.BLOCKS["vgg16"], 1) for i in range(1, n + 1)] + ["fc6", "fc7", "fc8"], 0
    for key in state:
        if key.endswith(".weight"):
            tensors[f"{names[ordinal]}.weight"] = state[key].numpy()
            tensors[f"{names[ordinal]}.bias"] = state[key[:-6] + "bias"].numpy()
            ordinal += 1
    path.write_bytes(build(tensors, network.BLOCKS["vgg16"], 224, version).SerializeToString())


def main():
    for name in network.BLOCKS:
        folder, tensors, blocks = network.FOLDER / name, network.weights(name), network.BLOCKS[name]
        net = build(tensors, blocks, network.SIDE, 2)
        (folder / "v2.caffemodel").write_bytes(net.SerializeToString())
        if name == "vgg16":
            (folder / "v1.caffemodel").write_bytes(build(tensors, blocks, network.SIDE, 1).SerializeToString())
            (folder / "double.caffemodel").write_bytes(build(tensors, blocks, network.SIDE, 2, double=True).SerializeToString())
            (folder / "names.caffemodel").write_bytes(strip(net).SerializeToString())
            write_hdf5(net, folder / "snapshot.caffemodel.h5")
        else:
            del net.layer[4:]
            write_hdf5(net, network.FOLDER.parent / "keras_refused" / "norm.caffemodel.h5")


if __name__ == "__main__":
    main()
