"""A second client, in another language, against the real binary: every RPC, health, reflection, and
64 threads whose every answer equals the same call made alone.

    python_client_test.py EMBEDSERVE SOURCE_DIR

Exit status 77: the Python packages of scripts/requirements.txt, or embedserve itself, are missing."""

import array
import concurrent.futures
import contextlib
import math
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import unittest

try:
    import grpc
    import grpc_tools
    from google.protobuf import descriptor_pool
    from grpc_health.v1 import health_pb2, health_pb2_grpc
    from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
except ImportError as error:
    print(f"SKIPPED: {error}; run scripts/venv test, or name an interpreter in EMBEDSERVE_PYTHON")
    sys.exit(77)

BINARY, SOURCE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
SERVICE = "embedserve.v1.EmbeddingService"
TEXTS = ["A cat sits on the mat.", "The dog barks.", "", "Ünïcödé 漢字 🙂", "nul\0nul", "a " * 2000,
         "A cat sits on the mat."]


def generate(folder):
    """Compiles the contract as a client of another project would."""
    command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{SOURCE / 'proto'}",
               f"-I{pathlib.Path(grpc_tools.__file__).parent / '_proto'}", f"--python_out={folder}",
               f"--grpc_python_out={folder}", "embedserve/v1/embedding.proto", "google/rpc/status.proto",
               "google/rpc/error_details.proto"]
    subprocess.run(command, check=True)
    sys.path.insert(0, folder)
    # google is a package of its own in site-packages: show it ours as well.
    import google
    google.__path__.append(str(pathlib.Path(folder) / "google"))


def models():
    found = [SOURCE / "tests/golden/models/tiny-bert"]
    minilm = pathlib.Path(os.environ.get("EMBEDSERVE_MINILM", SOURCE / "models/all-MiniLM-L6-v2"))
    if minilm.is_dir():
        found.append(minilm)
    else:
        print(f"SKIPPED: all-MiniLM-L6-v2, not found at {minilm}; run scripts/fetch-model")
    return found


