"""What a client sees when the model server fails; planted one by one."""

import asyncio
import concurrent.futures
import gzip
import socket
import time
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from tests.serving.gateway.conftest import Start, sample
from tests.serving.gateway.http_server import HttpServer
from tests.serving.gateway.scripted_model import ScriptedModel, after
from tests.serving.running_server import free_ports

pytestmark = pytest.mark.slow

Trip = dict[str, Any]


def problem(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]


@pytest.mark.parametrize(("fault", "kind"), [(503, "unavailable"), (429, "unavailable"), ("cut", "cut_off")])
def test_what_may_pass_is_tried_again(
    client: httpx.Client, model: ScriptedModel, trip: Trip, fault: object, kind: str
) -> None:
    model.faults = [fault, fault, fault]
    assert client.post("/v1/tip", json=trip).status_code == 200
    assert len(model.asked) == 4
    assert sample(client, "gateway_upstream_errors_total", kind=kind) == 3


def test_tries_are_bounded(start: Start, model: ScriptedModel, trip: Trip) -> None:
    client = start({"model.attempts": 2})
    model.faults = [503, 503]
    answer = client.post("/v1/tip", json=trip)
    assert problem(answer) == (503, "no_model")
    assert answer.headers["retry-after"] == "2"
    assert answer.json()["detail"] == "No model answers at the moment; try again in 2 s."
    assert len(model.asked) == 2


@pytest.mark.parametrize("status", [500, 400, 501])
def test_what_will_not_pass_is_not_tried_again(
    client: httpx.Client, model: ScriptedModel, trip: Trip, status: int
) -> None:
    model.faults = [status]
    assert problem(client.post("/v1/tip", json=trip)) == (502, "bad_model_answer")
    assert len(model.asked) == 1


def test_no_answer_in_time(start: Start, model: ScriptedModel, trip: Trip) -> None:
    client = start({"model.read_seconds": 0.1})
    model.faults = ["hang"]
    assert problem(client.post("/v1/tip", json=trip)) == (504, "model_timeout")
    assert len(model.asked) == 1  # a slow server gets no quicker by being asked twice
    assert sample(client, "gateway_upstream_errors_total", kind="timeout") == 1
    assert client.post("/v1/tip", json=trip).status_code == 200


def test_all_tries_share_one_deadline(start: Start, model: ScriptedModel, trip: Trip) -> None:
    client = start({"model.total_seconds": 0.3, "model.attempts": 10, "model.read_seconds": 60})
    model.faults = [503, "hang"]
    answer = client.post("/v1/tip", json=trip)
    assert problem(answer) == (503, "no_model")  # the refusal says more than the clock
    model.faults = ["hang"]
    assert problem(client.post("/v1/tip", json=trip)) == (504, "model_timeout")


def test_a_server_that_is_not_there(start: Start, trip: Trip) -> None:
    client = start({"model.server": f"http://127.0.0.1:{free_ports(1)[0]}", "model.attempts": 3})
    answer = client.post("/v1/tip", json=trip)
    assert problem(answer) == (503, "no_model")
    assert answer.headers["retry-after"] == "2"
    assert sample(client, "gateway_upstream_errors_total", kind="refused") == 3
    assert client.get("/healthz").status_code == 200
    assert problem(client.get("/readyz")) == (503, "no_model")


def test_a_server_that_comes_back(start: Start, model: ScriptedModel, trip: Trip) -> None:
    with HttpServer(model) as server:
        client = start({"model.server": server.url})
        assert client.post("/v1/tip", json=trip).status_code == 200
    assert problem(client.post("/v1/tip", json=trip)) == (503, "no_model")
    with HttpServer(model, server.port):
        assert client.post("/v1/tip", json=trip).status_code == 200
        assert client.get("/readyz").json() == {"status": "ready", "model_version": "1", "model_label": None}


def test_busy_connections(start: Start, model: ScriptedModel, trip: Trip) -> None:
    """One connection, one request on it that takes its time: the other request waits no longer than its time-out."""
    client = start({"model.connections": 1, "model.connect_seconds": 0.05, "model.read_seconds": 0.2})
    assert client.post("/v1/tip", json=trip).status_code == 200
    model.faults = ["hang"]
    with concurrent.futures.ThreadPoolExecutor() as pool:
        slow = pool.submit(client.post, "/v1/tip", json=trip)
        while model.faults:  # until the slow one holds the connection
            time.sleep(0.001)
        other = client.post("/v1/tip", json=trip)
    assert slow.result().status_code == 504
    assert problem(other) == (503, "no_model")
    assert sample(client, "gateway_upstream_errors_total", kind="overloaded") >= 1


