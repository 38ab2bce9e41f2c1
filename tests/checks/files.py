#!/usr/bin/env python3
"""Rules of the house that a file shows by itself: length, line ends, #pragma once, its own header
first, a mirrored test, and nothing that only holds on one machine."""

import re
import sys

import tree

MAX_LINES = 500
TEXT_SUFFIXES = tree.CODE_SUFFIXES + (".py", ".sh", ".cmake", ".txt", ".md", ".json", ".yaml", ".proto")

# Sources without a test of the same name, and what tests them instead.
TESTED_ELSEWHERE = {
    **{f"kernels/gelu_linear_{form}_{type}.cu": "tests/kernels/gelu_linear_test.cc: one form and type of that kernel"
       for form in ("sm80", "sm90") for type in ("bf16", "fp16")},
    "kernels/gelu_linear_without_cutlass.cc": "tests/kernels/gelu_linear_test.cc, in a build without CUTLASS",
    "kernels/small_gemm_sm90.cu": "tests/kernels/small_gemm_test.cc: that kernel's form on Hopper",
    "kernels/device_without_cuda.cc": "tests/kernels/device_test.cc, in a build without CUDA",
    "model/engine/cpu_encoder.cc": "tests/model/engine/cpu_engine_test.cc, against the reference engine",
    "model/engine/engine.cc": "tests/model/engine/cpu_engine_test.cc, which submits the batches it refuses",
    "model/engine/head_modules.cc": "tests/model/engine/cpu_engine_test.cc, against the reference engine",
    "model/tokenizer/folder_tokens.cc": "tests/model/tokenizer/folder_tokenizer_test.cc, through its one caller",
    "model/tokenizer/tokenizer_class.cc": "tests/model/tokenizer/folder_tokenizer_test.cc, through its one caller",
    # What a user sees of a subcommand, by running the binary.
    **{f"cli/{stem}.cc": "tests/cli/end_to_end_test.py" for stem in (
        "bench", "commands", "drain_on_signal", "embedder", "encode", "eval", "health", "info",
        "local_embedder", "local_model", "main", "remote_embedder", "similarity", "tokenize", "verify")},
    "model/engine/cuda_encoder.cc": "tests/model/engine/cuda_engine_test.cc: a part of that engine",
    "model/engine/cuda_engine_without_cuda.cc": "tests/model/engine/cuda_engine_test.cc, in a build without CUDA",
    "model/engine/cuda_head.cc": "tests/model/engine/cuda_engine_test.cc: a part of that engine",
    "model/engine/cuda_weights.cc": "tests/model/engine/cuda_engine_test.cc: a part of that engine",
    "server/call_queue.cc": "tests/server/call_test.cc and server_test.cc: it needs a gRPC server",
    "server/embed_texts.cc": "tests/server/encode_test.cc, similarity_test.cc and call_test.cc, over the wire",
    "server/embedding_job.cc": "tests/server/worker_test.cc and batch_queue_test.cc, which pass jobs through",
    "server/handlers.cc": "tests/server/call_test.cc, over the wire",
    "server/version.cc": "tests/cli/end_to_end_test.py: --version",
}

# An absolute path in the tree may start with one of these, or be the end of a path into the tree;
# any other belongs to somebody's machine.
KNOWN_ROOTS = {"bin", "dev", "etc", "image", "lib", "model", "models", "nonexistent", "nowhere", "opt", "proc", "run",
               "sbin", "shared", "src", "sys", "tmp", "usr", "var", *tree.CODE_FOLDERS}
ABSOLUTE_PATH = re.compile(r"(?<![\w.}{)/~*$:<>-])/([a-z]+)/[\w.]")
URL_HOST = re.compile(r"https?://([\w.-]+)")
# A format's own name, and examples. Registries are reached by their clients' configuration only.
LINKED_HOSTS = {"localhost", "127.0.0.1", "example.org", "github.com", "git-lfs", "git-lfs.github.com"}


def is_text_of_ours(path):
    """Everything that a person edits; what lies below tests/ beside the code is data."""
    if path.startswith("tests/"):
        return path.endswith(tree.CODE_SUFFIXES + (".py", "/CMakeLists.txt"))
    return path.endswith(TEXT_SUFFIXES) or path.startswith((".ci/", "docker/", "scripts/"))


def check_shape(path, text):
    lines = text.count("\n")
    if text and not text.endswith("\n"):
        yield f"{path}: the last line has no line feed"
    if "\r" in text:
        yield f"{path}: has a carriage return"
    if re.search(r"[ \t]$", text, re.MULTILINE):
        yield f"{path}: has white space at the end of a line"
    if path.endswith(tree.CODE_SUFFIXES + (".py",)) and lines > MAX_LINES and "@generated" not in text:
        yield f"{path}: {lines} lines; {MAX_LINES} at most"
    if path.endswith((".h", ".cuh")) and "\n#pragma once\n" not in "\n" + text:
        yield f"{path}: no #pragma once"


def check_own_header(path, text, paths):
    """A source that includes its own header first proves that the header compiles alone."""
    stem, _, suffix = path.rpartition(".")
    if suffix != "cc" or f"{stem}.h" not in paths:
        return
    quoted = [target for delimiter, target in tree.includes(text)]
    if not quoted or quoted[0] != f"{stem}.h":
        yield f"{path}: its first include is not {stem}.h"


def check_test(path, paths):
    if not path.startswith(tree.SOURCE_FOLDERS) or not path.endswith((".cc", ".cu")):
        return
    stem = path.rpartition(".")[0]
    tested = f"tests/{stem}_test.cc" in paths
    if not tested and path not in TESTED_ELSEWHERE:
        yield f"{path}: no tests/{stem}_test.cc, and no reason in TESTED_ELSEWHERE"
    if tested and path in TESTED_ELSEWHERE:
        yield f"{path}: has a test now: delete it from TESTED_ELSEWHERE"


def check_machine(path, text):
    for line, content in enumerate(text.split("\n"), 1):
        for match in ABSOLUTE_PATH.finditer(content):
            if match[1] not in KNOWN_ROOTS:
                yield f"{path}:{line}: a path of one machine: {content[match.start():][:40]}"
        for host in URL_HOST.findall(content):
            if host not in LINKED_HOSTS and not path.endswith(".md"):
                yield f"{path}:{line}: names the host {host}"


def check(root):
    paths = tree.files(root)
    known = set(paths)
    problems = [f"{path}: in TESTED_ELSEWHERE, but there is no such file"
                for path in TESTED_ELSEWHERE if path not in known]
    for path in paths:
        if is_text_of_ours(path):
            text = tree.read(root, path)
            problems += check_shape(path, text)
            if path.endswith(tree.CODE_SUFFIXES):
                problems += check_own_header(path, text, known)
            if not path.startswith("tests/checks/"):
                problems += check_machine(path, text)
        problems += check_test(path, known)
    return problems


if __name__ == "__main__":
    sys.exit(tree.report("files", check(sys.argv[1])))
