#!/usr/bin/env python3
"""Tokenizers on one core: embedserve beside the Python package "tokenizers", in one run.

    bench/compare_tokenizers.py --data ../shared/data --build build/bench [--only roberta,bert]

Needs an optimised tokenizer_bench and a Python with "tokenizers". Both sides get the same texts in
batches of 256 and take turns for --rounds rounds; a side is idle while the other is measured. Each
of our rounds is a new process: its first pass is the cold figure, the best of the passes after it
the warm one. The package's figure is its best way on one thread (encode_batch_fast, encode_batch,
encode; ids read) after a pass that fills its word cache, so both ratios are against a warm package.
The ids of both sides must be equal. The medians over the rounds are printed, then the time of
adversarial texts and of twice as long ones, and all is written to
bench/results/tokenizer-<name>.json. Both sides' times are CPU time of their one thread: on a machine
with neighbours the clock on the wall would count their slices too.
"""

import argparse
import array
import json
import os
import pathlib
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time

os.environ["RAYON_NUM_THREADS"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

import tokenizers  # noqa: E402  (reads the variables above)

ROOT = pathlib.Path(__file__).resolve().parent.parent
BATCH = 256
TOKENIZERS = {
    "roberta": "roberta/tokenizer.json",
    "bert": "bert/bert-base-uncased/tokenizer.json",
    "bert-multilingual": "bert/bert-base-multilingual-cased/tokenizer.json",
    "unigram": "unigram/t5-small/tokenizer.json",
}
# Codes of Tatoeba's languages, each a set of texts of its own.
LANGUAGES = ("cmn", "jpn", "kor", "tha", "rus", "ell", "ara", "heb", "hin", "tur")


def parse():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=pathlib.Path, required=True, help="vocabularies and corpora")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "bench")
    parser.add_argument("--only", default=",".join(TOKENIZERS), help="names, separated by commas")
    parser.add_argument("--sets", default="english,large,all,languages", help="sets of texts")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.5, help="our warm passes of a round")
    parser.add_argument("--commit", help="of a build that was carried here; default: this tree's")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "bench" / "results")
    return parser.parse_args()


def text_sets(data, wanted):
    """Name -> texts: MRPC's sentences, 86 thousand distinct English ones, and Tatoeba's by language
    and all together."""
    sets = {}
    if "large" in wanted:
        sets["english-large"] = (data / "corpus" / "en-sentences.txt").read_text("utf-8").split("\n")
    if "english" in wanted:
        rows = (data / "mrpc-train.tsv").read_text("utf-8").splitlines()
        sets["english"] = [text for row in rows for text in row.split("\t")[1:]]
    rows = (data / "corpus" / "tatoeba-multilingual.tsv").read_text("utf-8").splitlines()
    pairs = [row.split("\t")[:2] for row in rows]
    if "all" in wanted:
        sets["tatoeba"] = [text for _, text in pairs]
    if "languages" in wanted:
        for language in LANGUAGES:
            sets[language] = [text for code, text in pairs if code == language]
    return {name: [text for text in texts if text] for name, texts in sets.items()}


def package_seconds(tokenizer, texts):
    """Best pass over the texts in each way that the package offers."""
    batches = [texts[i : i + BATCH] for i in range(0, len(texts), BATCH)]

    def fast():
        for batch in batches:
            [encoding.ids for encoding in tokenizer.encode_batch_fast(batch)]

    def plain():
        for batch in batches:
            [encoding.ids for encoding in tokenizer.encode_batch(batch)]

    def single():
        for text in texts:
            tokenizer.encode(text).ids

    times = {}
    for way in (fast, plain, single):
        start = time.process_time()
        way()
        times[way.__name__] = time.process_time() - start
    return times


def compare(name, file, texts, arguments):
    reference = tokenizers.Tokenizer.from_file(str(file))
    reference.no_truncation()
    reference.no_padding()
    with tempfile.TemporaryDirectory() as folder:
        lines, ids = pathlib.Path(folder, "texts"), pathlib.Path(folder, "ids")
        lines.write_text("".join(text + "\n" for text in texts), "utf-8")
        command = [arguments.build / "bench" / "tokenizer_bench", file, lines, str(arguments.seconds)]
        expected = array.array("i")
        for encoding in reference.encode_batch_fast(texts):
            expected.extend(encoding.ids)
        run = subprocess.run([*command, ids], capture_output=True, text=True)
        if run.returncode:
            return print(f"{name}: {run.stderr.strip()}")
        if ids.read_bytes() != expected.tobytes():
            sys.exit(f"{name}: the ids differ")
        rounds = []
        for _ in range(arguments.rounds):
            run = subprocess.run(command, capture_output=True, text=True, check=True)
            rounds.append({"ours": json.loads(run.stdout), "package": package_seconds(reference, texts)})
    return summary(name, texts, rounds)


