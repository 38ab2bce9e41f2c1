#!/usr/bin/env python3
"""scripts/check-architectures: what it makes of cuobjdump's lists."""

import importlib.machinery
import importlib.util
import pathlib
import unittest

PATH = pathlib.Path(__file__).resolve().parents[2] / "scripts/check-architectures"
LOADER = importlib.machinery.SourceFileLoader("check_architectures", str(PATH))
SCRIPT = importlib.util.module_from_spec(importlib.util.spec_from_loader(LOADER.name, LOADER))
LOADER.exec_module(SCRIPT)

WHOLE = """ELF file    1: norm.sm_80.cubin
ELF file    2: norm.sm_90a.cubin
ELF file    3: gelu_linear_sm90_fp16.sm_90a.cubin
PTX file    1: norm.sm_80.ptx
"""
BUILT_FOR = "80-real;90a-real;80-virtual"


class CheckArchitectures(unittest.TestCase):
    def test_a_whole_binary_passes(self):
        self.assertEqual(list(SCRIPT.problems(WHOLE, BUILT_FOR)), [])
        self.assertEqual(list(SCRIPT.problems(WHOLE, BUILT_FOR.replace(";", ","))), [])

    def test_names_the_file_and_what_it_lacks(self):
        self.assertEqual(list(SCRIPT.problems(WHOLE.replace("norm.sm_80.ptx", ""), BUILT_FOR)),
                         ["norm: lacks sm_80 ptx"])
        self.assertEqual(list(SCRIPT.problems(WHOLE, BUILT_FOR + ";120")), ["norm: lacks sm_120 cubin, sm_120 ptx"])

    def test_code_that_nobody_asked_for(self):
        self.assertEqual(list(SCRIPT.problems(WHOLE, "80;90a-real;80-virtual;80-real")), [])
        self.assertEqual(list(SCRIPT.problems(WHOLE, "80;")), ["norm: has, unasked for, sm_90a cubin"])
        self.assertEqual(list(SCRIPT.problems(WHOLE.replace("16.sm_90a", "16.sm_80"), BUILT_FOR)), [
            "gelu_linear_sm90_fp16: lacks sm_90a cubin", "gelu_linear_sm90_fp16: has, unasked for, sm_80 cubin"])

    def test_a_binary_without_gpu_code(self):
        self.assertEqual(list(SCRIPT.problems("", BUILT_FOR)), ["there is no GPU code in it"])

    def test_the_release_has_every_architecture_and_ptx_for_later_ones(self):
        self.assertEqual({architecture for architecture, _ in SCRIPT.codes(SCRIPT.released())},
                         {"sm_80", "sm_86", "sm_89", "sm_90a", "sm_100", "sm_120"})
        self.assertIn(("sm_80", "ptx"), SCRIPT.codes(SCRIPT.released()))


if __name__ == "__main__":
    unittest.main()
