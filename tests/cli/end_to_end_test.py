#!/usr/bin/env python3
"""The built `embedserve` as its users meet it: every subcommand on a tiny model, in the process and
against a server, with what it prints, what it says when something is wrong, and its exit codes."""

import array
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

SOURCE = pathlib.Path(os.environ["EMBEDSERVE_SOURCE_DIR"])
BINARY = os.environ["EMBEDSERVE_BINARY"]
TINY = SOURCE / "tests/golden/models/tiny-bert"
SHARED = SOURCE.parent / "shared"
MINILM = pathlib.Path(os.environ.get("EMBEDSERVE_MINILM", SOURCE / "models/all-MiniLM-L6-v2"))
COMMANDS = ["serve", "encode", "similarity", "eval", "verify", "bench", "tokenize", "info", "health"]
TEXTS = ["the cat sat", "a dog ran home", "", "the cat sat", "one two three four five"]


def environment(extra):
    kept = {k: v for k, v in os.environ.items() if not k.startswith("EMBEDSERVE_")}
    return {**kept, **extra}


def run(*arguments, stdin="", **variables):
    return subprocess.run([BINARY, *map(str, arguments)], input=stdin.encode(), capture_output=True,
                          env=environment(variables), timeout=240, check=False)


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def write(self, name, content):
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def succeeds(self, *arguments, **keywords):
        result = run(*arguments, **keywords)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout.decode()

    def fails(self, code, *arguments, **keywords):
        """One line on stderr, returned, and nothing on stdout."""
        result = run(*arguments, **keywords)
        message = result.stderr.decode()
        self.assertEqual(result.returncode, code, message)
        self.assertEqual(message.count("\n"), 1, message)
        self.assertTrue(message.startswith("embedserve: "), message)
        self.assertEqual(result.stdout, b"")
        return message


class Usage(Case):
    def test_help_and_version(self):
        for command in COMMANDS:
            self.assertIn(command, self.succeeds("--help"))
            self.assertIn("--config FILE", self.succeeds(command, "--help"))
        self.assertRegex(self.succeeds("--version"), r"^embedserve \d+\.\d+\.\d+\n$")

    def test_bad_usage_exits_2_and_names_the_option(self):
        self.assertIn("--help", self.fails(2))
        self.assertIn("fp32, fp16, bf16", self.fails(2, "encode", "--dtype", "fp17"))
        self.assertIn("EMBEDSERVE_THREADS is \"many\"",
                      self.fails(2, "encode", EMBEDSERVE_THREADS="many"))
        self.assertIn("--no-such", self.fails(2, "serve", "--no-such"))
        for command in ("encode", "eval", "bench", "similarity", "tokenize"):
            extra = {"similarity": ["a", "b"], "eval": ["--pairs", "-"]}.get(command, [])
            self.assertIn("--model DIR", self.fails(2, command, *extra))
        for command in ("serve", "info", "verify"):
            self.assertIn("needs --model DIR", self.fails(2, command))
        self.assertIn("--server ADDR", self.fails(2, "health"))
        self.assertIn("both are given", self.fails(2, "encode", "--model", "x", "--server", "y"))

    def test_what_this_build_cannot_do_is_refused_with_the_way_out(self):
        self.assertIn("fp32 or bf16", self.fails(2, "encode", "--model", TINY, "--device", "cpu",
                                                 "--dtype", "fp16"))
        result = run("encode", "--model", TINY, "--device", "cuda", stdin="a\n")
        if result.returncode != 0:  # a machine without a GPU
            self.assertEqual(result.returncode, 1)
            self.assertIn(b"--device cpu", result.stderr)
        self.assertIn("--server", self.fails(2, "bench", "--model", TINY, "--concurrency", "2"))

    def test_unknown_variables_only_warn(self):
        result = run("info", "--model", TINY, EMBEDSERVE_PORT="tcp://10.0.0.1:50051")
        self.assertEqual(result.returncode, 0)
        self.assertIn(b"EMBEDSERVE_PORT", result.stderr)

    def test_options_from_variables_and_a_file(self):
        config = self.write("embedserve.toml", f'model = "{TINY}"\n[encode]\ndimensions = 3\n')
        line = self.succeeds("encode", "--config", config, stdin="a\n")
        self.assertEqual(len(json.loads(line)), 3)
        line = self.succeeds("encode", stdin="a\n", EMBEDSERVE_CONFIG=str(config),
                             EMBEDSERVE_DIMENSIONS="2")
        self.assertEqual(len(json.loads(line)), 2)