def test_an_answer_that_is_no_json(client: httpx.Client, model: ScriptedModel, trip: Trip) -> None:
    async def gibberish(send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
        await send({"type": "http.response.body", "body": b"<html"})

    model.faults = [gibberish]
    assert problem(client.post("/v1/tip", json=trip)) == (502, "bad_model_answer")


def test_an_answer_that_does_not_unpack(client: httpx.Client, model: ScriptedModel, trip: Trip) -> None:
    async def no_gzip(send: Any) -> None:
        headers = [(b"content-length", b"5"), (b"content-encoding", b"gzip")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"plain"})

    model.faults = [no_gzip]
    assert problem(client.post("/v1/tip", json=trip)) == (502, "bad_model_answer")


def test_an_answer_that_unpacks(client: httpx.Client, model: ScriptedModel, trip: Trip) -> None:
    async def packed(send: Any) -> None:
        body = gzip.compress(b'{"outputs": [[0.25]]}')
        headers = [(b"content-length", str(len(body)).encode()), (b"content-encoding", b"gzip")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    model.faults = [packed]
    assert client.post("/v1/tip", json=trip).json()["predictions"][0]["probability"] == 0.25


def test_an_answer_in_an_unknown_packing(client: httpx.Client, model: ScriptedModel, trip: Trip) -> None:
    async def packed(send: Any) -> None:
        headers = [(b"content-length", b"5"), (b"content-encoding", b"br")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"plain"})

    model.faults = [packed]
    assert problem(client.post("/v1/tip", json=trip)) == (502, "bad_model_answer")
    assert len(model.asked) == 1