def summary(name, texts, rounds):
    ours = [entry["ours"] for entry in rounds]
    bytes_, count = ours[0]["bytes"], len(texts)
    package = [min(entry["package"].values()) for entry in rounds]

    def median(values):
        return statistics.median(list(values))

    warm, cold = (median(entry[key] for entry in ours) for key in ("warm_seconds", "cold_seconds"))
    result = {
        "texts": count,
        "bytes": bytes_,
        "ids": ours[0]["ids"],
        "load_seconds": median(entry["load_seconds"] for entry in ours),
        "package_best_way": min(rounds[-1]["package"], key=rounds[-1]["package"].get),
        "package_sentences_per_second": count / median(package),
        "warm_sentences_per_second": count / warm,
        "cold_sentences_per_second": count / cold,
        "warm_ns_per_sentence": warm / count * 1e9,
        "cold_ns_per_sentence": cold / count * 1e9,
        "warm_mb_per_second": bytes_ / warm / 1e6,
        "package_mb_per_second": bytes_ / median(package) / 1e6,
        "warm_ratio": median(p / o["warm_seconds"] for p, o in zip(package, ours)),
        "cold_ratio": median(p / o["cold_seconds"] for p, o in zip(package, ours)),
        "rounds": rounds,
    }
    print(
        f"{name:28} {count:6} texts {bytes_ / count:6.0f} bytes each | package"
        f" {result['package_sentences_per_second'] / 1e3:7.1f} k/s {result['package_mb_per_second']:6.2f} MB/s | warm"
        f" {result['warm_sentences_per_second'] / 1e3:8.1f} k/s {result['warm_mb_per_second']:7.1f} MB/s"
        f" {result['warm_ratio']:6.1f}x | cold {result['cold_sentences_per_second'] / 1e3:8.1f} k/s"
        f" {result['cold_ratio']:6.1f}x",
        flush=True,
    )
    return result


def adversarial_texts(size):
    """Texts of about `size` bytes that make careless code quadratic."""
    letters = random.Random(1)
    return {
        "one letter": "a" * size,
        "no space": "".join(letters.choices("abcdefghijklmnopqrstuvwxyz", k=size)),
        "spaces": " " * size,
        "apostrophes": "'" * size,
        "combining marks": "a" + "\u0301\u0316" * (size // 4),
        "ideographs": "".join(chr(letters.randint(0x4E00, 0x9FA5)) for _ in range(size // 3)),
        "added tokens": "<mask>[MASK]</s>" * (size // 16),
    }


def doubling(file, arguments):
    """Seconds for a text of a megabyte and for one of two: buffers touched, best of the rounds."""
    result = {}
    for name, text in adversarial_texts(1 << 20).items():
        seconds = []
        for size in (1, 2):
            best = []
            for _ in range(arguments.rounds):
                with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".txt") as lines:
                    lines.write(text * size + "\n")
                    lines.flush()
                    command = [arguments.build / "bench" / "tokenizer_bench", file, lines.name, "0"]
                    run = subprocess.run(command, capture_output=True, text=True, check=True)
                    best.append(json.loads(run.stdout)["warm_seconds"])
            seconds.append(min(best))
        result[name] = {"seconds": seconds, "ratio": seconds[1] / seconds[0]}
        print(f"  {name:18} {seconds[0] * 1e3:7.2f} ms a MiB, twice as long {result[name]['ratio']:.2f}x", flush=True)
    return result


def cpu_name():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def main():
    arguments = parse()
    sets = text_sets(arguments.data, arguments.sets.split(","))
    for name in arguments.only.split(","):
        file = arguments.data / TOKENIZERS[name]
        results = {key: compare(f"{name} {key}", file, texts, arguments) for key, texts in sets.items()}
        commit = subprocess.run(
            ["git", "-C", ROOT, "describe", "--always", "--dirty"], capture_output=True, text=True
        )
        record = {
            "cpu": cpu_name(),
            "clock": "CPU time of the one thread",
            "commit": arguments.commit or commit.stdout.strip(),
            "tokenizers": tokenizers.__version__,
            "python": platform.python_version(),
            "vocabulary": TOKENIZERS[name],
            "sets": {key: value for key, value in results.items() if value},
        }
        if record["sets"]:
            record["adversarial"] = doubling(file, arguments)
            arguments.out.mkdir(parents=True, exist_ok=True)
            out = arguments.out / f"tokenizer-{name}.json"
            out.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
