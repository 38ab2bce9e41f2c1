#!/usr/bin/env python3
"""Each rule fails on a small tree that breaks it, and passes on one that does not."""

import pathlib
import subprocess
import tempfile
import unittest

import files
import layering


class Checks(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = folder.name
        subprocess.run(["git", "init", "-q", self.root], check=True)
        self.reasons = files.TESTED_ELSEWHERE
        files.TESTED_ELSEWHERE = {}
        self.addCleanup(setattr, files, "TESTED_ELSEWHERE", self.reasons)

    def write(self, path, text):
        target = pathlib.Path(self.root) / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text.encode())

    def expect(self, problems, *words):
        self.assertEqual(len(problems), 1, problems)
        for word in words:
            self.assertIn(word, problems[0])

    def include(self, path, line):
        self.write(path, f"#pragma once\n{line}\n")
        return layering.check(self.root)

    def test_downward_includes_pass(self):
        self.write("model/folder/a.h", "#pragma once\n#include <string>\n")
        self.write("server/a.h", '#pragma once\n#include "embedserve/v1/x.pb.h"\n#include "model/a.h"\n')
        self.assertEqual(self.include("model/engine/b.h", '#include "model/folder/a.h"'), [])

    def test_upward_include(self):
        self.expect(self.include("model/folder/a.h", '#include "model/engine/b.h"'), "model/folder may include")
        self.expect(self.include("model/folder/a.h", '# include "server/b.h"'), "server/b.h")

    def test_include_between_siblings(self):
        self.expect(self.include("model/engine/a.h", '#include "model/tokenizer/b.h"'), "model/tokenizer/b.h")

    def test_the_server_knows_no_kernels(self):
        self.expect(self.include("server/a.h", '#include "kernels/stream.h"'), "kernels/stream.h")

    def test_proto_below_the_server(self):
        self.expect(self.include("model/a.h", '#include "embedserve/v1/x.pb.h"'), "server and cli only")

    def test_abseil_in_a_device_file(self):
        self.expect(self.include("kernels/a.cu", '#include "absl/status/status.h"'), "abseil")

    def test_device_header_in_a_host_file(self):
        self.expect(self.include("kernels/a.cc", '#include "kernels/device/load.cuh"'), "only device files")

    def test_unknown_layer(self):
        self.expect(self.include("model/util/a.h", ""), "no layer named model/util")

    def test_relative_include(self):
        self.write("model/b.h", "#pragma once\n")
        self.assertEqual(self.include("model/a.h", '#include "library.h"'), [])
        self.expect(self.include("model/a.h", '#include "b.h"'), "from the root")

    def test_clean_file_passes(self):
        self.write("model/a.h", "#pragma once\n")
        self.write("model/a.cc", '#include "model/a.h"\n\n#include <string>\n// 3 texts/s, see /usr/share/doc\n')
        self.write("tests/model/a_test.cc", "")
        self.assertEqual(files.check(self.root), [])

    def test_missing_test(self):
        self.write("model/a.cc", "")
        self.expect(files.check(self.root), "tests/model/a_test.cc")

    def test_reasons_that_no_longer_hold(self):
        files.TESTED_ELSEWHERE = {"model/a.cc": "?", "model/gone.cc": "?"}
        self.write("model/a.cc", "")
        self.write("tests/model/a_test.cc", "")
        self.assertEqual(len(files.check(self.root)), 2)

    def test_shape_of_a_file(self):
        for text, word in (("int a;", "line feed"), ("int a;\r\n", "carriage return"), ("int a; \n", "white space"),
                           ("\n" * (files.MAX_LINES + 1), "at most")):
            self.write("tests/a.cc", text)
            self.assertIn(word, "".join(files.check(self.root)))
        self.write("tests/a.cc", "// @generated\n" + "\n" * files.MAX_LINES)
        self.assertEqual(files.check(self.root), [])

    def test_header_without_pragma(self):
        self.write("model/a.h", "int a();\n")
        self.expect(files.check(self.root), "#pragma once")

    def test_own_header_comes_first(self):
        self.write("model/a.h", "#pragma once\n")
        self.write("model/a.cc", '#include <string>\n\n#include "model/a.h"\n')
        self.write("tests/model/a_test.cc", "")
        self.expect(files.check(self.root), "first include")

    def test_what_holds_on_one_machine(self):
        self.write("scripts/a", 'cp "/ho' + 'me/me/a" .\n')
        self.expect(files.check(self.root), "scripts/a:1", "one machine")
        self.write("scripts/a", "pip --index http" + "s://registry.example/simple\n")
        self.expect(files.check(self.root), "registry.example")


if __name__ == "__main__":
    unittest.main()
