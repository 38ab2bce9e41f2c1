#!/usr/bin/env python3
"""Writes folder_variants.{json,f32}: what the reference reads from a tiny folder after one change
to its files, and the embeddings it then gives (README.md). embedserve accepts each change."""

import shutil
import tempfile
from pathlib import Path

import folders
import oracle
import texts
from folders import copy
from make_embedding_goldens import encode, facts, token_ids

STRINGS = ["", texts.PLAIN[0], " " + texts.PLAIN[20], "ÄÖÜ İ Σας <mask> [MASK]",
           " ".join(texts.PLAIN[:8])]
OLD_FLAGS = ("cls_token", "max_tokens", "mean_tokens", "mean_sqrt_len_tokens",
             "weightedmean_tokens", "lasttoken")


def change(name, base, **files):
    """A copy of models/BASE with these files changed, or gone. In a keyword "__" stands for "/",
    a final "_json" for ".json"."""
    files = {k.replace("__", "/").removesuffix("_json") + ".json": v for k, v in files.items()}
    return {"name": f"{base}: {name}", "base": base, "files": files}


def patch(base, path, **keys):
    return copy(f"models/{base}/{path}", keys)


def pooling(name, base="tiny-bert", **keys):
    """1_Pooling/config.json with these keys only."""
    return change(f"pooling, {name}", base, **{"1_Pooling__config_json": {"json": keys}})


def pooling_cases():
    flags = {f"pooling_mode_{flag}": False for flag in OLD_FLAGS}
    width = {"word_embedding_dimension": 32}
    yield pooling("every old flag false", **width, **flags)
    yield pooling("no flag", **width)
    for flag in OLD_FLAGS:
        yield pooling(flag, **width, **(flags | {f"pooling_mode_{flag}": True}))
    yield pooling("three old flags, in another order",
                  **width, pooling_mode_lasttoken=True, pooling_mode_weightedmean_tokens=True,
                  pooling_mode_cls_token=True)
    yield pooling("every old flag", **width, **{key: True for key in flags})
    yield pooling("pooling_mode beats old flags", **width, **flags | {
        "pooling_mode_cls_token": True}, pooling_mode="max")
    yield pooling("a list of one", embedding_dimension=32, pooling_mode=["cls"])
    yield pooling("a list with a repeat", embedding_dimension=32, pooling_mode=["max", "cls",
                                                                                "max"])


def length_cases():
    config = "sentence_bert_config_json"
    for base, key in (("tiny-bert", "bert"), ("tiny-roberta", "roberta")):
        yield change("max_seq_length null", base, **{config: {"json": {"max_seq_length": None}}})
        yield change("no max_seq_length", base, **{config: {"json": {"do_lower_case": False}}})
        yield change("max_seq_length 3", base, **{config: {"json": {"max_seq_length": 3}}})
        yield change("max_seq_length above the positions", base,
                     **{config: {"json": {"max_seq_length": 512}}})
        yield change("sentence_bert_config.json empty", base, **{config: {"json": {}}})
        yield change("no sentence_bert_config.json", base, **{config: None})
    for other in ("roberta", "distilbert", "camembert", "albert", "xlm-roberta", "xlnet"):
        yield change(f"sentence_{other}_config.json instead", "tiny-bert", **{
            config: None, f"sentence_{other}_config_json": {"json": {"max_seq_length": 9}}})
    yield change("two sentence_*_config.json", "tiny-bert", **{
        config: None, "sentence_xlnet_config_json": {"json": {"max_seq_length": 9}},
        "sentence_distilbert_config_json": {"json": {"max_seq_length": 11}}})
    tokenizer = "tokenizer_config_json"
    for length in (20, 1000):
        yield change(f"model_max_length {length} alone", "tiny-bert", **{
            config: None, tokenizer: patch("tiny-bert", "tokenizer_config.json",
                                           model_max_length=length)})
    yield change("model_max_length below max_seq_length", "tiny-bert", **{
        tokenizer: patch("tiny-bert", "tokenizer_config.json", model_max_length=10)})
    yield change("do_lower_case", "tiny-roberta", **{
        config: {"json": {"max_seq_length": 64, "do_lower_case": True}}})
    yield change("do_lower_case before a lower-casing tokenizer", "tiny-bert", **{
        config: {"json": {"max_seq_length": 64, "do_lower_case": True}}})


