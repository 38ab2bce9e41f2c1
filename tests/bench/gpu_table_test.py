#!/usr/bin/env python3
"""bench/gpu_table.py: a record of scripts/gpu-test -> the README's table."""

import json
import pathlib
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))
import gpu_table  # noqa: E402


def forward(n, us, measured="forward"):
    return {"measured": measured, "n": n, "tokens": 27 * n, "us": us, "sentences_per_s": round(n / us * 1e6)}


RECORD = {
    "what": "scripts/gpu-test", "card": "Card", "driver": "1.2", "commit": "abc", "date": "2026-01-01",
    "tests": {"programs": 2, "passed": 7, "skipped": 1},
    "sanitizer": {"memcheck": {"programs": 2, "tests": 5}, "racecheck": {"programs": 2, "tests": 5}},
    "kernels": [{"kernel": "attention", "tokens": 64, "us": 21.6, "share_of_copy": 0.954, "share_of_peak": 0.1},
                {"kernel": "product feed-forward 1 with erf-GELU, wgmma", "tokens": 64, "us": 10.0,
                 "share_of_cublaslt": 0.8},
                {"kernel": "mean pooling", "tokens": 64, "us": 3.0, "share_of_copy": 0.5, "share_of_ceiling": 0.9},
                {"kernel": "not in the table", "tokens": 64, "us": 1.0, "share_of_copy": 1.0}],
    "engine": [forward(1, 150.4), forward(3, 160), forward(1024, 4500), forward(1, 400, "engine, one at a time")],
    "torch": {"version": "9.9", "rows": [forward(1, 600, "slow"), forward(1, 451.2, "fast")]},
}


class GpuTable(unittest.TestCase):
    def test_shows_each_size_beside_the_fastest_form_of_torch(self):
        self.assertEqual(gpu_table.table(RECORD), "\n".join([
            "Card, driver 1.2, commit abc, 2026-01-01: 2 test programs, 7 tests passed, 1 skipped; memcheck and "
            "racecheck clean over 5 kernel tests.", "",
            "| sentences | GPU time | sentences/s | PyTorch 9.9 | |", "|---|---|---|---|---|",
            "| 1 (27 tokens) | 150 µs | 6.6 k | 451 µs (fast) | 3.00 × |",
            "| 1024 (27648 tokens) | 4.50 ms | 227.6 k | – | – |",
            "| product with GELU (wgmma), 64 tokens | 10 µs | | 0.80 of cuBLASLt's fastest plan for the "
            "product alone | |",
            "| attention, 64 tokens | 22 µs | | 0.95 of copy speed | |",
            "| mean pooling, 64 tokens | 3 µs | | 0.50 of copy speed; 0.90 of the same bytes moved and nothing else | |",
            ""]))

    def test_says_what_did_not_run(self):
        self.assertEqual(gpu_table.table({key: RECORD[key] for key in ("card", "driver", "commit", "date")}),
                         "Card, driver 1.2, commit abc, 2026-01-01: no tests run.\n")

    def test_writes_rows_as_lines_and_loses_nothing(self):
        text = gpu_table.dump(RECORD)
        self.assertEqual(json.loads(text), RECORD)
        self.assertIn('\n    {"kernel": "attention", ', text)

    def test_replaces_what_stands_between_the_markers_and_nothing_else(self):
        with tempfile.TemporaryDirectory() as root:
            (pathlib.Path(root) / "a.json").write_text(gpu_table.dump(RECORD), encoding="utf-8")
            readme = "before\n<!-- bench/gpu_table.py a.json -->\nold\n<!-- end -->\nafter\n"
            fresh = gpu_table.with_tables(readme, pathlib.Path(root))
            self.assertEqual(fresh, readme.replace("old\n", gpu_table.table(RECORD)))
            self.assertEqual(gpu_table.with_tables(fresh, pathlib.Path(root)), fresh)


if __name__ == "__main__":
    unittest.main()
