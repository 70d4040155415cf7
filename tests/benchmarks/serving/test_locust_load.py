"""The generator's process against small servers of the tests' own: what it counts as answered and what as failed."""

import contextlib
import http.server
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import numpy as np
import pytest
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from benchmarks.serving.phases import Batching, MeasuredPhase, Phase, Transport
from benchmarks.serving.plan import LoadPlan, Request, Targets
from serving.server import tensors

pytestmark = pytest.mark.slow

RIGHT, WRONG = 0.25, 0.5
BODIES = [f'{{"inputs": {number}}}'.encode() for number in range(4)]


class Half(http.server.BaseHTTPRequestHandler):
    """Answers bodies 0 and 1 rightly, 2 wrongly and 3 with an error."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        number = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["inputs"]
        answer = {"outputs": [[WRONG if number == 2 else RIGHT]]}
        body = json.dumps(answer).encode()
        self.send_response(503 if number == 3 else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Not into the tests' output."""


class Predictions(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Answers signature `right`, as version 5, and aborts for others."""

    def Predict(  # noqa: N802
        self, request: predict_pb2.PredictRequest, context: grpc.ServicerContext
    ) -> predict_pb2.PredictResponse:
        if request.model_spec.signature_name != "right":
            context.abort(grpc.StatusCode.UNAVAILABLE, "not now")
        response = predict_pb2.PredictResponse()
        response.model_spec.version.value = 5
        response.outputs["predictions"].CopyFrom(tensors.to_proto(np.array([[RIGHT]], np.float32)))
        return response


@contextlib.contextmanager
def rest_server() -> Iterator[int]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Half) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


@contextlib.contextmanager
def grpc_server() -> Iterator[int]:
    server = grpc.server(ThreadPoolExecutor(2))
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(Predictions(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield port
    server.stop(None).wait()


def load(
    folder: Path, requests: dict[Transport, list[bytes]], rest_port: int = 1, grpc_port: int = 1
) -> list[MeasuredPhase]:
    """Runs one phase of 2 callers and 40 requests."""
    phase = Phase(
        transports=tuple(requests),
        batching=Batching.OFF,
        batch_rows=1,
        concurrency=2,
        warm_up_seconds=0,
        requests=40,
    )
    targets = Targets(
        model="taxi",
        rest_port=rest_port,
        grpc_port=grpc_port,
        gateway_port=1,
        gateway_route="/v1/tip",
        processes={"server": os.getpid()},
    )
    sent = {(transport, 1): [Request(body, (RIGHT,)) for body in bodies] for transport, bodies in requests.items()}
    LoadPlan(targets=targets, phases=[phase], requests=sent).write(folder / "plan.json")
    command = [sys.executable, "-m", "benchmarks.serving.locust_load", str(folder / "plan.json")]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [MeasuredPhase.from_json(json.loads(line)) for line in output.splitlines()]


def test_errors_and_wrong_answers_are_failures_and_the_rest_is_timed(tmp_path: Path) -> None:
    with rest_server() as port:
        (found,) = load(tmp_path, {Transport.REST_COLUMNS: BODIES}, rest_port=port)
    wrong = found.failures.pop("REST columns: other predictions than the model's own")
    ((message, refused),) = found.failures.items()
    assert "503" in message
    # The four bodies are sent in turn.
    assert found.requests >= 40
    assert abs(wrong - found.requests / 4) <= 2
    assert abs(refused - found.requests / 4) <= 2
    assert found.latency is not None
    assert 0 < found.latency.p50_ms <= found.latency.p95_ms <= found.latency.p99_ms
    assert found.phase.transports == (Transport.REST_COLUMNS,)
    assert set(found.cpu_seconds) == {"server", "generator"}


def test_grpc_answers_tell_the_version_and_errors_their_code(tmp_path: Path) -> None:
    def body(signature: str) -> bytes:
        request = predict_pb2.PredictRequest()
        request.model_spec.signature_name = signature
        return bytes(request.SerializeToString())

    with grpc_server() as port:
        columns, examples = load(
            tmp_path,
            {Transport.GRPC_COLUMNS: [body("right")], Transport.GRPC_EXAMPLES: [body("wrong")]},
            grpc_port=port,
        )
    assert (columns.failures, columns.versions) == ({}, (5,))
    assert examples.failures == {"UNAVAILABLE: not now": examples.requests}
    assert (examples.latency, examples.versions) == (None, ())
    assert columns.requests + examples.requests >= 40


def test_a_server_that_is_not_there_is_failures(tmp_path: Path) -> None:
    (found,) = load(tmp_path, {Transport.REST_COLUMNS: BODIES})
    assert found.failed == found.requests >= 40
    assert all("refused" in message for message in found.failures)
    assert found.predictions_per_second == 0


def test_the_generator_needs_no_tensorflow() -> None:
    code = "import sys, benchmarks.serving.locust_load; print([m for m in ('tensorflow', 'tfx') if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert run.stdout.strip() == "[]"
