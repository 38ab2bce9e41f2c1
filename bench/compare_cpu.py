#!/usr/bin/env python3
"""Embeddings on the CPU: embedserve beside sentence-transformers and onnxruntime, in one run.

    bench/compare_cpu.py --model models/all-MiniLM-L6-v2 --texts sentences.txt

Needs an optimised build (text_bench, engine_bench) and a Python with sentence-transformers,
onnxruntime, onnx and onnxscript. All sides get the same texts and the same number of threads, take
turns for --rounds rounds, and are idle while another is measured; of each figure the median over
the rounds is reported, so that a disturbance of one round moves no ratio. The last table is printed
and everything written to bench/results/.

A side's throughput is that of its best batch size; one sentence is the median time of calls with a
single text. All start from text and end in L2-normalised vectors.
"""

import argparse
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BATCHES = (8, 16, 32, 64)


def parse():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=pathlib.Path, required=True)
    parser.add_argument("--texts", type=pathlib.Path, required=True, help="one text a line")
    parser.add_argument("--limit", type=int, default=256, help="take the first so many texts")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "dev")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4, help="per figure and round")
    parser.add_argument("--out", type=pathlib.Path, help="default: bench/results/cpu-<model>.json")
    return parser.parse_args()


def timed(seconds, run):
    """Seconds of each call of `run`, at least 3 calls after one that warms up."""
    run()
    times, start = [], time.perf_counter()
    while len(times) < 3 or time.perf_counter() - start < seconds:
        before = time.perf_counter()
        run()
        times.append(time.perf_counter() - before)
    return times


class SentenceTransformersSide:
    name = "sentence-transformers"

    def __init__(self, arguments, texts):
        import torch
        from sentence_transformers import SentenceTransformer

        torch.set_num_threads(arguments.threads)
        self.texts = texts
        self.model = SentenceTransformer(
            str(arguments.model), device="cpu", model_kwargs={"dtype": torch.float32}
        )

    def encode(self, texts, batch_size):
        return self.model.encode(
            texts, batch_size=batch_size, normalize_embeddings=True, show_progress_bar=False
        )


class OnnxSide:
    """The same encoder, exported, with the tokenizer of the folder; pooled and normalised here."""

    name = "onnxruntime"

    def __init__(self, arguments, texts, reference, folder):
        import onnxruntime
        import torch

        self.texts = texts
        transformer = reference.model[0]
        self.tokenizer = transformer.tokenizer.backend_tokenizer
        self.tokenizer.enable_truncation(reference.model.max_seq_length)
        self.tokenizer.enable_padding()
        path = folder / "model.onnx"

        class Encoder(torch.nn.Module):
            """Positional arguments, as the exporter wants them."""

            def __init__(self, encoder):
                super().__init__()
                self.encoder = encoder

            def forward(self, ids, mask, types):
                kinds = {} if encoder.config.model_type == "distilbert" else {"token_type_ids": types}
                return self.encoder(input_ids=ids, attention_mask=mask, **kinds).last_hidden_state

        encoder = transformer.auto_model.eval()
        ids = torch.ones(2, 9, dtype=torch.long)
        axes = {0: "batch", 1: "length"}
        torch.onnx.export(
            Encoder(encoder),
            (ids, ids, ids * 0),
            str(path),
            input_names=["input_ids", "attention_mask", "token_type_ids"],
            output_names=["hidden"],
            dynamic_axes={
                "input_ids": axes,
                "attention_mask": axes,
                "token_type_ids": axes,
                "hidden": axes,
            },
            dynamo=False,
        )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = arguments.threads
        options.inter_op_num_threads = 1
        # Its idle threads would spin while another side is measured.
        options.add_session_config_entry("session.intra_op.allow_spinning", "1")
        options.add_session_config_entry("session.force_spinning_stop", "1")
        self.session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
        self.inputs = {each.name for each in self.session.get_inputs()}

    def encode(self, texts, batch_size):
        import numpy

        order = sorted(range(len(texts)), key=lambda i: -len(texts[i]))
        out = [None] * len(texts)
        for first in range(0, len(order), batch_size):
            picked = order[first : first + batch_size]
            encoded = self.tokenizer.encode_batch([texts[i] for i in picked])
            mask = numpy.array([e.attention_mask for e in encoded], dtype=numpy.int64)
            feed = {
                "input_ids": numpy.array([e.ids for e in encoded], dtype=numpy.int64),
                "attention_mask": mask,
                "token_type_ids": numpy.zeros_like(mask),
            }
            feed = {name: value for name, value in feed.items() if name in self.inputs}
            hidden = self.session.run(None, feed)[0]
            pooled = (hidden * mask[..., None]).sum(1) / mask.sum(1, keepdims=True)
            pooled /= numpy.linalg.norm(pooled, axis=1, keepdims=True)
            for i, row in zip(picked, pooled):
                out[i] = row
        return numpy.stack(out)


def measure_python(side, seconds):
    """{batch size: sentences a second}, p50 of one sentence in ms."""
    speed = {}
    for batch in BATCHES:
        times = timed(seconds, lambda: side.encode(side.texts, batch))
        speed[batch] = len(side.texts) / statistics.median(times)
    turn = iter(range(1 << 62))
    times = timed(
        seconds, lambda: side.encode([side.texts[next(turn) % len(side.texts)]], 1)
    )
    return {"sentences_per_second": speed, "p50_ms": statistics.median(times) * 1e3}


