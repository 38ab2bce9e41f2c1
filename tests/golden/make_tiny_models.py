#!/usr/bin/env python3
"""Writes models/: tiny sentence-transformers folders with seeded random weights (README.md).

Each folder says other things; together they use every architecture, pooling mode, activation,
module, similarity function, weight type and layout that embedserve serves. LayerNorm and bias
values are far from their trivial initial ones: none of them can be left out unnoticed.
"""

import copy
import json
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import torch
import transformers
from safetensors.torch import save_file
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Dense, Normalize, Transformer
from sentence_transformers.sentence_transformer.modules import Dropout, LayerNorm, Pooling
from tokenizers import (AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers,
                        processors, trainers)

ROOT = Path(__file__).resolve().parent / "models"

# What the vocabularies are trained on: written for this purpose.
TRAINING_TEXT = """
The tailor measured the curtain twice and cut it once, humming to herself all the while.
A ferry leaves the island at seven in the morning and again at twenty past nine.
We had not expected snow in April, yet the orchard was white by Thursday evening.
Please return the ladder to the shed when you have finished painting the gutters.
He kept his receipts in an old biscuit tin: 12.50, 7.99, 103.00 and so on.
Nobody remembers who built the bridge; the river has moved since then, and it crosses a meadow.
def area(width, height): return width * height  # in square metres
Is it true that the library closes at 18:30 on Fridays? It's what they're saying, but I'll ask.
The quick answer is no. The longer answer isn't shorter: we've tried, we'd failed, I'm tired.
Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich.
Le garçon mangeait des crêpes à la fenêtre où l'été s'étirait déjà.
El niño pequeño soñaba con un camión amarillo y un señor con bigote.
Мама мыла раму, а кот спал на подоконнике.
東京の空は青い。北京的秋天很短。서울의 밤은 밝다.
שלום עולם, זה ספר ישן. مرحبا بالعالم، هذا كتاب قديم.
http://example.org/a/b?c=1&d=2 mail: someone@example.org phone: +1 555 0100
"""

BERT_SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
ROBERTA_SPECIALS = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]


def write_json(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def wordpiece_vocabulary(tokenizer):
    """Characters, then the pieces that cover most of the text. The library's own trainer breaks
    ties by chance; this is the same every time."""
    words, pieces, characters = Counter(), Counter(), set()
    for line in TRAINING_TEXT.splitlines():
        normal = tokenizer.normalizer.normalize_str(line)
        words.update(w for w, _ in tokenizer.pre_tokenizer.pre_tokenize_str(normal))
    for word, count in words.items():
        characters |= {word[0], *("##" + c for c in word[1:])}
        for first in range(len(word)):
            for last in range(first + 2, min(first + 8, len(word)) + 1):
                piece = ("##" if first else "") + word[first:last]
                pieces[piece] += count * (last - first)
    vocabulary = BERT_SPECIALS + sorted(characters)
    best = sorted(pieces, key=lambda piece: (-pieces[piece], piece))
    return (vocabulary + best)[:420]


def wordpiece(lowercase):
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    vocabulary = wordpiece_vocabulary(tokenizer)
    tokenizer.model = models.WordPiece({t: i for i, t in enumerate(vocabulary)}, unk_token="[UNK]",
                                       max_input_chars_per_word=100)
    tokenizer.add_special_tokens(BERT_SPECIALS)
    cls, sep = tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS]:0 $A:0 [SEP]:0", pair="[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1",
        special_tokens=[("[CLS]", cls), ("[SEP]", sep)])
    tokenizer.decoder = decoders.WordPiece()
    return tokenizer


