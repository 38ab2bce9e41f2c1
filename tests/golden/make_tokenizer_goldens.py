#!/usr/bin/env python3
"""Writes tokenizer_folders.json: ids by AutoTokenizer for folders with each key and file that
changes a tokenizer, present and absent (README.md). A case lists its files as folders.py says."""

import json
import shutil
import tempfile
from pathlib import Path

import folders
import oracle
import texts
from folders import copy
from sentence_transformers.base.modules import Transformer
from transformers import AutoTokenizer

TEXTS = [t for t in texts.FEW if len(t) < 120] + [
    "Héllo WÖRLD naïve", "UPPER lower MiXeD", "don't DON'T I'LL x's", "  two  spaces ",
    "\tand\n\nlines",
    "中文字 mixed 漢字かな", "a[MASK]b  [MASK]  c", "x <mask>  y", "Hello<mask>world", "[NEW] token",
    "x[NEW]y",
    "x [NEW] y", "the newtok here", "thenewtokhere", "The NEWTOK Here", "NewTok", "new tok",
    "<s>x</s>", "[UNK] <unk>", "éÉ e\u0301", "ﬁ ™ ½", "İstanbul ΣΑΣ", " leading", "a  b",
    "x\u00a0y", "\u3000",
    "[CLS] a [SEP] b [PAD]", "don\u2019t \u201cquote\u201d", "12.50 1,000", "#hash ##ing",
    "zzzzzz qqq", "𝔘 ☃"]

LIMIT_TEXTS = ["", "a", texts.PLAIN[0], "Hello<mask>world", " two  spaces ", "中文字 mixed 漢字かな",
               "x[SEP]y <s> </s>", "a\u3000b", "don't DON'T",
               "don't stop at the first of the words"]

BERT, CASED, ROBERTA = "models/tiny-bert", "models/bert-old-flags", "models/tiny-roberta"
NEW = {"content": "[NEW]", "lstrip": False, "normalized": False, "rstrip": False,
       "single_word": False, "special": True}
WORD = {"content": "newtok", "lstrip": False, "normalized": True, "rstrip": False,
        "single_word": False, "special": False}


def bert(name, config=None, base=BERT, patch=None, model_type="bert", **files):
    """A folder with a WordPiece tokenizer.json and this tokenizer_config.json."""
    out = {"tokenizer.json": copy(f"{base}/tokenizer.json", patch)}
    if config is not None:
        out["tokenizer_config.json"] = {"json": config}
    return {"name": name, "model_type": model_type, "files": out | files}


def roberta(name, config=None, patch=None, model_type="roberta", **files):
    return bert(name, config, ROBERTA, patch, model_type, **files)