def test_a_redirection_is_not_followed(
    client: httpx.Client, model: ScriptedModel, model_server: HttpServer, trip: Trip
) -> None:
    async def elsewhere(send: Any) -> None:
        headers = [
            (b"content-length", b"0"),
            (b"location", f"{model_server.url}/v1/models/taxi/versions/1:predict".encode()),
        ]
        await send({"type": "http.response.start", "status": 307, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    model.faults = [elsewhere]
    assert problem(client.post("/v1/tip", json=trip)) == (502, "bad_model_answer")
    assert len(model.asked) == 1


def test_a_connection_is_used_again(start: Start, model: ScriptedModel, trip: Trip) -> None:
    callers = set()

    async def counted(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            callers.add(scope["client"])
        await model(scope, receive, send)

    with HttpServer(counted) as server:
        client = start({"model.server": server.url})
        for _ in range(5):
            assert client.post("/v1/tip", json=trip).status_code == 200
    assert len(model.asked) == 5
    assert len(callers) == 1


def request_line(lines: list[Any]) -> Any:
    """The log's line on the one request, which is written after the answer."""
    deadline = time.monotonic() + 10
    while not (found := [line for line in lines if line["event"] == "request"]):
        assert time.monotonic() < deadline
    return found[0]


def answering(status: int, body: bytes) -> Any:
    async def answer(send: Any) -> None:
        length = str(len(body)).encode()
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", length)]})
        await send({"type": "http.response.body", "body": body})

    return answer


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (400, b'{"error": "Main St. 5 is not in the vocabulary"}', "expected status 200, received 400 with 48 bytes"),
        (200, b'{"outputs": [["Main St. 5"]]}', "with a probability for each of 1 rows, received 29 bytes without"),
        (200, b"Main St. 5", "with a probability for each of 1 rows, received 10 bytes without"),
    ],
)
def test_no_log_and_no_client_sees_what_the_model_server_quotes(
    client: httpx.Client, model: ScriptedModel, trip: Trip, status: int, body: bytes, said: str
) -> None:
    model.faults = [answering(status, body)]
    with capture_logs() as lines:
        answer = client.post("/v1/tip", json=trip)
        line = request_line(lines)
    assert problem(answer) == (502, "bad_model_answer")
    assert line["model_error"].endswith(said)
    assert "Main St." not in f"{lines} {answer.text}"


@pytest.mark.parametrize(
    "body",
    [
        b'{"outputs": [[true]]}',
        b'{"outputs": [["0.5"]]}',
        b'{"outputs": "5"}',
        b'{"outputs": {"0": [0.5]}}',
        b'{"outputs": [[NaN]]}',
        b'{"outputs": [[1.5]]}',
        b'{"outputs": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ],
    ids=["true", "string", "string of digits", "object", "NaN", "above 1", "nested"],
)
def test_an_answer_that_is_no_probability(client: httpx.Client, model: ScriptedModel, trip: Trip, body: bytes) -> None:
    model.faults = [answering(200, body)]
    assert problem(client.post("/v1/tip", json=trip)) == (502, "bad_model_answer")


def test_an_answer_without_end(start: Start, model: ScriptedModel, trip: Trip) -> None:
    sent = 0

    async def endless(send: Any) -> None:
        nonlocal sent
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(10_000):  # 10 GB
            await send({"type": "http.response.body", "body": b" " * 1_000_000, "more_body": True})
            sent += 1

    client = start({"model.answer_bytes": 2_000_000})
    model.faults = [endless]
    assert problem(client.post("/v1/tip", json=trip)) == (502, "bad_model_answer")
    assert client.post("/v1/tip", json=trip).status_code == 200
    model.faults = [answering(200, b'{"outputs": [[0.5]]}' + b" " * 1_900_000)]
    assert client.post("/v1/tip", json=trip).status_code == 200


def test_metadata_without_end(start: Start) -> None:
    """Drop by drop: no pause is long enough to be a fault, the whole is."""

    async def dripping(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            while (await asyncio.sleep(0.02)) is None:
                await send({"type": "http.response.body", "body": b" ", "more_body": True})

    with HttpServer(dripping) as server:
        client = start({"model.server": server.url, "model.total_seconds": 0.2, "model.attempts": 1})
        assert problem(client.get("/readyz")) == (503, "no_model")
        assert sample(client, "gateway_upstream_errors_total", kind="timeout") == 1


def test_the_metrics_say_whether_a_version_answers_and_which(client: httpx.Client, model: ScriptedModel) -> None:
    model.versions, model.labels = ["7", "1795339425"], {"stable": "1795339425"}
    assert "gateway_model_available{" not in client.get("/metrics").text  # nobody has asked: NoModel must not fire
    for busy, status, available in ((False, 200, 1), (True, 503, 0), (False, 200, 1)):
        model.busy = busy
        time.sleep(0.01)  # until what was looked up is old
        assert client.get("/readyz").status_code == status
        assert sample(client, "gateway_model_available", model="taxi") == available
        assert sample(client, "gateway_model_version", model="taxi") == 1795339425


@pytest.mark.parametrize("version", ["1e999", "true1", "null", '"seven"'])
def test_a_version_that_is_no_number(start: Start, version: str) -> None:
    async def odd(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            body = '{"model_spec": {"version": VERSION}, "metadata": {"signature_def": {"signature_def": {}}}}'
            await answering(200, body.replace("VERSION", version).encode())(send)

    with HttpServer(odd) as server:
        assert problem(start({"model.server": server.url}).get("/readyz")) == (503, "no_model")


def test_metadata_that_cannot_be_used_is_not_quoted(start: Start) -> None:
    async def other(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await answering(200, b'{"note": "Main St. 5"}')(send)

    with HttpServer(other) as server, capture_logs() as lines:
        client = start({"model.server": server.url})
        assert problem(client.get("/readyz")) == (503, "no_model")
        line = request_line(lines)
    assert line["model_error"].endswith("expected metadata with version and signatures, received 22 bytes without")
    assert "Main St." not in str(lines)


def test_an_answer_that_is_no_http_is_not_quoted(start: Start) -> None:
    """What is left of an answer can stand where the next one's status is expected."""
    with socket.create_server(("127.0.0.1", 0)) as listener, capture_logs() as lines:
        client = start({"model.server": f"http://127.0.0.1:{listener.getsockname()[1]}", "model.attempts": 1})
        with concurrent.futures.ThreadPoolExecutor() as pool:
            answer = pool.submit(client.get, "/readyz")
            connection, _ = listener.accept()
            with connection:
                connection.recv(10_000)
                connection.sendall(b"Main St. 5\r\n\r\n")
                assert problem(answer.result()) == (503, "no_model")
        line = request_line(lines)
    assert line["model_error"].endswith("the connection broke: ClientResponseError")
    assert "Main St." not in str(lines)


def test_an_answer_within_the_time(start: Start, model: ScriptedModel, trip: Trip) -> None:
    model.faults = [lambda send: after(0.2, send, {"outputs": [[0.5]]})]
    assert start({"model.read_seconds": 5}).post("/v1/tip", json=trip).status_code == 200


def test_a_failure_of_the_gateway_itself(client: httpx.Client, trip: Trip, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr("serving.gateway.row_validator.RowValidator.check", broken)
    answer = client.post("/v1/tip", json=trip)
    assert problem(answer) == (500, "internal_error")
    assert "a fault of ours" not in answer.text
    assert sample(client, "gateway_requests_total", route="/v1/tip", status="500") == 1
