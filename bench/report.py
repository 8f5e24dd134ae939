#!/usr/bin/env python3
"""Writes DIR/README.md from the JSON files that the scripts here stored in DIR; measures nothing.

  bench/report.py DIR
"""
import argparse
from pathlib import Path

import accuracy
import common
import finetune
import gemm
import peers
import scaling
import startup
import training

SECTIONS = (("startup.json", "Start-up and memory", startup),
            ("accuracy.json", "Accuracy", accuracy),
            ("gemm.json", "Matrix products", gemm),
            ("scaling.json", "Time against work", scaling),
            ("training.json", "Training steps beside PyTorch", training),
            ("finetune.json", "Fine-tuning", finetune))


def section(path, title, script):
    stored = common.load(path)
    return "\n".join([f"## {title}", "", *common.machine_lines(stored["machine"]), f"`bench/{script.__name__}.py`, "
                      f"[{path.name}]({path.name}).", "", script.page(stored), ""])


def beside(folder):
    """Of the results of bench/peers.py."""
    return "\n".join(["## VGG16 beside other runtimes", "", peers.page(folder), "", f"`bench/peers.py`, [{folder.name}]({folder.name}).", ""])


def others(folder):
    """Pages that something else keeps here, by their first heading."""
    links = []
    for path in sorted(folder.glob("*.md")):
        heading = next((line.lstrip("# ") for line in path.read_text().splitlines() if line.startswith("#")), path.name)
        if path.name != "README.md":
            links.append(f"- [{heading}]({path.name})")
    return "\n".join(["## Further pages", "", *links, ""]) if links else ""


def page(folder):
    parts = ["# Stored results", "", "Written by `bench/report.py` from the JSON files beside it, which `bench/all.sh` makes.", ""]
    parts += [beside(folder / "vgg16")] if (folder / "vgg16").is_dir() else []
    parts += [section(folder / name, title, script) for name, title, script in SECTIONS if (folder / name).exists()]
    return "\n".join(parts + [others(folder)]).rstrip() + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    args = parser.parse_args()
    if not args.folder.is_dir():
        parser.error(f"{args.folder} is no folder")
    (args.folder / "README.md").write_text(page(args.folder))


if __name__ == "__main__":
    main()