def wordpiece_cases():
    yield bert("bert: tokenizer.json alone")
    yield bert("bert: cased tokenizer.json alone is lower-cased", base=CASED)
    yield bert("bert: empty tokenizer_config", {})
    yield bert("bert: class in config.json only", model_type="bert",
               **{"config.json": {"json": {"model_type": "bert",
                                           "tokenizer_class": "BertTokenizer"}}})
    for name in ("BertTokenizer", "BertTokenizerFast", "DistilBertTokenizer",
                 "DistilBertTokenizerFast", "ElectraTokenizer", "ElectraTokenizerFast",
                 "LayoutLMTokenizer"):
        yield bert(f"bert: {name}", {"tokenizer_class": name})
        yield bert(f"bert: {name}, cased", {"tokenizer_class": name, "do_lower_case": False},
                   base=CASED)
    yield bert("bert: BertTokenizer beats model_type roberta", {"tokenizer_class": "BertTokenizer"},
               model_type="roberta")
    yield bert("distilbert: by model_type", {}, model_type="distilbert")
    for name in ("PreTrainedTokenizerFast", "TokenizersBackend", "PreTrainedTokenizer"):
        yield bert(f"bert: {name} takes the file", {"tokenizer_class": name}, base=CASED)
        yield bert(f"bert: {name} ignores do_lower_case",
                   {"tokenizer_class": name, "do_lower_case": True,
                    "tokenize_chinese_chars": False}, base=CASED)
    for lower in (None, True, False):
        for strip in (None, True, False):
            config = {"tokenizer_class": "BertTokenizer"}
            config |= {} if lower is None else {"do_lower_case": lower}
            config |= {} if strip is None else {"strip_accents": strip}
            yield bert(f"bert: do_lower_case {lower}, strip_accents {strip}", config)
    yield bert("bert: strip_accents null", {"do_lower_case": False, "strip_accents": None})
    for chinese in (True, False):
        yield bert(f"bert: tokenize_chinese_chars {chinese}",
                   {"tokenizer_class": "BertTokenizer", "tokenize_chinese_chars": chinese})
    yield bert("bert: the file's normalizer does not count", {"tokenizer_class": "BertTokenizer"},
               patch={"normalizer": {"clean_text": False, "handle_chinese_chars": False,
                                     "strip_accents": False, "lowercase": False}})
    yield bert("bert: the file's normalizer counts as it stands",
               {"tokenizer_class": "PreTrainedTokenizerFast"},
               patch={"normalizer": {"clean_text": False, "handle_chinese_chars": False,
                                     "strip_accents": False, "lowercase": False}})
    yield bert("bert: the file's word limit does not count", {"tokenizer_class": "BertTokenizer"},
               patch={"model": {"max_input_chars_per_word": 4}})
    yield bert("bert: the file's word limit counts as it stands",
               {"tokenizer_class": "PreTrainedTokenizerFast"},
               patch={"model": {"max_input_chars_per_word": 4}})
    yield bert("bert: truncation and padding of the file are off",
               {"tokenizer_class": "BertTokenizer"},
               patch={"truncation": {"direction": "Left", "max_length": 5, "stride": 0,
                                     "strategy": "LongestFirst"},
                      "padding": {"strategy": {"Fixed": 16}, "direction": "Left",
                                  "pad_to_multiple_of": 8, "pad_id": 0, "pad_type_id": 0,
                                  "pad_token": "[PAD]"}})
    yield bert("bert: model_max_length 1e30", **{"tokenizer_config.json": {
        "text": '{"model_max_length": 1000000000000000019884624838656}'}})
    yield bert("bert: model_max_length 512, cut at the start",
               {"model_max_length": 512, "truncation_side": "left"})
    vocabulary = copy(f"{BERT}/vocab.txt")
    for name, config in (("", None), (" and tokenizer_config",
                                      {"tokenizer_class": "BertTokenizer",
                                       "do_lower_case": False})):
        files = {"vocab.txt": vocabulary}
        if config:
            files["tokenizer_config.json"] = {"json": config}
        yield {"name": f"bert: vocab.txt{name}", "model_type": "bert", "files": files}
    text = (oracle.HERE / BERT / "vocab.txt").read_text(encoding="utf-8")
    yield {"name": "bert: vocab.txt with CRLF, trailing spaces, no last line end",
           "model_type": "bert",
           "files": {"vocab.txt": {"text": text.replace("\n", " \r\n").rstrip()}}}
    yield {"name": "bert: vocab.txt with a token twice", "model_type": "bert",
           "files": {"vocab.txt": {"text": text + "the\n[SEP]\n"}}}
    yield {"name": "bert: vocab.txt with an empty line", "model_type": "bert",
           "files": {"vocab.txt": {"text": text + "\nafter\n"}}}


def mpnet_cases():
    named = {"bos_token": "<s>", "cls_token": "<s>", "eos_token": "</s>", "mask_token": "<mask>",
             "pad_token": "<pad>", "sep_token": "</s>", "unk_token": "[UNK]"}
    vocabulary = {"[PAD]": None, "[CLS]": None, "[SEP]": None, "[MASK]": None, "<pad>": 0, "<s>": 2,
                  "</s>": 3, "<mask>": 4}
    added = [NEW | {"id": i, "content": t, "lstrip": t == "<mask>"}
             for i, t in ((0, "<pad>"), (1, "[UNK]"), (2, "<s>"), (3, "</s>"), (4, "<mask>"))]
    patch = {"model": {"vocab": vocabulary}, "added_tokens": added,
             "post_processor": {"type": "RobertaProcessing", "sep": ["</s>", 3], "cls": ["<s>", 2],
                                "trim_offsets": True, "add_prefix_space": False,
                                "single": None, "pair": None, "special_tokens": None}}
    yield bert("mpnet: named tokens", named | {"tokenizer_class": "MPNetTokenizer"}, patch=patch,
               model_type="mpnet")
    yield bert("mpnet: by model_type", named | {"do_lower_case": False}, patch=patch,
               model_type="mpnet")


