"""What the golden makers share: the reference, loaded the one right way, and the files' format."""

import importlib.metadata
import json
import os
from pathlib import Path

import numpy as np

os.environ["HF_HUB_OFFLINE"] = "1"

import torch  # noqa: E402 (the variable must stand before these are loaded)
from sentence_transformers import SentenceTransformer  # noqa: E402

HERE = Path(__file__).resolve().parent
PACKAGES = ("sentence-transformers", "transformers", "tokenizers", "torch", "numpy",
            "scikit-learn", "scipy")


def versions():
    return {name: importlib.metadata.version(name).split("+")[0] for name in PACKAGES}


def load(folder):
    """In fp32 whatever the stored type: transformers 5 would run a checkpoint in its own."""
    torch.manual_seed(0)
    model = SentenceTransformer(str(folder), device="cpu", model_kwargs={"dtype": torch.float32})
    # RoBERTa's position rule cannot use the first rows; the reference would fail beyond the last.
    config = model[0].auto_model.config
    rows = config.max_position_embeddings
    if config.model_type in ("roberta", "xlm-roberta", "camembert"):
        rows -= config.pad_token_id + 1
    model.max_seq_length = min(model.max_seq_length, rows)
    return model


def write(path, head, lists):
    """One JSON object: the short members, then each list with an element a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    members = [f" {json.dumps(k)}: {json.dumps(v, ensure_ascii=True)}" for k, v in head.items()]
    for name, values in lists.items():
        rows = ",\n".join("  " + json.dumps(v, ensure_ascii=True) for v in values)
        members.append(f" {json.dumps(name)}: [\n{rows}\n ]")
    path.write_text("{\n" + ",\n".join(members) + "\n}\n", encoding="ascii")


def write_rows(path, rows):
    """fp32, little-endian, row-major, no header: the JSON beside it says what they are."""
    path.write_bytes(np.concatenate([np.asarray(r, dtype="<f4").ravel() for r in rows]).tobytes())
