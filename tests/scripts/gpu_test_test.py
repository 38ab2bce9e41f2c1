#!/usr/bin/env python3
"""scripts/gpu-test on a machine without a GPU: programs of a shell stand in for the driver's and the
build's, so that what it runs, writes and refuses is seen."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
GTEST = """for argument; do case $argument in --gtest_output=json:*) out=${argument#*json:};; esac; done
echo '{"testsuites": [{"testsuite": [{"result": "COMPLETED"}, {"result": "SKIPPED"}]}]}' >"$out"
"""
FORWARD = '{"measured": "forward", "n": 1, "tokens": 27, "us": 200.0, "sentences_per_s": 5000}'


class GpuTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        self.program("bin/nvidia-smi", "echo 'Some Card, 580.1, 8.9'")
        self.program("bin/compute-sanitizer", 'while [ "$1" != "$0" ] && case $1 in --*) true;; *) [ ! -x "$1" ];; esac; '
                     'do shift; done; "$@" && echo "========= ERROR SUMMARY: ${ERRORS:-0} errors"')
        self.program("build/tests/kernels/kernels_norm_test", GTEST)
        self.program("build/tests/golden/golden_test", GTEST)
        self.program("build/bench/kernel_bench", """echo '{"device": "x"}'
            echo '{"kernel": "attention", "tokens": 64, "us": 20.0, "share_of_copy": 0.9}'""")
        self.program("build/bench/cuda_engine_bench", f"""echo '{{"device": "x"}}'; echo '{FORWARD}'""")
        (self.root / "build/gpu_tests.list").write_text("tests/kernels/kernels_norm_test\ntests/golden/golden_test\n",
                                                        encoding="utf-8")

    def program(self, path, body):
        path = self.root / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
        path.chmod(0o755)

    def call(self, *arguments, built=False, **environment):
        return subprocess.run(
            [sys.executable, "-B", ROOT / "scripts/gpu-test", "--build", self.root / "build", "--commit", "abc",
             "--output", self.root / "record.json", "--logs", self.root / "logs",
             *([] if built else ["--no-build"]), *arguments],
            capture_output=True, text=True, check=False,
            env={**os.environ, **environment, "PATH": f"{self.root}/bin:/usr/bin:/bin"})

    def record(self):
        return json.loads((self.root / "record.json").read_text(encoding="utf-8"))

    def expect_failure(self, result, *words):
        self.assertEqual(result.returncode, 1, result.stdout + result.stderr)
        for word in words:
            self.assertIn(word, result.stderr)
        self.assertFalse((self.root / "record.json").exists())

    def test_records_what_it_ran(self):
        result = self.call("--skip", "torch")
        self.assertEqual(result.returncode, 0, result.stderr)
        record = self.record()
        self.assertEqual((record["card"], record["driver"], record["commit"]), ("Some Card", "580.1", "abc"))
        self.assertEqual(record["tests"], {"programs": 2, "passed": 2, "skipped": 2})
        self.assertEqual(record["sanitizer"], {tool: {"programs": 1, "tests": 1, "findings": 0}
                                               for tool in ("memcheck", "racecheck", "initcheck")})
        self.assertEqual(record["kernels"][0]["us"], 20.0)
        self.assertEqual(record["engine"], [json.loads(FORWARD)])
        self.assertIn("| 1 (27 tokens) | 200 µs | 5.0 k |", result.stdout)

    def test_a_skipped_step_is_not_in_the_record(self):
        self.assertEqual(self.call("--skip", "torch", "sanitizer", "benchmarks").returncode, 0)
        self.assertEqual([key for key in ("tests", "sanitizer", "kernels", "engine", "torch") if key in self.record()],
                         ["tests"])

    def test_builds_for_the_card_that_is_there(self):
        self.program("bin/cmake", f"echo \"$@\" >>{self.root}/calls")
        result = self.call("--skip", "torch", "sanitizer", "benchmarks", built=True)
        self.assertEqual(result.returncode, 0, result.stderr)
        configure, build = (self.root / "calls").read_text(encoding="utf-8").splitlines()
        self.assertEqual(configure, f"--preset gpu -B {self.root}/build -DCMAKE_CUDA_ARCHITECTURES=89-real")
        self.assertIn("--target gpu_tests kernel_bench cuda_engine_bench", build)

    def test_a_failing_test_is_shown_and_nothing_is_recorded(self):
        self.program("build/tests/golden/golden_test", "echo 'Expected: 1'; exit 1")
        self.expect_failure(self.call("--skip", "torch"), "Expected: 1", "golden_test failed, status 1")

    def test_a_finding_of_the_sanitizer_fails_even_where_the_program_does_not(self):
        self.expect_failure(self.call("--skip", "torch", ERRORS="2"), "no clean summary", "racecheck-kernels_norm_test")

    def test_says_what_is_missing(self):
        (self.root / "build/gpu_tests.list").unlink()
        self.expect_failure(self.call(), "gpu_tests.list not found")
        self.program("bin/nvidia-smi", "echo 'No devices were found'; exit 6")
        self.expect_failure(self.call(), "nvidia-smi names no device: No devices were found")


if __name__ == "__main__":
    unittest.main()