def byte_level_cases():
    yield roberta("roberta: tokenizer.json alone")
    yield roberta("roberta: empty tokenizer_config", {})
    for name in ("RobertaTokenizer", "RobertaTokenizerFast", "LongformerTokenizer"):
        yield roberta(f"roberta: {name}", {"tokenizer_class": name})
    yield roberta("xlm-roberta: RobertaTokenizer beats model_type",
                  {"tokenizer_class": "RobertaTokenizer"}, model_type="xlm-roberta")
    for value in (True, False):
        yield roberta(f"roberta: add_prefix_space {value}",
                      {"tokenizer_class": "RobertaTokenizer", "add_prefix_space": value})
    spaced = {"pre_tokenizer": {"add_prefix_space": True}}
    yield roberta("roberta: the file's prefix space does not count",
                  {"tokenizer_class": "RobertaTokenizer"}, patch=spaced)
    for name in ("PreTrainedTokenizerFast", "TokenizersBackend", "PreTrainedTokenizer"):
        yield roberta(f"roberta: {name} takes the file", {"tokenizer_class": name}, patch=spaced)
    lower = {"normalizer": {"type": "Lowercase"}}
    yield roberta("roberta: the file's normalizer does not count",
                  {"tokenizer_class": "RobertaTokenizer"}, patch=lower)
    yield roberta("roberta: ignore_merges does not count", {"tokenizer_class": "RobertaTokenizer"},
                  patch={"model": {"ignore_merges": True}})
    yield roberta("roberta: trim_offsets", {"tokenizer_class": "RobertaTokenizer",
                                            "trim_offsets": False, "errors": "ignore"})
    yield roberta("roberta: truncation in the file",
                  {"tokenizer_class": "RobertaTokenizer"},
                  patch={"truncation": {"direction": "Left", "max_length": 5, "stride": 0,
                                        "strategy": "LongestFirst"}})
    old = json.loads((oracle.HERE / ROBERTA / "tokenizer.json").read_text())["model"]["merges"]
    yield roberta("roberta: merges as strings", {"tokenizer_class": "RobertaTokenizer"},
                  patch={"model": {"merges": [" ".join(m) for m in old]}})
    files = {name: copy(f"{ROBERTA}/{name}") for name in ("vocab.json", "merges.txt")}
    for name, more in (
            ("", {}),
            (", tokenizer_config", {"tokenizer_config.json": {
                "json": {"tokenizer_class": "RobertaTokenizer", "add_prefix_space": True}}}),
            (", special_tokens_map", {
                "special_tokens_map.json": copy(f"{ROBERTA}/special_tokens_map.json")}),
            (", everything", {
                "special_tokens_map.json": copy(f"{ROBERTA}/special_tokens_map.json"),
                "tokenizer_config.json": copy(f"{ROBERTA}/tokenizer_config.json")})):
        yield {"name": f"roberta: vocab.json and merges.txt{name}", "model_type": "roberta",
               "files": files | more}
    merges = (oracle.HERE / ROBERTA / "merges.txt").read_text(encoding="utf-8")
    yield {"name": "roberta: merges.txt with CRLF, no version line", "model_type": "roberta",
           "files": {"vocab.json": files["vocab.json"], "merges.txt": {
               "text": merges.split("\n", 1)[1].replace("\n", "\r\n")}}}


def added_token_cases():
    """Every way to name one: the decoder, the map, added_tokens.json, the file's own list."""
    own = {family: json.loads((oracle.HERE / base / "tokenizer.json").read_text())["added_tokens"]
           for family, base in (("bert", BERT), ("roberta", ROBERTA))}
    for family, make, count in (("bert", bert, 420), ("roberta", roberta, 451)):
        name = {"bert": "BertTokenizer", "roberta": "RobertaTokenizer"}[family]
        decoder = {str(t["id"]): {k: v for k, v in t.items() if k != "id"} for t in own[family]}
        base = {"tokenizer_class": name}
        more = {str(count): NEW, str(count + 1): WORD}
        yield make(f"{family}: added_tokens_decoder",
                   base | {"added_tokens_decoder": decoder | more})
        for flag in ("lstrip", "rstrip", "single_word", "normalized"):
            changed = {k: v | {flag: not v[flag]} for k, v in more.items()}
            yield make(f"{family}: added_tokens_decoder, other {flag}",
                       base | {"added_tokens_decoder": decoder | changed})
        yield make(f"{family}: split_special_tokens",
                   base | {"added_tokens_decoder": decoder | more, "split_special_tokens": True})
        yield make(f"{family}: special_tokens_map", base, **{"special_tokens_map.json": {
            "json": {"mask_token": NEW | {"content": "<mask>" if family == "roberta" else "[MASK]",
                                          "rstrip": True}}}})
        yield make(f"{family}: additional_special_tokens in the map", base,
                   **{"special_tokens_map.json": {
                       "json": {"additional_special_tokens": ["[NEW]"]}}})
        yield make(f"{family}: additional_special_tokens in the config",
                   base | {"additional_special_tokens": ["[NEW]"]})
        yield make(f"{family}: extra_special_tokens in the config",
                   base | {"extra_special_tokens": ["[NEW]"]})
        yield make(f"{family}: added_tokens.json", base,
                   **{"added_tokens.json": {"json": {"[NEW]": count, "newtok": count + 1}}})
        yield make(f"{family}: the file's own list", base,
                   patch={"added_tokens": own[family] + [NEW | {"id": count},
                                                         WORD | {"id": count + 1}]})
        yield make(f"{family}: the file's own list, as it stands",
                   {"tokenizer_class": "PreTrainedTokenizerFast"},
                   patch={"added_tokens": own[family] + [NEW | {"id": count},
                                                         WORD | {"id": count + 1}]})
        yield make(f"{family}: named tokens in the config",
                   base | {"mask_token": "newtok" if family == "bert" else "<mask>",
                           "unk_token": {"bert": "[UNK]", "roberta": "<unk>"}[family]})