def measure_embedserve(arguments, dtype, texts_file):
    command = [
        arguments.build / "bench" / "text_bench",
        arguments.model,
        texts_file,
        dtype,
        str(arguments.threads),
        str(arguments.seconds),
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(done.stderr.strip())
    return json.loads(done.stdout)


def measure_products(arguments, shape):
    """{dtype: {sentences a batch: GFLOP/s}} of the matrix products alone and of the engine."""
    with tempfile.NamedTemporaryFile(suffix=".json") as out:
        subprocess.run(
            [
                arguments.build / "bench" / "engine_bench",
                f"--benchmark_filter=/{shape}/.*/threads:{arguments.threads}/",
                f"--benchmark_out={out.name}",
                f"--benchmark_min_time={arguments.seconds / 4}",
                "--benchmark_out_format=json",
            ],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        rows = json.load(open(out.name))["benchmarks"]
    found = {}
    for row in rows:
        kind, _, dtype, _, sentences = row["name"].split("/")[:5]
        found.setdefault(dtype, {}).setdefault(sentences, {})[kind] = row["sentences/s"]
    return found


def close(ours, theirs):
    """Largest difference and smallest cosine of two (n, d) arrays of unit rows."""
    return float(abs(ours - theirs).max()), float((ours * theirs).sum(1).min())


def median_of(rounds, *keys):
    def pick(entry):
        for key in keys:
            entry = entry[key]
        return entry

    return statistics.median(pick(entry) for entry in rounds)


def summarise(rounds, dtypes):
    table = {}
    for name in ("sentence-transformers", "onnxruntime"):
        speeds = {b: median_of(rounds, name, "sentences_per_second", b) for b in BATCHES}
        best = max(speeds, key=speeds.get)
        table[name] = {
            "sentences_per_second": speeds[best],
            "best_batch": best,
            "p50_ms": median_of(rounds, name, "p50_ms"),
        }
    for dtype in dtypes:
        name = f"embedserve {dtype}"
        table[name] = {
            key: median_of(rounds, name, key)
            for key in ("sentences_per_second", "p50_ms", "peak_resident_mb", "load_seconds")
        }
        for many, key in (("128", "batch_share_of_products"), ("1", "one_share_of_products")):
            table[name][key] = median_of(rounds, "products", dtype, many, "engine") / median_of(
                rounds, "products", dtype, many, "products"
            )
    base = table["sentence-transformers"]
    for row in table.values():
        row["speed_ratio"] = row["sentences_per_second"] / base["sentences_per_second"]
        row["p50_ratio"] = row["p50_ms"] / base["p50_ms"]
    return table


def show(table):
    print(f"{'':24}{'sentences/s':>12}{'ratio':>7}{'one, ms':>9}{'ratio':>7}{'products':>18}")
    for name, row in table.items():
        share = (
            f"{row['batch_share_of_products']:8.0%} /{row['one_share_of_products']:5.0%}"
            if "one_share_of_products" in row
            else f"batch {row['best_batch']}"
        )
        print(
            f"{name:24}{row['sentences_per_second']:12.1f}{row['speed_ratio']:7.2f}"
            f"{row['p50_ms']:9.2f}{row['p50_ratio']:7.2f}{share:>18}"
        )


def cpu_name():
    for line in open("/proc/cpuinfo"):
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def main():
    arguments = parse()
    os.environ["OMP_NUM_THREADS"] = str(arguments.threads)
    os.environ["TOKENIZERS_PARALLELISM"] = "true"
    os.environ["RAYON_NUM_THREADS"] = str(arguments.threads)
    texts = arguments.texts.read_text(encoding="utf-8").split("\n")
    texts = [text for text in texts if text][: arguments.limit]
    flags = open("/proc/cpuinfo").read()
    dtypes = ["fp32"] + (["bf16"] if "avx512_bf16" in flags else [])

    with tempfile.TemporaryDirectory() as folder:
        texts_file = pathlib.Path(folder) / "texts"
        texts_file.write_text("\n".join(texts) + "\n", encoding="utf-8")
        reference = SentenceTransformersSide(arguments, texts)
        onnx = OnnxSide(arguments, texts, reference, pathlib.Path(folder))
        difference, cosine = close(onnx.encode(texts, 32), reference.encode(texts, 32))
        if cosine < 0.9999:
            sys.exit(f"the exported model computes something else: cosine {cosine}")
        hidden = reference.model[0].auto_model.config.hidden_size
        shape = "minilm" if hidden == 384 else "roberta6"
        rounds = []
        for number in range(arguments.rounds):
            entry = {}
            for side in (reference, onnx):
                entry[side.name] = measure_python(side, arguments.seconds)
            for dtype in dtypes:
                entry[f"embedserve {dtype}"] = measure_embedserve(arguments, dtype, texts_file)
            entry["products"] = measure_products(arguments, shape)
            rounds.append(entry)
            print(f"round {number + 1} of {arguments.rounds} done", file=sys.stderr)

    table = summarise(rounds, dtypes)
    show(table)
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True
    ).stdout.strip()
    import onnxruntime
    import sentence_transformers
    import torch

    out = arguments.out or ROOT / "bench" / "results" / f"cpu-{arguments.model.name}.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    result = {
        "cpu": cpu_name(),
        "threads": arguments.threads,
        "commit": commit,
        "date": time.strftime("%Y-%m-%d"),
        "load_average": os.getloadavg()[0],
        "model": arguments.model.name,
        "texts": len(texts),
        "versions": {
            "sentence-transformers": sentence_transformers.__version__,
            "torch": torch.__version__,
            "onnxruntime": onnxruntime.__version__,
        },
        "summary": table,
        "rounds": rounds,
    }
    out.write_text(json.dumps(result, indent=1) + "\n")
    print(f"written to {out}")


if __name__ == "__main__":
    main()