@contextlib.contextmanager
def serving(model):
    """A server of `model`; its address. Ends it with SIGTERM and expects exit status 0."""
    command = [BINARY, "serve", "--model", model, "--listen", "127.0.0.1:0", "--drain-delay", "0s"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            log = []
            for line in process.stderr:
                log.append(line)
                ready = re.search(r"ready: .* on ([\d.]+:\d+) ", line)
                if ready:
                    break
            else:
                raise AssertionError("the server did not start:\n" + "".join(log))
            yield ready[1]
            process.send_signal(signal.SIGTERM)
            rest = process.stderr.read()
            log.append(rest)
            if process.wait(60) != 0:
                raise AssertionError(f"exit status {process.returncode}:\n{rest}")
            if "cat sits" in "".join(log):
                raise AssertionError("a text is in the log")
        finally:
            process.kill()


def channel_to(address):
    return grpc.insecure_channel(address, options=[("grpc.enable_http_proxy", 0),
                                                   ("grpc.use_local_subchannel_pool", 1),
                                                   ("grpc.max_receive_message_length", -1)])


def rows(response):
    values = array.array("f", response.embeddings)
    width = response.dimensions
    return [values[i * width:(i + 1) * width] for i in range(response.rows)]


def score(function, a, b):
    if function == "COSINE":
        return score("DOT", a, b) / max(math.sqrt(score("DOT", a, a) * score("DOT", b, b)), 1e-24)
    if function == "DOT":
        return math.fsum(x * y for x, y in zip(a, b))
    if function == "EUCLIDEAN":
        return -math.sqrt(math.fsum((x - y) ** 2 for x, y in zip(a, b)))
    return -math.fsum(abs(x - y) for x, y in zip(a, b))


class PythonClient(unittest.TestCase):
    model = None
    address = None

    def setUp(self):
        channel = channel_to(self.address)
        self.addCleanup(channel.close)
        self.channel = channel
        self.stub = embedding_grpc.EmbeddingServiceStub(channel)

    def refused(self, call, request):
        with self.assertRaises(grpc.RpcError) as raised:
            call(request)
        error = raised.exception
        details = dict(error.trailing_metadata() or ())["grpc-status-details-bin"]
        status = status_pb2.Status.FromString(details)
        info = error_details.ErrorInfo()
        self.assertTrue(status.details[0].Unpack(info) or status.details[1].Unpack(info))
        return error.code(), info.reason, error.details()

    def test_encode(self):
        response = self.stub.Encode(pb.EncodeRequest(texts=TEXTS, request_id="id"))
        self.assertEqual((response.rows, response.request_id), (len(TEXTS), "id"))
        self.assertEqual(len(response.embeddings), 4 * response.rows * response.dimensions)
        self.assertEqual(rows(response)[0], rows(response)[6])
        self.assertTrue(response.texts[5].truncated)
        for i, text in enumerate(TEXTS):
            alone = self.stub.Encode(pb.EncodeRequest(texts=[text]))
            self.assertEqual(rows(alone)[0], rows(response)[i], f"text {i}")
        half = self.stub.Encode(pb.EncodeRequest(texts=TEXTS, output_type=pb.OUTPUT_TYPE_FLOAT16))
        self.assertEqual(2 * len(half.embeddings), len(response.embeddings))

    def test_similarity(self):
        a, b = TEXTS[:3], TEXTS[1:4]
        row_of = dict(zip(TEXTS, rows(self.stub.Encode(pb.EncodeRequest(texts=TEXTS)))))
        for function in ("COSINE", "DOT", "EUCLIDEAN", "MANHATTAN"):
            for mode in ("PAIRWISE", "MATRIX"):
                response = self.stub.Similarity(pb.SimilarityRequest(
                    texts_a=a, texts_b=b, mode=f"SIMILARITY_MODE_{mode}", function=f"SIMILARITY_FUNCTION_{function}"))
                pairs = zip(a, b) if mode == "PAIRWISE" else ((x, y) for x in a for y in b)
                for got, (x, y) in zip(response.scores, pairs, strict=True):
                    expected = score(function, row_of[x], row_of[y])
                    self.assertAlmostEqual(got, expected, delta=2e-5 * max(1, abs(expected)))
        best = self.stub.Similarity(pb.SimilarityRequest(texts_a=a, top_k=1))
        self.assertEqual(list(best.indices), [0, 1, 2])

    def test_tokenize(self):
        response = self.stub.Tokenize(pb.TokenizeRequest(texts=["the cat", ""]))
        self.assertEqual(list(response.sequences[1].tokens), ["[CLS]", "[SEP]"])
        self.assertGreater(len(response.sequences[0].ids), 2)
        inner = self.stub.Tokenize(pb.TokenizeRequest(texts=["the cat"], without_special_tokens=True))
        self.assertEqual(list(inner.sequences[0].ids), list(response.sequences[0].ids)[1:-1])

    def test_model_info(self):
        info = self.stub.GetModelInfo(pb.GetModelInfoRequest())
        response = self.stub.Encode(pb.EncodeRequest(texts=["a"]))
        self.assertEqual(info.model, self.model.name)
        self.assertEqual((info.dimensions, info.model_fingerprint), (response.dimensions, response.model_fingerprint))
        self.assertEqual((info.architecture, info.limits.max_texts), ("bert", 1024))

    def test_health(self):
        health = health_pb2_grpc.HealthStub(self.channel)
        for service in ("", SERVICE):
            answer = health.Check(health_pb2.HealthCheckRequest(service=service))
            self.assertEqual(answer.status, health_pb2.HealthCheckResponse.SERVING)
        watch = health.Watch(health_pb2.HealthCheckRequest())
        self.assertEqual(next(watch).status, health_pb2.HealthCheckResponse.SERVING)
        watch.cancel()

    def test_reflection(self):
        database = ProtoReflectionDescriptorDatabase(self.channel)
        self.assertIn(SERVICE, database.get_services())
        pool = descriptor_pool.DescriptorPool(database)
        service = pool.FindServiceByName(SERVICE)
        self.assertEqual([method.name for method in service.methods],
                         ["Encode", "EncodeStream", "Similarity", "Tokenize", "GetModelInfo"])
        self.assertEqual(pool.FindMessageTypeByName("embedserve.v1.EncodeRequest").fields_by_name["texts"].number, 2)

    def test_errors_carry_details(self):
        code, reason, message = self.refused(self.stub.Encode, pb.EncodeRequest())
        self.assertEqual((code, reason), (grpc.StatusCode.INVALID_ARGUMENT, "NO_TEXTS"))
        self.assertIn("at least one", message)
        code, reason, _ = self.refused(self.stub.Encode, pb.EncodeRequest(model="x", texts=["a"]))
        self.assertEqual((code, reason), (grpc.StatusCode.NOT_FOUND, "UNKNOWN_MODEL"))

    def test_64_threads_get_what_each_call_gets_alone(self):
        requests = [pb.EncodeRequest(texts=[f"text {(i * 7 + j) % 97} of {i % 13}" for j in range(1 + i % 5)],
                                     request_id=str(i)) for i in range(128)]
        alone = [self.stub.Encode(request).embeddings for request in requests]

        def call_all(thread):
            with channel_to(self.address) as channel:
                stub = embedding_grpc.EmbeddingServiceStub(channel)
                for step in range(8):
                    i = (thread * 31 + step * 17) % len(requests)
                    response = stub.Encode(requests[i])
                    if (response.request_id, response.embeddings) != (str(i), alone[i]):
                        return f"thread {thread}: request {i} differs"
            return ""

        with concurrent.futures.ThreadPoolExecutor(64) as threads:
            self.assertEqual([fault for fault in threads.map(call_all, range(64)) if fault], [])


if __name__ == "__main__":
    if not BINARY.is_file():
        print(f"SKIPPED: {BINARY} is not built")
        sys.exit(77)
    with tempfile.TemporaryDirectory() as generated:
        generate(generated)
        from embedserve.v1 import embedding_pb2 as pb
        from embedserve.v1 import embedding_pb2_grpc as embedding_grpc
        from google.rpc import error_details_pb2 as error_details
        from google.rpc import status_pb2
        good = True
        for PythonClient.model in models():
            with serving(PythonClient.model) as PythonClient.address:
                suite = unittest.defaultTestLoader.loadTestsFromTestCase(PythonClient)
                print(f"{PythonClient.model.name} on {PythonClient.address}")
                good &= unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(suite).wasSuccessful()
        sys.exit(0 if good else 1)