def lower_case_cases():
    """sentence_bert_config.json's do_lower_case: a Lowercase step before the tokenizer's own."""
    for case in (bert("lower-casing first: bert, cased", {"tokenizer_class": "BertTokenizer",
                                                          "do_lower_case": False}, base=CASED),
                 bert("lower-casing first: bert, uncased", {"tokenizer_class": "BertTokenizer"}),
                 roberta("lower-casing first: roberta", {"tokenizer_class": "RobertaTokenizer"}),
                 roberta("lower-casing first: roberta, vocabulary files",
                         {"tokenizer_class": "RobertaTokenizer"},
                         **{name: copy(f"{ROBERTA}/{name}") for name in ("vocab.json",
                                                                         "merges.txt")}),
                 roberta("lower-casing first: the file has one already",
                         {"tokenizer_class": "PreTrainedTokenizerFast"},
                         patch={"normalizer": {"type": "Lowercase"}})):
        if "vocab" in case["name"]:
            del case["files"]["tokenizer.json"]
        yield case | {"lower_case_first": True}


def materialise(case, folder):
    folders.write_files(case["files"], folder)
    if "config.json" not in case["files"]:
        (folder / "config.json").write_text(json.dumps({"model_type": case["model_type"]}))


def load_tokenizer(case, folder):
    if not case.get("lower_case_first"):
        return AutoTokenizer.from_pretrained(str(folder))
    base = oracle.HERE / (BERT if case["model_type"] == "bert" else ROBERTA)
    for path in base.glob("*.safetensors*"):
        shutil.copy(path, folder)
    shutil.copy(base / "config.json", folder)
    return Transformer(str(folder), do_lower_case=True).tokenizer


def answer(case):
    with tempfile.TemporaryDirectory() as name:
        materialise(case, Path(name))
        tokenizer = load_tokenizer(case, Path(name))
        length = tokenizer.model_max_length
        facts = {"class": type(tokenizer).__name__,
                 "model_max_length": None if length > 10**18 else length,
                 "truncation_side": tokenizer.truncation_side}
        if case.get("lower_case_first"):  # loaded as a module, which lowers it to the positions
            facts["model_max_length"] = None
        return [tokenizer(t)["input_ids"] for t in TEXTS], facts


def limits(base):
    """Ids cut to max_length, specials included, at either side."""
    tokenizer = AutoTokenizer.from_pretrained(str(oracle.HERE / base))
    rows = []
    for side in ("right", "left"):
        tokenizer.truncation_side = side
        for length in (2, 3, 4, 5, 7, 8, 12, 20):
            rows.append({"folder": base, "side": side, "max_length": length, "ids": [
                tokenizer(t, truncation=True, max_length=length)["input_ids"]
                for t in LIMIT_TEXTS]})
    return rows


def main():
    cases = [case for group in (wordpiece_cases, mpnet_cases, byte_level_cases, added_token_cases,
                                lower_case_cases) for case in group()]
    distinct = [[] for _ in TEXTS]  # most folders agree on most texts
    for case in cases:
        ids, facts = answer(case)
        case |= facts
        case["ids"] = []
        for row, known in zip(ids, distinct):
            if row not in known:
                known.append(row)
            case["ids"].append(known.index(row))
    assert len({case["name"] for case in cases}) == len(cases)
    oracle.write(oracle.HERE / "tokenizer_folders.json", {"versions": oracle.versions()},
                 {"texts": TEXTS, "distinct_ids": distinct, "cases": cases,
                  "limit_texts": LIMIT_TEXTS,
                  "limits": [row for base in (BERT, CASED, ROBERTA) for row in limits(base)]})
    print(len(cases), "cases,", sum(map(len, distinct)), "distinct answers")


if __name__ == "__main__":
    main()