def config_cases():
    name = "config_sentence_transformers_json"
    yield change("no config_sentence_transformers.json", "tiny-bert", **{name: None})
    yield change("config_sentence_transformers.json of version 2.0.0", "tiny-bert", **{
        name: {"json": {"__version__": {"sentence_transformers": "2.0.0"}}}})
    yield change("similarity null", "tiny-bert", **{
        name: {"json": {"similarity_fn_name": None}}})
    yield change("prompts of null", "tiny-bert", **{
        name: {"json": {"prompts": {"query": None, "x": "y: "}, "default_prompt_name": "x"}}})
    yield change("query and document prompts, none of it the default", "tiny-bert", **{
        name: {"json": {"prompts": {"query": "q: ", "document": "d: "}}}})
    yield change("only a passage prompt", "tiny-bert", **{
        name: {"json": {"prompts": {"passage": "p: "}}}})
    yield change("truncate_dim before its Normalize is undone", "tiny-bert", **{
        name: {"json": {"truncate_dim": 7}}})
    yield change("keys nobody knows", "tiny-bert", **{
        "config_json": patch("tiny-bert", "config.json", made_up=1, problem_type=None)})
    for act in ("gelu", "gelu_new", "gelu_pytorch_tanh", "gelu_fast", "quick_gelu", "relu", "silu",
                "swish"):
        yield change(f"hidden_act {act}", "tiny-bert", **{
            "config_json": patch("tiny-bert", "config.json", hidden_act=act)})
    yield change("hidden_act, layer_norm_eps and pad_token_id absent", "tiny-roberta", **{
        "config_json": patch("tiny-roberta", "config.json", hidden_act=None, layer_norm_eps=None,
                             pad_token_id=None)})
    yield change("layer_norm_eps 0.5", "tiny-roberta", **{
        "config_json": patch("tiny-roberta", "config.json", layer_norm_eps=0.5)})
    yield change("eight heads", "tiny-bert", **{
        "config_json": patch("tiny-bert", "config.json", num_attention_heads=8)})
    yield change("torch_dtype of another type than the weights", "tiny-bert", **{
        "config_json": patch("tiny-bert", "config.json", torch_dtype="float16")})


def module_cases():
    yield change("modules.json absent, its companions stay", "tiny-distilbert", modules_json=None)
    yield change("modules.json absent, its companions stay", "tiny-roberta", modules_json=None)
    names = {"Transformer": "sentence_transformers.models.Transformer",
             "Pooling": "sentence_transformers.models.Pooling",
             "Normalize": "sentence_transformers.models.Normalize"}
    new = {"Transformer": "sentence_transformers.base.modules.transformer.Transformer",
           "Pooling": "sentence_transformers.sentence_transformer.modules.pooling.Pooling",
           "Normalize": "sentence_transformers.base.modules.normalize.Normalize"}
    middle = new | {"Normalize":
                    "sentence_transformers.sentence_transformer.modules.normalize.Normalize"}

    def modules(types, first_path="", count=3, **more):
        return {"json": [{"idx": i, "name": str(i), "path": f"{i}_{kind}" if i else first_path,
                          "type": types[kind]} | more
                         for i, kind in enumerate(list(types)[:count])]}

    yield change("modules of today's spelling", "tiny-bert", modules_json=modules(new))
    yield change("modules of 5.x's spelling", "tiny-bert", modules_json=modules(middle))
    yield change("without its Normalize", "tiny-bert", modules_json=modules(names, count=2))
    yield change("kwargs empty", "tiny-bert", modules_json=modules(names, kwargs=[]))
    moved = change("the Transformer in its own folder", "tiny-bert",
                   modules_json=modules(names, "0_Transformer"))
    for file in ("config.json", "model.safetensors", "sentence_bert_config.json",
                 "special_tokens_map.json", "tokenizer.json", "tokenizer_config.json", "vocab.txt"):
        moved["files"] |= {file: None, f"0_Transformer/{file}": copy(f"models/tiny-bert/{file}")}
    yield moved
    config = "2_Dense__config_json"
    base = {"in_features": 96, "out_features": 40, "bias": False}
    yield change("Dense without an activation", "bert-old-flags", **{config: {"json": base}})
    for kind in ("activation.Tanh", "activation.ReLU", "activation.SiLU", "activation.Sigmoid",
                 "linear.Identity"):
        yield change(f"Dense {kind}", "bert-old-flags", **{config: {
            "json": base | {"activation_function": f"torch.nn.modules.{kind}"}}})
    yield change("Dense GELU, no bias key", "tiny-distilbert", **{
        "3_Dense__config_json": {"json": {
            "in_features": 32, "out_features": 24,
            "activation_function": "torch.nn.modules.activation.GELU"}}})
    for base in ("tiny-bert", "tiny-roberta"):
        yield change("no tokenizer.json, vocabulary files only", base, tokenizer_json=None)


def main():
    cases, rows, seen = [], [], set()
    for case in (c for group in (pooling_cases, length_cases, config_cases, module_cases)
                 for c in group()):
        assert case["name"] not in seen, case["name"]
        seen.add(case["name"])
        with tempfile.TemporaryDirectory() as name:
            shutil.copytree(oracle.HERE / "models" / case["base"], name, dirs_exist_ok=True)
            folders.write_files(case["files"], Path(name))
            model = oracle.load(name)
            result = encode(model, STRINGS)
            prompt = model.prompts[model.default_prompt_name] if model.default_prompt_name else ""
            cases.append(case | {
                "facts": facts(model), "ids": token_ids(model, STRINGS, prompt),
                "width": int(result.shape[1]), "offset": sum(r.size for r in rows),
                "texts": list(range(len(STRINGS)))})
            rows.append(result)
    oracle.write(oracle.HERE / "folder_variants.json", {"versions": oracle.versions()},
                 {"texts": STRINGS, "cases": cases})
    oracle.write_rows(oracle.HERE / "folder_variants.f32", rows)
    print(len(cases), "variants,", sum(r.size for r in rows) * 4, "bytes")


if __name__ == "__main__":
    main()
