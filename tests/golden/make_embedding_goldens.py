#!/usr/bin/env python3
"""Writes embeddings/NAME.{json,f32}: token ids and fp32 embeddings by the reference (README.md).

  make_embedding_goldens.py                 the folders under models/
  make_embedding_goldens.py DIR NAME        another folder: plain encode() of texts.ALL
"""

import sys
from pathlib import Path

import numpy as np
import oracle
import texts
from sentence_transformers.base.modules import Normalize

OUT = oracle.HERE / "embeddings"
LITERAL_PROMPT = "Say: "
FUNCTIONS = ("cosine", "dot", "euclidean", "manhattan")


def encode(model, strings, prompt_name=None, prompt=None, normalize=None, dimensions=0):
    """One text at a time, so that no padding noise enters; false pops a final Normalize."""
    popped = None
    if normalize is False and isinstance(model[-1], Normalize):
        popped = model._modules.popitem()
    try:
        rows = [model.encode(s, prompt_name=prompt_name, prompt=prompt,
                             normalize_embeddings=normalize is True,
                             truncate_dim=dimensions or None, show_progress_bar=False)
                for s in strings]
    finally:
        if popped:
            model._modules[popped[0]] = popped[1]
    return np.stack(rows)


def token_ids(model, strings, prompt):
    return [model.preprocess([s], prompt=prompt)["input_ids"][0].tolist() for s in strings]


def cases_of(model):
    """(name, options, indices into the texts)."""
    every, some = list(range(len(texts.FEW))), [0, 1, 4, 5, 11, 20, 25, 31, 32]
    cut = 2 * model.get_embedding_dimension() // 3
    yield "plain encode()", {}, every
    yield "normalize true", {"normalize": True}, some
    yield "dimensions", {"dimensions": cut}, some
    yield "dimensions, normalize true", {"dimensions": cut, "normalize": True}, some
    if isinstance(model[-1], Normalize):
        yield "normalize false", {"normalize": False}, some
        yield "dimensions, normalize false", {"dimensions": cut, "normalize": False}, some
    if model.truncate_dim:
        yield "dimensions above the folder's default", {"dimensions": full_width(model)}, some
    for name in model.prompts:
        yield f"prompt_name {name}", {"prompt_name": name}, some
    yield "literal prompt", {"prompt": LITERAL_PROMPT}, every
    yield "literal empty prompt", {"prompt": ""}, some
    other_side = {"left": "right", "right": "left"}[model.tokenizer.truncation_side]
    if not model.prompts.get(model.default_prompt_name) or model[1].include_prompt:
        yield "truncated at the other side", {"truncation_side": other_side}, some


def full_width(model):
    return next(m.get_embedding_dimension() for m in reversed(model)
                if hasattr(m, "get_embedding_dimension"))


def effective_prompt(model, options):
    if "prompt" in options:
        return options["prompt"]
    name = options.get("prompt_name", model.default_prompt_name)
    return model.prompts[name] if name else ""


def run_case(model, name, options, indices, rows):
    options = dict(options)
    strings = [texts.FEW[i] for i in indices]
    side, own_side = options.get("truncation_side"), model.tokenizer.truncation_side
    ids = None
    try:
        model.tokenizer.truncation_side = side or own_side
        ids = token_ids(model, strings, effective_prompt(model, options))
        result = encode(model, strings, **{k: v for k, v in options.items()
                                           if k != "truncation_side"})
    finally:
        model.tokenizer.truncation_side = own_side
    case = {"name": name, **options, "texts": indices, "width": int(result.shape[1]),
            "offset": sum(r.size for r in rows), "ids": ids}
    rows.append(result)
    return case


def similarity(model, rows):
    """Scores between the first rows, by every function, and by the folder's own."""
    a, b = rows[4:10], rows[[4, 20, 11, 9, 5]]
    own = model.similarity_fn_name
    result = {"a": list(range(4, 10)), "b": [4, 20, 11, 9, 5]}
    for function in FUNCTIONS:
        model.similarity_fn_name = function
        result[function] = {"matrix": model.similarity(a, b).numpy().tolist(),
                            "pairwise": model.similarity_pairwise(a[:5], b).numpy().tolist()}
    model.similarity_fn_name = own
    return result


def facts(model):
    """What a reader of the folder must find in it."""
    modes = model[1].pooling_mode
    return {"dimensions": full_width(model), "truncate_dim": model.truncate_dim,
            "max_sequence_length": model.max_seq_length,
            "pooling": [modes] if isinstance(modes, str) else list(modes),
            "include_prompt": model[1].include_prompt,
            "normalizes": isinstance(model[-1], Normalize), "prompts": model.prompts,
            "default_prompt_name": model.default_prompt_name,
            "similarity_function": model.similarity_fn_name}


def make_tiny(folder):
    model, rows = oracle.load(folder), []
    cases = [run_case(model, *case, rows) for case in cases_of(model)]
    head = {"versions": oracle.versions(), "model": folder.name, "facts": facts(model),
            "similarity": similarity(model, rows[0])}
    oracle.write(OUT / f"{folder.name}.json", head, {"texts": texts.FEW, "cases": cases})
    oracle.write_rows(OUT / f"{folder.name}.f32", rows)
    print(folder.name, len(cases), "cases", sum(r.size for r in rows) * 4, "bytes")


def make_large(folder, name):
    model = oracle.load(folder)
    rows = encode(model, texts.ALL)
    ids = token_ids(model, texts.ALL, None)
    batched = model.encode(texts.ALL, batch_size=32, show_progress_bar=False)
    head = {"versions": oracle.versions(), "model": name, "width": int(rows.shape[1]),
            "reference_padding_noise": float(np.abs(rows - batched).max())}
    oracle.write(OUT / f"{name}.json", head, {"texts": texts.ALL, "ids": ids})
    oracle.write_rows(OUT / f"{name}.f32", [rows])
    print(name, rows.shape, head)


if __name__ == "__main__":
    if len(sys.argv) == 3:
        make_large(Path(sys.argv[1]), sys.argv[2])
    else:
        for tiny in sorted((oracle.HERE / "models").iterdir()):
            make_tiny(tiny)
