#!/usr/bin/env bash
# Keras 3.15.1 can write a .keras whose weights are model.weights.npz (weights_format="npz" of keras.src.saving.saving_lib), and can't
# read it: the archive holds no arrays but pickles of Keras's variables, with the backend's tensors pickled inside, and is
# loaded without pickles. (3.3.3 and 3.8.0 allow pickles and fail a step later: "iteration over a 0-d array".)
# Seen: "dense.npy is of type object", "Object arrays cannot be loaded when allow_pickle=False". Exits 1 when that has changed.
# Needs Python 3.11 with venv, 8 GB of disk; downloads into a folder of its own.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q keras==3.15.1 torch==2.15.0 numpy==2.4.6
KERAS_BACKEND=torch venv/bin/python - 2> log << 'PYTHON' || { cat log; exit 1; }
import io, zipfile, keras, numpy
from keras.src.saving import saving_lib
model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="dense")])
saving_lib.save_model(model, "net.keras", weights_format="npz")
archive = numpy.load(io.BytesIO(zipfile.ZipFile("net.keras").read("model.weights.npz")), allow_pickle=True)
dtype = archive["layers/dense"].dtype
print("dense.npy is of type", dtype)
try:
    saving_lib.load_model("net.keras")
    print("it is read")
    raise SystemExit(1)
except ValueError as error:
    print(error)
    raise SystemExit(dtype != object)
PYTHON
