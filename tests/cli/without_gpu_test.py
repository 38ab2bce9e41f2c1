#!/usr/bin/env python3
"""A binary, with CUDA or without, on a machine without a GPU: it needs none of CUDA's libraries,
`--device auto` computes on the CPU and says so once, `--device cuda` says why it cannot."""

import os
import pathlib
import re
import subprocess
import unittest

BINARY = os.environ["EMBEDSERVE_BINARY"]
TINY = pathlib.Path(os.environ["EMBEDSERVE_SOURCE_DIR"]) / "tests/golden/models/tiny-bert"
# The same on a machine that has GPUs.
HIDDEN = {**{name: value for name, value in os.environ.items() if not name.startswith("EMBEDSERVE_")},
          "CUDA_VISIBLE_DEVICES": ""}
OF_CUDA = re.compile(r"lib(cu|nv)[a-zA-Z]*\.so")


class WithoutGpu(unittest.TestCase):
    def test_the_loader_needs_no_library_of_cuda(self):
        needed = subprocess.run(["readelf", "-d", BINARY], capture_output=True, text=True, check=True)
        libraries = re.findall(r"Shared library: \[(.*)\]", needed.stdout)
        self.assertTrue(libraries)
        self.assertEqual([name for name in libraries if OF_CUDA.match(name)], [])

    def test_auto_serves_from_the_cpu_after_one_line_and_loads_none_either(self):
        server = subprocess.Popen([BINARY, "serve", "--model", TINY, "--listen", "127.0.0.1:0",
                                   "--drain-delay", "0"], stderr=subprocess.PIPE, text=True, env=HIDDEN)
        self.addCleanup(server.stderr.close)
        self.addCleanup(server.wait)
        self.addCleanup(server.terminate)
        log = []
        for line in server.stderr:
            log.append(line)
            if "ready:" in line:
                break
        self.assertEqual(sum("device auto: the CPU computes: " in line for line in log), 1, log)
        maps = pathlib.Path(f"/proc/{server.pid}/maps").read_text()
        self.assertIn("libc.so", maps)
        self.assertNotIn("libcublas", maps)

    def test_cuda_is_refused_in_one_line_that_ends_with_the_way_out(self):
        result = subprocess.run([BINARY, "encode", "--model", TINY, "--device", "cuda"], text=True,
                                input="a\n", capture_output=True, env=HIDDEN, check=False)
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        self.assertRegex(result.stderr, r'^embedserve: --device is "cuda": .*(--device cpu|CUDA_VISIBLE_DEVICES).*\n$')


if __name__ == "__main__":
    unittest.main()
