#!/usr/bin/env python3
"""What 8-bit products would do to a model's embeddings, before any is built.

Runs a sentence-transformers model on the CPU with the operands of its encoder's products rounded to
e4m3, a scale for each row of the input and each row of the weights (the form that cuBLASLt and
CUTLASS offer on Hopper), sums in fp32, and compares with the unrounded model: cosine by sentence,
and the average precision on a labelled file of pairs. One JSON object a line.

    bench/fp8_accuracy.py MODEL PAIRS.tsv [--sentences N]

PAIRS.tsv: a label 0 or 1 and two sentences a line, separated by tabs.
"""

import argparse
import json

import numpy
import torch
from sentence_transformers import SentenceTransformer

E4M3_MOST = 448.0
# The products of a layer, by their names in BERT and RoBERTa.
QKV = ("attention.self.query", "attention.self.key", "attention.self.value")
OUTPUT = ("attention.output.dense",)
FEED_FORWARD = ("intermediate.dense", "output.dense")


def rounded(x):
    """x in e4m3 with a scale a row, and back."""
    scale = x.abs().amax(dim=-1, keepdim=True).clamp(min=1e-12) / E4M3_MOST
    return (x / scale).to(torch.float8_e4m3fn).to(torch.float32) * scale


def round_products(model, names, last_layer):
    """Rounds the operands of the named products; returns the hooks that do it, and the weights."""
    parts = {name: name.split(".layer.")[1].split(".", 1)
             for name, module in model.named_modules()
             if ".layer." in name and isinstance(module, torch.nn.Linear)}
    last = max(int(layer) for layer, _ in parts.values())
    undo = []
    for name, module in model.named_modules():
        if name not in parts or parts[name][1] not in names:
            continue
        if not last_layer and int(parts[name][0]) == last:
            continue
        weight = module.weight.data
        module.weight.data = rounded(weight)
        hook = module.register_forward_pre_hook(lambda _, inputs: (rounded(inputs[0]),))
        undo.append((module, weight, hook))
    return undo


def average_precision(scores, labels):
    order = numpy.argsort(-scores, kind="stable")
    hits = numpy.cumsum(labels[order])
    precision = hits / numpy.arange(1, len(labels) + 1)
    return float((precision * labels[order]).sum() / labels.sum())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("pairs")
    parser.add_argument("--sentences", type=int, default=0, help="only so many, from the start")
    arguments = parser.parse_args()
    model = SentenceTransformer(arguments.model, device="cpu").float().eval()
    with open(arguments.pairs, encoding="utf-8") as file:
        rows = [line.rstrip("\n").split("\t") for line in file]
    if arguments.sentences:
        rows = rows[: arguments.sentences // 2]
    labels = numpy.array([int(row[0]) for row in rows])
    texts = [row[1] for row in rows] + [row[2] for row in rows]

    def embed():
        return model.encode(texts, batch_size=32, normalize_embeddings=True,
                            convert_to_numpy=True).astype(numpy.float64)

    def precision(x):
        return average_precision((x[: len(rows)] * x[len(rows):]).sum(axis=1), labels)

    exact = embed()
    print(json.dumps({"products": "none", "sentences": len(texts),
                      "average_precision": round(precision(exact), 5)}), flush=True)
    forms = (("all", QKV + OUTPUT + FEED_FORWARD, True),
             ("all, not the last layer", QKV + OUTPUT + FEED_FORWARD, False),
             ("qkv", QKV, True), ("feed-forward", FEED_FORWARD, True))
    for name, products, last_layer in forms:
        undo = round_products(model, products, last_layer)
        got = embed()
        for module, weight, hook in undo:
            module.weight.data = weight
            hook.remove()
        cosine = (exact * got).sum(axis=1)
        print(json.dumps({"products": name, "min_cosine": round(float(cosine.min()), 6),
                          "mean_cosine": round(float(cosine.mean()), 6),
                          "below_0.999": int((cosine < 0.999).sum()),
                          "average_precision": round(precision(got), 5)}), flush=True)


if __name__ == "__main__":
    main()