def byte_level():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=450, special_tokens=[AddedToken(t, normalized=True, special=True)
                                        for t in ROBERTA_SPECIALS[:4]],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()), show_progress=False)
    tokenizer.train_from_iterator(TRAINING_TEXT.splitlines(), trainer)
    tokenizer.add_special_tokens([AddedToken("<mask>", lstrip=True, normalized=False,
                                             special=True)])
    tokenizer.post_processor = processors.RobertaProcessing(
        ("</s>", 2), ("<s>", 0), add_prefix_space=False, trim_offsets=True)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def added_tokens_decoder(tokenizer):
    return {str(i): {"content": t.content, "lstrip": t.lstrip, "normalized": t.normalized,
                     "rstrip": t.rstrip, "single_word": t.single_word, "special": t.special}
            for i, t in sorted(tokenizer.get_added_tokens_decoder().items())}


def write_bert_tokenizer(folder, tokenizer, lowercase, name="BertTokenizer", **config):
    """As transformers 4.x writes it."""
    tokenizer.save(str(folder / "tokenizer.json"))
    vocabulary = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    (folder / "vocab.txt").write_text("".join(t + "\n" for t, _ in vocabulary), encoding="utf-8")
    named = dict(zip(["pad_token", "unk_token", "cls_token", "sep_token", "mask_token"],
                     BERT_SPECIALS))
    write_json(folder / "special_tokens_map.json", named)
    write_json(folder / "tokenizer_config.json",
               {"added_tokens_decoder": added_tokens_decoder(tokenizer),
                "clean_up_tokenization_spaces": True, "do_lower_case": lowercase,
                "model_max_length": 512, "strip_accents": None, "tokenize_chinese_chars": True,
                "tokenizer_class": name} | named | config)


def write_roberta_tokenizer(folder, tokenizer, **config):
    """As transformers 4.x writes it."""
    tokenizer.save(str(folder / "tokenizer.json"))
    vocabulary = dict(sorted(tokenizer.get_vocab().items(), key=lambda item: item[1]))
    content = json.loads(tokenizer.to_str())["model"]
    (folder / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False),
                                       encoding="utf-8")
    merges = [m if isinstance(m, str) else " ".join(m) for m in content["merges"]]
    (folder / "merges.txt").write_text("#version: 0.2\n" + "".join(m + "\n" for m in merges),
                                       encoding="utf-8")
    named = {"bos_token": "<s>", "cls_token": "<s>", "eos_token": "</s>", "mask_token": "<mask>",
             "pad_token": "<pad>", "sep_token": "</s>", "unk_token": "<unk>"}
    by_content = {t["content"]: t for t in added_tokens_decoder(tokenizer).values()}
    write_json(folder / "special_tokens_map.json",
               {k: {f: x for f, x in by_content[v].items() if f != "special"}
                for k, v in named.items()})
    write_json(folder / "tokenizer_config.json",
               {"add_prefix_space": False, "added_tokens_decoder": added_tokens_decoder(tokenizer),
                "clean_up_tokenization_spaces": False, "errors": "replace",
                "model_max_length": 64, "tokenizer_class": "RobertaTokenizer",
                "trim_offsets": True} | named | config)


def unigram():
    """The small XLM-R tokenizer of the tokenizers' own tests."""
    return Tokenizer.from_file(str(ROOT.parents[1] / "model/tokenizer/testdata/unigram.json"))


def write_unigram_tokenizer(folder, tokenizer, **config):
    """As transformers 4.x writes it for XLM-R, less sentencepiece.bpe.model."""
    tokenizer.save(str(folder / "tokenizer.json"))
    write_json(folder / "tokenizer_config.json",
               {"added_tokens_decoder": added_tokens_decoder(tokenizer), "bos_token": "<s>",
                "clean_up_tokenization_spaces": True, "cls_token": "<s>", "eos_token": "</s>",
                "mask_token": "<mask>", "model_max_length": 64, "pad_token": "<pad>",
                "sep_token": "</s>", "tokenizer_class": "XLMRobertaTokenizer",
                "unk_token": "<unk>"} | config)