class BadFolders(Case):
    def test_a_folder_that_is_none_exits_1_and_is_named(self):
        for command in (["encode"], ["info"], ["tokenize"], ["serve", "--listen", "127.0.0.1:0"],
                        ["similarity", "a", "b"], ["bench"]):
            result = run(*command, "--model", "/nonexistent/model")
            self.assertEqual(result.returncode, 1, command)
            self.assertIn(b"/nonexistent/model", result.stderr)
        self.assertIn(str(self.folder), self.fails(1, "info", "--model", self.folder))


class Local(Case):
    def rows(self, *arguments, stdin):
        return [json.loads(line)
                for line in self.succeeds("encode", "--model", TINY, *arguments, stdin=stdin).splitlines()]

    def test_encode_json_lines(self):
        rows = self.rows(stdin="\n".join(TEXTS) + "\n")
        self.assertEqual(len(rows), len(TEXTS))
        self.assertEqual(rows[0], rows[3])
        self.assertNotEqual(rows[0], rows[1])
        self.assertEqual(self.rows(stdin=""), [])

    def test_encode_jsonl_takes_any_text(self):
        texts = ["a\nb", "tab\there", "\u2028", ""]
        rows = self.rows("--input-format", "jsonl", stdin="".join(json.dumps(t) + "\n" for t in texts))
        self.assertEqual(len(rows), len(texts))

    def test_encode_options(self):
        whole = self.rows(stdin="the cat\n")[0]
        cut = self.rows("--dimensions", 4, "--normalize", "false", stdin="the cat\n")[0]
        self.assertEqual(len(cut), 4)
        unit = self.rows("--dimensions", 4, "--normalize", "true", stdin="the cat\n")[0]
        self.assertAlmostEqual(sum(x * x for x in unit), 1, places=5)
        half = self.rows("--output-type", "bfloat16", stdin="the cat\n")[0]
        for x, y in zip(whole, half):
            self.assertAlmostEqual(x, y, delta=abs(x) / 256)

    def read_npy(self, path):
        content = path.read_bytes()
        self.assertEqual(content[:8], b"\x93NUMPY\x01\x00")
        length = int.from_bytes(content[8:10], "little")
        shape = re.search(rb"'descr': '<f4'.*'shape': \((\d+), (\d+)\)", content[10:10 + length])
        values = array.array("f", content[10 + length:])
        count, width = int(shape[1]), int(shape[2])
        self.assertEqual(len(values), count * width)
        return [list(values[i * width:(i + 1) * width]) for i in range(count)]

    def test_encode_npy(self):
        path = self.folder / "out.npy"
        texts = self.write("texts", "\ufeff" + "\r\n".join(TEXTS))
        self.succeeds("encode", "--model", TINY, "--input", texts, "--output", path)
        printed = self.rows("--input", texts, stdin="")
        self.assertEqual(self.read_npy(path), [list(array.array("f", row)) for row in printed])
        self.assertEqual([p.name for p in sorted(self.folder.iterdir())], ["out.npy", "texts"])
        self.assertIn("ends in .npy",
                      self.fails(2, "encode", "--model", TINY, "--output", self.folder / "x.txt"))

    def test_input_errors_name_line_and_byte(self):
        bad = self.write("bad", b"fine\nab\xff\n")
        for command in ("encode", "tokenize"):
            self.assertIn(f"{bad}: line 2: byte 3", self.fails(1, command, "--model", TINY, "--input", bad))
        self.assertIn("standard input: line 1: no JSON string", self.fails(
            1, "encode", "--model", TINY, "--input-format", "jsonl", stdin="text\n"))
        self.assertIn("/nonexistent/file",
                      self.fails(1, "encode", "--model", TINY, "--input", "/nonexistent/file"))

    def test_overlong_texts(self):
        text = "the " * 600 + "\n"
        self.assertEqual(len(self.rows(stdin=text)), 1)
        self.assertNotEqual(self.rows("--truncation", "start", stdin="cat " + text),
                            self.rows("--truncation", "end", stdin="cat " + text))
        self.assertIn("texts[0]", self.fails(1, "encode", "--model", TINY, "--truncation", "error",
                                             stdin=text))

    def test_similarity(self):
        model = ("similarity", "--model", TINY)
        self.assertEqual(self.succeeds(*model, "the cat", "the cat"), "1.000000\n")
        self.assertEqual(self.succeeds(*model, "--function", "euclidean", "a", "a"), "0.000000\n")
        pairs = self.write("pairs", "the cat\tthe dog\na\t\n")
        lines = self.succeeds(*model, "--pairs", pairs).splitlines()
        self.assertEqual(lines[0] + "\n", self.succeeds(*model, "the cat", "the dog"))
        self.assertRegex(lines[1], r"^-?\d\.\d{6}$")
        self.assertIn("two texts", self.fails(2, *model, "only one"))
        self.assertIn("takes one", self.fails(2, *model, "--function", "all", "a", "b"))
        self.assertIn("line 2: 1 columns", self.fails(
            1, *model, "--pairs", self.write("short", "a\tb\nc\n")))

    def test_tokenize(self):
        ids = [json.loads(line) for line in self.succeeds(
            "tokenize", "--model", TINY, stdin="the cat\n\n").splitlines()]
        self.assertEqual(len(ids[1]), 2)
        bare = json.loads(self.succeeds("tokenize", "--model", TINY, "--without-special-tokens",
                                        stdin="the cat\n"))
        self.assertEqual(ids[0][1:-1], bare)
        cut = json.loads(self.succeeds("tokenize", "--tokenizer", TINY / "tokenizer.json",
                                       "--max-length", 3, stdin="the cat\n"))
        self.assertEqual(cut, [ids[0][0], ids[0][1], ids[0][-1]])
        pair = json.loads(self.succeeds("tokenize", "--model", TINY, "--pairs", "-", stdin="the cat\tthe cat\n"))
        self.assertEqual([x for x in pair if x in bare], bare * 2)
        self.fails(2, "tokenize", "--model", TINY, "--pairs", "-", "--input", "x")
        self.assertIn("line 2", self.fails(1, "tokenize", "--model", TINY, stdin="the\n" + "a" * (2 ** 25 + 1)))

    def test_eval_of_labels(self):
        pairs = self.write("pairs", "1\tthe cat\tthe cat\n0\tthe cat\tone two three\n1\ta\ta\n")
        table = self.succeeds("eval", "--model", TINY, "--pairs", pairs)
        self.assertIn("| cosine_accuracy           | 1.0000     |\n", table)
        self.assertIn("| **cosine_ap**             | **1.0000** |\n", table)
        metrics = json.loads(self.succeeds("eval", "--model", TINY, "--pairs", pairs, "--json",
                                           "--function", "all"))
        self.assertEqual(len(metrics), 5 * 8)
        self.assertEqual(metrics["max_accuracy"], 1)

    def test_eval_of_scores(self):
        pairs = self.write("pairs", "5\tthe cat\tthe cat\n2.5\tthe cat\tthe dog\n0\ta\tone two three\n")
        metrics = json.loads(self.succeeds("eval", "--model", TINY, "--pairs", pairs, "--json"))
        self.assertEqual(list(metrics), ["pearson_cosine", "spearman_cosine"])

    def test_eval_errors_name_the_line(self):
        for content, message in (("1\ta\tb\nyes\tc\td\n", "line 2: the label is \"yes\""),
                                 ("1\ta\n", "line 1: 2 columns; expected 3"), ("", "no pairs")):
            self.assertIn(message, self.fails(1, "eval", "--model", TINY, "--pairs",
                                              self.write("pairs", content)))

    def test_verify(self):
        rows = self.rows(stdin="the cat\na dog\n")
        reference = {"texts": ["the cat", "a dog"], "embeddings": rows}
        path = self.write("reference.json", json.dumps(reference))
        self.assertIn("within the bound", self.succeeds("verify", "--model", TINY, "--reference", path))
        reference["embeddings"][1][0] += 1e-3
        path = self.write("off.json", json.dumps(reference))
        result = run("verify", "--model", TINY, "--reference", path, "--json")
        self.assertEqual(result.returncode, 1)
        verdict = json.loads(result.stdout)
        self.assertFalse(verdict["within"])
        self.assertAlmostEqual(verdict["max_abs"], 1e-3, delta=1e-6)
        for broken, message in (({"texts": ["a"]}, "embeddings"),
                                ({"texts": ["a"], "embeddings": []}, "expected 1 rows"),
                                ({"texts": ["a"], "embeddings": [[1.0]]}, "1 dimensions")):
            self.assertIn(message, self.fails(1, "verify", "--model", TINY, "--reference",
                                              self.write("broken.json", json.dumps(broken))))

    def test_info(self):
        info = json.loads(self.succeeds("info", "--model", TINY))
        self.assertEqual(info["architecture"], "bert")
        self.assertEqual(info["compute_type"], "fp32")
        self.assertEqual(info["dimensions"], len(self.rows(stdin="a\n")[0]))

    def test_bench(self):
        result = json.loads(self.succeeds("bench", "--model", TINY, "--seconds", "0.2", "--warm-up",
                                          "0", "--texts-per-request", 3, "--json"))
        self.assertGreater(result["requests"], 0)
        self.assertGreater(result["tokens_per_second"], result["sentences_per_second"])
        self.assertLessEqual(result["p50_ms"], result["p99_ms"])
        self.assertEqual(result["errors"], {})

    def test_bench_on_a_schedule(self):
        def bench(*arguments):
            return json.loads(self.succeeds("bench", "--model", TINY, "--warm-up", "0", "--json", *arguments))

        self.assertEqual(bench("--rate", "40", "--seconds", "0.49")["requests"], 20)
        # More than one caller can do: all were due in the first 10 ms, and the last one waited since then.
        result = bench("--rate", "50000", "--seconds", "0.01")
        self.assertEqual(result["requests"], 500)
        self.assertGreaterEqual(result["max_ms"] / 1e3, result["seconds"] - 0.01)


