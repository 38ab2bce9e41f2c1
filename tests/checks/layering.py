#!/usr/bin/env python3
"""Nothing includes upward: kernels <- model <- server <- cli, and inside model folder <- tokenizer
and folder <- engine. Generated proto headers are for server and cli, abseil never meets nvcc."""

import pathlib
import sys

import tree

# What each folder may include from this tree. A folder that is not a key may not exist: a helper
# lives in the lowest layer that needs it, so there is no util/ and no common/.
ALLOWED = {
    "kernels": {"kernels", "kernels/device"},
    "kernels/device": {"kernels/device"},
    "model/folder": {"model/folder"},
    "model/tokenizer": {"model/tokenizer", "model/folder"},
    "model/engine": {"model/engine", "model/folder", "kernels"},
    "model": {"model", "model/folder", "model/tokenizer", "model/engine", "kernels"},
    "server": {"server", "model", "model/folder", "model/tokenizer", "model/engine"},
    "cli": {"cli", "server", "model", "model/folder", "model/tokenizer", "model/engine"},
}
PROTO_READERS = {"server", "cli"}
PROTO_PREFIXES = ("embedserve/v1/", "google/rpc/")


def folder_of(path):
    return path.rpartition("/")[0]


def check_file(root, path, text):
    folder = folder_of(path)
    on_device = path.endswith((".cu", ".cuh"))
    problems = []
    for delimiter, target in tree.includes(text):
        if on_device and target.startswith("absl/"):
            problems.append(f"{path} includes {target}: abseil in a device file costs seconds a file")
        if target.startswith(PROTO_PREFIXES):
            if folder not in PROTO_READERS:
                problems.append(f"{path} includes {target}: proto is seen by server and cli only")
        elif target.endswith(".cuh") and not on_device:
            problems.append(f"{path} includes {target}: only device files include .cuh")
        elif delimiter == '"' and target.split("/")[0] in tree.CODE_FOLDERS:
            if folder_of(target) not in ALLOWED[folder]:
                problems.append(f"{path} includes {target}: {folder} may include "
                                f"{', '.join(sorted(ALLOWED[folder]))}")
        elif (pathlib.Path(root) / folder / target).is_file():
            problems.append(f"{path} includes {target}: write the path from the root of the tree")
    return problems


def check(root):
    problems = []
    for path in tree.code(root, tree.SOURCE_FOLDERS):
        folder = folder_of(path)
        if folder not in ALLOWED:
            problems.append(f"{path}: no layer named {folder}; add it to ALLOWED or move the file "
                            "to the lowest layer that needs it")
        else:
            problems += check_file(root, path, tree.read(root, path))
    return problems


if __name__ == "__main__":
    sys.exit(tree.report("layering", check(sys.argv[1])))