def randomize(module, seed, dtype=torch.float32):
    """Fills every parameter by its kind, rounded to `dtype`; order by name, so it is stable."""
    random = np.random.RandomState(seed)
    for name, parameter in sorted(module.named_parameters()):
        shape = tuple(parameter.shape)
        if "norm" in name.lower():
            value = (random.uniform(0.4, 1.6, shape) if name.endswith("weight")
                     else random.normal(0, 0.3, shape))
        elif name.endswith("bias"):
            value = random.normal(0, 0.25, shape)
        elif "embedding" in name:
            value = random.normal(0, 1.0, shape)
        else:
            value = random.normal(0, 1.3 / np.sqrt(shape[-1]), shape)
        with torch.no_grad():
            parameter.copy_(torch.from_numpy(value).to(dtype).to(torch.float32))
    return module


def make_encoder(model_type, seed, dtype, **config):
    sizes = {"distilbert": dict(dim=32, n_heads=4, n_layers=2, hidden_dim=48)}.get(
        model_type, dict(hidden_size=32, num_attention_heads=4, num_hidden_layers=2,
                         intermediate_size=48))
    config = transformers.AutoConfig.for_model(model_type, **(sizes | config))
    model = transformers.AutoModel.from_config(config, dtype=torch.float32)
    return randomize(model.eval(), seed, dtype)


