#!/usr/bin/env bash
# torch.export.save() of PyTorch 2.15.0 stores the values of the example inputs in the .pt2 beside the weights, as
# data/sample_inputs/model.pt, whole and without being asked: whoever exports a network with a photograph as its example hands
# the photograph on with the model. (With ExportedProgram.example_inputs set to None the member is there, empty.)
# Seen: "sample_inputs holds [0.125, 0.25]", the example's values; "without example_inputs: 0 values". Exits 1 when that has changed.
# Needs Python 3.11 with venv, 8 GB of disk; downloads into a folder of its own.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q torch==2.15.0 numpy==2.4.6
venv/bin/python - 2> log << 'PYTHON' || { cat log; exit 1; }
import io, zipfile, torch
photograph = torch.full((1, 3, 8, 8), 0.25)
photograph[0, 0] = 0.125
program = torch.export.export(torch.nn.Conv2d(3, 2, 3), (photograph,))

def stored():
    """Values of the example that a saved program holds."""
    torch.export.save(program, "net.pt2")
    archive = zipfile.ZipFile("net.pt2")
    data = archive.read(next(name for name in archive.namelist() if name.endswith("data/sample_inputs/model.pt")))
    inputs = torch.load(io.BytesIO(data), weights_only=True) if data else None
    return sorted(set(inputs[0][0].ravel().tolist())) if inputs else []

first = stored()
print("sample_inputs holds", first)
program.example_inputs = None
second = stored()
print("without example_inputs:", len(second), "values")
raise SystemExit(first != [0.125, 0.25] or second != [])
PYTHON