class Unreachable(Case):
    def test_the_address_is_named(self):
        with socket.socket() as taken:  # bound, but not listening: a connection is refused
            taken.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            for command in (["health"], ["encode"], ["similarity", "a", "b"],
                            ["bench", "--seconds", "0.1"]):
                message = self.fails(1, *command, "--server", address)
                self.assertIn(address, message)
                self.assertIn("embedserve serve", message)
            self.fails(1, "health", "--server", address, "--wait", "300ms")


class Served(Case):
    """Against `embedserve serve` in a process of its own."""

    def start(self, *arguments, drain_delay="0"):
        if "--listen" not in arguments:
            arguments += ("--listen", "127.0.0.1:0")
        server = subprocess.Popen([BINARY, "serve", "--model", str(TINY),
                                   "--drain-delay", drain_delay, *arguments],
                                  stderr=subprocess.PIPE, text=True, env=environment({}))
        self.addCleanup(server.stderr.close)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        self.log = []
        for line in server.stderr:
            self.log.append(line)
            ready = re.search(r"ready: .* on (127\.0\.0\.1:\d+) ", line)
            if ready:
                return server, ready[1]
        self.fail(f"the server ended: {self.log}")

    def test_answers_are_those_of_the_folder(self):
        server, address = self.start("--max-texts", "4")
        texts = "\n".join(TEXTS * 3)
        pairs = "".join(f"{i % 2}\t{a}\t{b}\n" for i, (a, b) in enumerate(zip(TEXTS, TEXTS[1:])))
        scored = self.write("scored", pairs)
        unscored = self.write("unscored", "".join(l.split("\t", 1)[1] for l in pairs.splitlines(True)))
        self.assertEqual(self.succeeds("health", "--server", address), "SERVING\n")
        self.assertIn("no service \"x\"",
                      self.fails(1, "health", "--server", address, "--service", "x", "--wait", "1s"))
        for arguments, stdin in (
                (["encode"], texts),
                (["encode", "--output-type", "float16", "--dimensions", "5"], texts),
                (["encode", "--normalize", "true", "--prompt", "the "], texts),
                (["similarity", "the cat", "a dog"], ""),
                (["similarity", "--function", "manhattan", "--pairs", unscored], ""),
                (["eval", "--function", "all", "--json", "--pairs", scored], "")):
            self.assertEqual(self.succeeds(*arguments, "--server", address, stdin=stdin,
                                           http_proxy="http://127.0.0.1:9", grpc_proxy="127.0.0.1:9"),
                             self.succeeds(*arguments, "--model", TINY, stdin=stdin), arguments)
        self.assertIn("INVALID_ARGUMENT", self.fails(
            1, "encode", "--server", address, "--dimensions", "100000", stdin="a\n"))
        result = json.loads(self.succeeds("bench", "--server", address, "--concurrency", 3, "--json",
                                          "--seconds", "0.3", "--warm-up", "0.1"))
        self.assertGreater(result["requests"], 3)
        self.assertEqual(result["errors"], {})

        self.assertIn(address, self.fails_last_line("serve", "--model", TINY, "--listen", address))
        server.send_signal(signal.SIGTERM)
        self.assertEqual(server.wait(timeout=60), 0)
        self.fails(1, "health", "--server", address)

    def fails_last_line(self, *arguments):
        result = run(*arguments)
        self.assertEqual(result.returncode, 1)
        return result.stderr.decode().splitlines()[-1]

    def test_health_waits_for_a_server_that_does_not_listen_yet(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{free.getsockname()[1]}"
        # Below the 5 s that one question may take: a question that hangs is a failure.
        waiting = subprocess.Popen([BINARY, "health", "--server", address, "--wait", "4s"],
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                   env=environment({}))
        time.sleep(0.3)  # until it has been refused
        self.start("--listen", address)
        output, _ = waiting.communicate(timeout=60)
        self.assertEqual((waiting.returncode, output), (0, "SERVING\n"))

    def test_log_says_what_is_served(self):
        self.start("--threads", "1", "--device", "cpu")
        log = "".join(self.log)
        for words in ("loading", "fingerprint", "cpu, fp32, 1 threads", "ready: tiny-bert"):
            self.assertIn(words, log)

    def test_interrupt_drains_too(self):
        server, _ = self.start()
        server.send_signal(signal.SIGINT)
        self.assertEqual(server.wait(timeout=60), 0)

    def test_a_second_signal_exits_at_once(self):
        server, _ = self.start(drain_delay="10min")
        server.send_signal(signal.SIGTERM)
        self.assertIn("draining", server.stderr.readline())
        server.send_signal(signal.SIGTERM)
        self.assertEqual(server.wait(timeout=60), 1)

    def test_addresses_that_others_reach_need_insecure(self):
        self.assertIn("--insecure", self.fails(2, "serve", "--model", TINY, "--listen", "0.0.0.0:0"))
        server, _ = self.start("--insecure")
        server.terminate()
        self.assertEqual(server.wait(timeout=60), 0)


class RealModels(Case):
    """Numbers of sentence-transformers 6.2.0 on the MRPC development pairs, to four decimals."""

    PAIRS = SHARED / "data/mrpc-glue-dev.tsv"

    def need(self, *paths):
        for path in paths:
            if not path.exists():
                self.skipTest(f"{path} was not found")

    def metrics(self, model):
        return json.loads(self.succeeds("eval", "--model", model, "--pairs", self.PAIRS, "--json"))

    def test_minilm(self):
        self.need(self.PAIRS, MINILM)
        expected = {"accuracy": 0.7500, "accuracy_threshold": 0.6928, "f1": 0.8359,
                    "f1_threshold": 0.5646, "precision": 0.7357, "recall": 0.9677, "ap": 0.8492,
                    "mcc": 0.3338}
        actual = self.metrics(MINILM)
        self.assertEqual({k: f"{actual['cosine_' + k]:.4f}" for k in expected},
                         {k: f"{v:.4f}" for k, v in expected.items()})

    def test_distilroberta(self):
        model = SHARED / "models/mrpc-distilroberta-remade"
        self.need(self.PAIRS, model)
        expected = json.loads((model / "evaluation-mrpc-dev.json").read_text())["metrics"]
        actual = self.metrics(model)
        self.assertEqual({k: f"{v:.4f}" for k, v in actual.items()},
                         {k: f"{v:.4f}" for k, v in expected.items()})
        self.assertIn("within the bound", self.succeeds(
            "verify", "--model", model, "--reference", model / "verify-reference.json"))


if __name__ == "__main__":
    sys.exit(unittest.main(verbosity=2))
