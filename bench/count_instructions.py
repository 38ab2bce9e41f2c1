#!/usr/bin/env python3
"""Instructions per sentence inside Tokenizer::Encode, counted by callgrind: no neighbour moves them.

    bench/count_instructions.py --texts sentences.txt TOKENIZER...

Writes bench/results/tokenizer-instructions.json. tokenizer_bench makes one cold pass and three warm
ones over its texts; a second run over the texts written twice tells the two kinds apart. callgrind
knows no AVX-512, so this is the AVX2 path.
"""

import argparse
import json
import pathlib
import re
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
WARM_PASSES = 3


def count(bench, tokenizer, texts):
    with tempfile.TemporaryDirectory() as folder:
        lines = pathlib.Path(folder, "texts")
        lines.write_text("".join(text + "\n" for text in texts), "utf-8")
        out = pathlib.Path(folder, "callgrind.out")
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}"]
        command += ["--toggle-collect=embedserve::TokenizerImpl::Encode*"]
        run = subprocess.run([*command, bench, tokenizer, lines, "0"], capture_output=True, text=True, check=True)
        passes = json.loads(run.stdout)["passes"]
        if passes != WARM_PASSES:
            raise SystemExit(f"{tokenizer}: {passes} warm passes, expected {WARM_PASSES}")
        return int(re.search(r"^summary: (\d+)", out.read_text(), re.M)[1])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tokenizers", nargs="+", type=pathlib.Path)
    parser.add_argument("--texts", type=pathlib.Path, required=True, help="one text a line")
    parser.add_argument("--limit", type=int, default=1000, help="take the first so many texts")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "bench")
    arguments = parser.parse_args()
    texts = arguments.texts.read_text("utf-8").splitlines()[: arguments.limit]
    results = {}
    for tokenizer in arguments.tokenizers:
        bench = arguments.build / "bench" / "tokenizer_bench"
        once, twice = (count(bench, tokenizer, texts * copies) for copies in (1, 2))
        # once = cold + 3 warm, twice = cold + 7 warm
        warm = (twice - once) / 4
        name = "/".join(tokenizer.parts[-2:])
        results[name] = {
            "warm_instructions_per_sentence": round(warm / len(texts)),
            "cold_instructions_per_sentence": round((once - WARM_PASSES * warm) / len(texts)),
        }
        print(name, results[name], flush=True)
    bytes_ = sum(len(text.encode()) for text in texts)
    record = {"texts": len(texts), "bytes": bytes_, "tokenizers": results}
    (ROOT / "bench" / "results" / "tokenizer-instructions.json").write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