def write_encoder(folder, model, dtype, prefix="", shards=1, without=(), extra=None,
                  tf_names=False):
    """config.json as transformers 4.x writes it, less the keys of `without`, and the weights: with
    a name prefix, `extra` tensors that a loader has to pass over, and LayerNorms named as in
    checkpoints that came from TensorFlow."""
    config = json.loads(model.config.to_json_string(use_diff=False))
    for key in [k for k, v in config.items() if v is None or k in ("dtype", "_name_or_path")]:
        del config[key]
    keep = {k: v for k, v in config.items() if k in (
        "activation", "architectures", "bos_token_id", "dim", "eos_token_id", "hidden_act",
        "hidden_dim", "hidden_size", "intermediate_size", "layer_norm_eps",
        "max_position_embeddings", "model_type", "n_heads", "n_layers", "num_attention_heads",
        "num_hidden_layers", "pad_token_id", "position_embedding_type", "type_vocab_size",
        "vocab_size") and k not in without}
    keep |= {"architectures": [type(model).__name__], "torch_dtype": str(dtype).split(".")[-1],
             "transformers_version": "4.51.3"}
    write_json(folder / "config.json", dict(sorted(keep.items())))
    tensors = {prefix + k: v.to(dtype).contiguous() for k, v in model.state_dict().items()}
    if tf_names:
        tensors = {k.replace("LayerNorm.weight", "LayerNorm.gamma")
                   .replace("LayerNorm.bias", "LayerNorm.beta"): v for k, v in tensors.items()}
    tensors |= extra or {}
    if shards == 1:
        save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
        return
    names = list(tensors)
    weight_map = {}
    for i in range(shards):
        part = names[i * len(names) // shards:(i + 1) * len(names) // shards]
        file = f"model-{i + 1:05}-of-{shards:05}.safetensors"
        save_file({n: tensors[n] for n in part}, folder / file, metadata={"format": "pt"})
        weight_map |= {n: file for n in part}
    total = sum(t.numel() * t.element_size() for t in tensors.values())
    write_json(folder / "model.safetensors.index.json",
               {"metadata": {"total_size": total}, "weight_map": weight_map})


def fresh(name):
    folder = ROOT / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def write_old_modules(folder, modules, flags, hidden, max_seq_length, do_lower_case=False,
                      similarity="cosine", **config):
    """modules.json and its companions in the spelling of sentence-transformers <= 5.3."""
    write_json(folder / "modules.json", [
        {"idx": i, "name": str(i), "path": "" if i == 0 else f"{i}_{m}",
         "type": f"sentence_transformers.models.{m}"} for i, m in enumerate(modules)])
    write_json(folder / "sentence_bert_config.json",
               {"max_seq_length": max_seq_length, "do_lower_case": do_lower_case})
    write_json(folder / "config_sentence_transformers.json",
               {"__version__": {"sentence_transformers": "4.1.0", "transformers": "4.51.3",
                                "pytorch": "2.6.0"},
                "prompts": {}, "default_prompt_name": None,
                "similarity_fn_name": similarity} | config)
    order = ["cls_token", "mean_tokens", "max_tokens", "mean_sqrt_len_tokens",
             "weightedmean_tokens", "lasttoken"]
    write_json(folder / "1_Pooling" / "config.json",
               {"word_embedding_dimension": hidden}
               | {f"pooling_mode_{m}": m in flags for m in order} | {"include_prompt": True})


def write_old_dense(folder, module, activation):
    config = {"in_features": module.in_features, "out_features": module.out_features,
              "bias": module.bias, "activation_function": activation}
    write_json(folder / "config.json", config)
    save_file(module.state_dict(), folder / "model.safetensors", metadata={"format": "pt"})


def save_new(name, source, modules, **options):
    """Loads the Transformer of `source`, puts `modules` behind it and saves with today's code."""
    transformer = Transformer(str(source), model_kwargs={"dtype": torch.float32})
    dtype = options.pop("dtype", torch.float32)
    max_seq_length = options.pop("max_seq_length", None)
    if max_seq_length:
        transformer.max_seq_length = max_seq_length
    model = SentenceTransformer(modules=[transformer, *modules], device="cpu", **options)
    transformer.auto_model.to(dtype)
    folder = fresh(name)
    model.save_pretrained(str(folder), create_model_card=False)
    config = json.loads((folder / "config_sentence_transformers.json").read_text())
    config["__version__"]["pytorch"] = config["__version__"]["pytorch"].split("+")[0]
    write_json(folder / "config_sentence_transformers.json", config)


def dense(seed, in_features, out_features, activation, **options):
    return randomize(Dense(in_features, out_features, activation_function=activation, **options),
                     seed)


def old_layout_folders(bert, cased, bpe):
    folder = fresh("tiny-bert")
    model = make_encoder("bert", 1, torch.float32, vocab_size=bert.get_vocab_size(),
                         max_position_embeddings=80)
    write_encoder(folder, model, torch.float32)
    write_bert_tokenizer(folder, bert, lowercase=True)
    write_old_modules(folder, ["Transformer", "Pooling", "Normalize"], ["mean_tokens"], 32, 64)

    folder = fresh("tiny-roberta")
    model = make_encoder("roberta", 2, torch.float16, vocab_size=bpe.get_vocab_size(),
                         max_position_embeddings=66, type_vocab_size=1, layer_norm_eps=1e-5,
                         num_hidden_layers=3, hidden_size=48, intermediate_size=96)
    write_encoder(folder, model, torch.float16, shards=3)
    with_limits = copy.deepcopy(bpe)
    with_limits.enable_truncation(20)  # a folder saved after use carries both; neither counts
    with_limits.enable_padding(pad_id=1, pad_token="<pad>")
    write_roberta_tokenizer(folder, with_limits)
    write_old_modules(folder, ["Transformer", "Pooling"], ["cls_token"], 48, 64)

    # Several old flags, Dense without bias, LayerNorm, Dropout, Normalize; prefixed tensor names.
    folder = fresh("bert-old-flags")
    model = make_encoder("bert", 3, torch.float16, vocab_size=cased.get_vocab_size(),
                         max_position_embeddings=48, hidden_act="gelu_pytorch_tanh",
                         num_attention_heads=2)
    write_encoder(folder, model, torch.float16, prefix="bert.")
    write_bert_tokenizer(folder, cased, lowercase=False)
    write_old_modules(folder,
                      ["Transformer", "Pooling", "Dense", "LayerNorm", "Dropout", "Normalize"],
                      ["cls_token", "max_tokens", "mean_sqrt_len_tokens"], 32, 40)
    write_old_dense(folder / "2_Dense", dense(4, 96, 40, torch.nn.GELU(), bias=False),
                    "torch.nn.modules.activation.GELU")
    write_json(folder / "3_LayerNorm" / "config.json", {"dimension": 40})
    save_file(randomize(LayerNorm(40), 5).state_dict(), folder / "3_LayerNorm/model.safetensors")
    write_json(folder / "4_Dropout" / "config.json", {"dropout": 0.2})

    # Twelve heads of three, relu, lower-casing in front of a cased tokenizer, euclidean. The limit
    # in the folder (66) is above the usable positions (64).
    folder = fresh("roberta-12-heads")
    model = make_encoder("roberta", 6, torch.float32, vocab_size=bpe.get_vocab_size(),
                         max_position_embeddings=66, type_vocab_size=2, hidden_size=36,
                         num_attention_heads=12, num_hidden_layers=1, hidden_act="relu",
                         layer_norm_eps=1e-5)
    write_encoder(folder, model, torch.float32, prefix="roberta.",
                  extra={"lm_head.bias": torch.ones(bpe.get_vocab_size()),
                         "roberta.embeddings.position_ids": torch.arange(66).unsqueeze(0)})
    write_roberta_tokenizer(folder, bpe)
    write_old_modules(folder, ["Transformer", "Pooling"], ["lasttoken"], 36, 66,
                      do_lower_case=True, similarity="euclidean")

    # Pad id 3 moves every position; defaults for keys that config.json leaves out.
    folder = fresh("camembert-pad-3")
    model = make_encoder("camembert", 22, torch.bfloat16, vocab_size=bpe.get_vocab_size(),
                         max_position_embeddings=60, type_vocab_size=1, layer_norm_eps=1e-12,
                         num_hidden_layers=1, num_attention_heads=1, pad_token_id=3)
    write_encoder(folder, model, torch.bfloat16, tf_names=True,
                  without=("layer_norm_eps", "hidden_act", "position_embedding_type"))
    write_roberta_tokenizer(folder, bpe)
    write_old_modules(folder, ["Transformer", "Pooling"], ["mean_tokens", "cls_token"], 32, 60)

    # A plain transformers folder: Transformer + mean, the length from the positions.
    folder = fresh("bert-no-modules")
    model = make_encoder("bert", 7, torch.float32, vocab_size=bert.get_vocab_size(),
                         max_position_embeddings=40, hidden_act="gelu_new", num_hidden_layers=1,
                         type_vocab_size=1, layer_norm_eps=1e-6)
    write_encoder(folder, model, torch.float32)
    write_bert_tokenizer(folder, bert, lowercase=True,
                         model_max_length=1000000000000000019884624838656)


def new_layout_folders(bert, cased, bpe, scratch):
    def source(name, model, write_tokenizer):
        folder = scratch / name
        folder.mkdir(parents=True)
        write_encoder(folder, model, torch.float32)
        write_tokenizer(folder)
        return folder

    model = make_encoder("xlm-roberta", 8, torch.bfloat16, vocab_size=bpe.get_vocab_size(),
                         max_position_embeddings=66, type_vocab_size=1, layer_norm_eps=1e-5)
    save_new("tiny-xlm-roberta-arch",
             source("xlm", model, lambda f: write_roberta_tokenizer(f, bpe)),
             [Pooling(32, "weightedmean")], dtype=torch.bfloat16, max_seq_length=48,
             similarity_fn_name="dot")

    # What multilingual models have: XLM-R with its Unigram tokenizer.
    pieces = unigram()
    model = make_encoder("xlm-roberta", 14, torch.float32, vocab_size=pieces.get_vocab_size(),
                         max_position_embeddings=66, type_vocab_size=1, layer_norm_eps=1e-5)
    save_new("tiny-xlm-roberta",
             source("xlm_unigram", model, lambda f: write_unigram_tokenizer(f, pieces)),
             [Pooling(32, "mean"), Normalize()], max_seq_length=48)

    # A default prompt that is pooled like the rest; left truncation; Dense + bias between two
    # Normalize modules.
    model = make_encoder("distilbert", 9, torch.float32, vocab_size=cased.get_vocab_size(),
                         max_position_embeddings=48)
    save_new("tiny-distilbert",
             source("distilbert", model, lambda f: write_bert_tokenizer(
                 f, cased, lowercase=False, name="DistilBertTokenizer")),
             [Pooling(32, "max"), Normalize(), dense(10, 32, 24, torch.nn.Tanh()), Normalize()],
             max_seq_length=40, prompts={"query": "find: ", "topic": "A topic, "},
             default_prompt_name="topic", similarity_fn_name="manhattan")
    config = ROOT / "tiny-distilbert/tokenizer_config.json"
    write_json(config, json.loads(config.read_text()) | {"truncation_side": "left"})

    # Every mode, in an order of its own, with a repeat; a default number of dimensions.
    model = make_encoder("bert", 11, torch.float16, vocab_size=bert.get_vocab_size(),
                         max_position_embeddings=40, hidden_act="silu", num_hidden_layers=1)
    save_new("bert-pooling-list",
             source("list", model, lambda f: write_bert_tokenizer(f, bert, lowercase=True)),
             [Pooling(32, ["lasttoken", "mean", "cls", "weightedmean", "max",
                           "mean_sqrt_len_tokens", "cls"])],
             dtype=torch.float16, max_seq_length=32, truncate_dim=200)

    # The prompt leaves the pooling.
    model = make_encoder("roberta", 12, torch.bfloat16, vocab_size=bpe.get_vocab_size(),
                         max_position_embeddings=66, type_vocab_size=1, layer_norm_eps=1e-5,
                         hidden_act="gelu_fast", num_attention_heads=2)
    for name, mode, seed in (("roberta-exclude-prompt", ["mean", "weightedmean"], 12),
                             ("roberta-exclude-prompt-first-last", ["cls", "lasttoken", "max",
                                                                    "mean_sqrt_len_tokens"], 13)):
        save_new(name, source(name, randomize(model, seed, torch.bfloat16),
                              lambda f: write_roberta_tokenizer(f, bpe)),
                 [Pooling(32, mode, include_prompt=False)], dtype=torch.bfloat16,
                 max_seq_length=64, similarity_fn_name="dot",
                 prompts={"query": "query: ", "document": "passage:", "long": "Represent it: "},
                 default_prompt_name="query" if seed == 12 else None)

    # A chain of Dense modules with every activation; residuals of equal and of other width.
    model = make_encoder("distilbert", 14, torch.float16, vocab_size=bert.get_vocab_size(),
                         max_position_embeddings=40, activation="quick_gelu", n_layers=1,
                         dim=32)
    save_new("distilbert-dense-chain",
             source("chain", model, lambda f: write_bert_tokenizer(
                 f, bert, lowercase=True, name="DistilBertTokenizer")),
             [Pooling(32, "mean_sqrt_len_tokens"),
              dense(15, 32, 32, torch.nn.ReLU(), use_residual=True),
              dense(16, 32, 28, torch.nn.SiLU(), use_residual=True),
              dense(17, 28, 28, torch.nn.Sigmoid(), bias=False),
              dense(18, 28, 20, torch.nn.Identity()), randomize(LayerNorm(20), 19),
              dense(20, 20, 20, torch.nn.GELU()), Dropout(0.1),
              dense(21, 20, 24, torch.nn.Tanh(), bias=False, use_residual=True)],
             dtype=torch.float16, max_seq_length=40)


def main():
    bert, cased, bpe = wordpiece(True), wordpiece(False), byte_level()
    old_layout_folders(bert, cased, bpe)
    scratch = ROOT / "scratch"
    shutil.rmtree(scratch, ignore_errors=True)
    try:
        new_layout_folders(bert, cased, bpe, scratch)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    main()
