#!/usr/bin/env python3
"""The README's table of what scripts/gpu-test measured, from the file that a marker names:

  <!-- bench/gpu_table.py bench/results/gpu-test-CARD.json --> ... <!-- end -->

  bench/gpu_table.py           writes the README's tables anew
  bench/gpu_table.py --check   fails where the README does not say what the files say (a ctest)
"""

import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
MARKED = re.compile(r"(<!-- bench/gpu_table\.py (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)
COUNTS = (1, 32, 208, 1024, 4096)  # of sentences in a batch, those that PyTorch is measured with
# Row of kernel_bench -> its name in the table.
KERNELS = {
    "product qkv": "product, QKV",
    "product attention output": "product, attention's output",
    "product feed-forward 1": "product, feed-forward 1",
    "product feed-forward 2": "product, feed-forward 2",
    "product feed-forward 1 with erf-GELU, wgmma": "product with GELU (wgmma)",
    "product feed-forward 1 with erf-GELU, mma.sync": "product with GELU (mma.sync)",
    "attention": "attention",
    "bias + residual + norm": "bias, residual, norm",
    "embedding + norm": "embedding, norm",
    "mean pooling": "mean pooling",
}
# What kernel_bench compares a row with; bench/kernel_bench.cc says what each is.
CEILINGS = {
    "share_of_cublaslt": "cuBLASLt's fastest plan for the product alone",
    "share_of_copy": "copy speed",
    "share_of_ceiling": "the same bytes moved and nothing else",
}


def dump(record):
    """JSON with one measured row a line."""
    lists = {}

    def fold(value):
        if isinstance(value, list):
            key = f"@{len(lists)}@"
            lists[key] = "[\n" + ",\n".join(f"    {json.dumps(row)}" for row in value) + "\n  ]"
            return key
        if isinstance(value, dict):
            return {name: fold(item) for name, item in value.items()}
        return value

    text = json.dumps(fold(record), indent=2) + "\n"
    for key, rows in lists.items():
        text = text.replace(f'"{key}"', rows)
    return text


def time(microseconds):
    return f"{microseconds:.0f} µs" if microseconds < 1000 else f"{microseconds / 1000:.2f} ms"


def rate(row):
    return f"{row['sentences_per_s'] / 1000:.1f} k"


def verdicts(record):
    if "tests" in record:
        yield "{programs} test programs, {passed} tests passed, {skipped} skipped".format(**record["tests"])
    if "sanitizer" in record:
        tools = list(record["sanitizer"])
        yield f"{', '.join(tools[:-1])} and {tools[-1]} clean over {record['sanitizer'][tools[0]]['tests']} kernel tests"


def forward_rows(record):
    """A row a batch size: ours, and the fastest form of torch at that size."""
    torch = record.get("torch", {}).get("rows", [])
    for row in record.get("engine", []):
        if row["measured"] != "forward" or row["n"] not in COUNTS:
            continue
        best = max((other for other in torch if other["n"] == row["n"]), key=lambda other: other["sentences_per_s"],
                   default=None)
        theirs = f"{time(best['us'])} ({best['measured']}) | {best['us'] / row['us']:.2f} ×" if best else "– | –"
        yield f"| {row['n']} ({row['tokens']} tokens) | {time(row['us'])} | {rate(row)} | {theirs} |"


def kernel_rows(record):
    rows = {row["kernel"]: row for row in record.get("kernels", [])}
    for name, shown in KERNELS.items():
        row = rows.get(name)
        if row is None:
            continue
        share = "; ".join(f"{row[key]:.2f} of {of}" for key, of in CEILINGS.items() if key in row)
        yield f"| {shown}, {row['tokens']} tokens | {time(row['us'])} | | {share} | |"


def table(record):
    lines = [f"{record['card']}, driver {record['driver']}, commit {record['commit']}, {record['date']}: "
             f"{'; '.join(verdicts(record)) or 'no tests run'}.", ""]
    rows = [*forward_rows(record), *kernel_rows(record)]
    if rows:
        version = f" {record['torch']['version']}" if "torch" in record else ""
        lines += [f"| sentences | GPU time | sentences/s | PyTorch{version} | |", "|---|---|---|---|---|", *rows, ""]
    return "\n".join(lines)


def with_tables(readme, root):
    def replace(match):
        record = json.loads((root / match[2]).read_text(encoding="utf-8"))
        return match[1] + table(record) + match[3]

    return MARKED.sub(replace, readme)


def main():
    path = ROOT / "README.md"
    readme = path.read_text(encoding="utf-8")
    fresh = with_tables(readme, ROOT)
    if "--check" in sys.argv:
        if not MARKED.search(readme):
            sys.exit("README.md: no table of scripts/gpu-test: its marker is gone")
        if fresh != readme:
            sys.exit("README.md: a table differs from its file in bench/results: run bench/gpu_table.py")
    else:
        path.write_text(fresh, encoding="utf-8")


if __name__ == "__main__":
    main()
