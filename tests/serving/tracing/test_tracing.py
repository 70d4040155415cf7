"""Traces of the gateway, as a collector receives them; and what they cost where nobody asked for them."""

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from serving import contract as contracts
from serving.gateway.app import create_app
from serving.tracing import factory
from serving.tracing.tracer import TracingError
from tests.serving.gateway.conftest import TAXI_CONTRACT, settings
from tests.serving.gateway.http_server import HttpServer
from tests.serving.gateway.scripted_model import ScriptedModel
from tests.serving.running_server import free_ports
from tests.serving.tracing.collector import CLIENT, SERVER, Collector, Span

CONTRACT = contracts.read(TAXI_CONTRACT)
TRIP = dict(CONTRACT.example)
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"


class NotedModel:
    """A scripted model that also keeps the headers of predictions."""

    def __init__(self) -> None:
        self.scripted = ScriptedModel(CONTRACT)
        self.headers: list[dict[str, str]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "POST":
            self.headers.append({name.decode(): value.decode() for name, value in scope["headers"]})
        await self.scripted(scope, receive, send)


@pytest.fixture
def model() -> NotedModel:
    return NotedModel()


@pytest.fixture
def collector() -> Collector:
    return Collector()


@pytest.fixture
def start_gateway(model: NotedModel, tmp_path: Any) -> Iterator[Callable[..., httpx.Client]]:
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(HttpServer(model))

        def started(**flags: object) -> httpx.Client:
            given = {"request_log.folder": str(tmp_path / "requests"), **flags}
            gateway = stack.enter_context(HttpServer(create_app(settings(server.url, given), {})))
            return stack.enter_context(httpx.Client(base_url=gateway.url, timeout=10))

        yield started


@pytest.fixture
def traced(start_gateway: Callable[..., httpx.Client], collector: Collector) -> Iterator[httpx.Client]:
    with HttpServer(collector) as receiving:
        yield start_gateway(**{"tracing.endpoint": receiving.url})


def named(spans: list[Span], name: str) -> list[Span]:
    return [span for span in spans if span.name == name]


def test_the_parts_of_a_request(traced: httpx.Client, collector: Collector, model: NotedModel) -> None:
    headers = {"traceparent": f"00-{TRACE}-{PARENT}-01", "X-Request-ID": "from-the-test"}
    assert traced.post("/v1/tip", json=TRIP, headers=headers).status_code == 200
    spans = collector.wait(4)
    assert {(span.service, span.trace) for span in spans} == {("gateway", TRACE)}
    (request,) = named(spans, "POST")
    assert (request.kind, request.parent, request.failed) == (SERVER, PARENT, False)
    assert request.attributes["request.id"] == "from-the-test"
    assert request.attributes["url.path"] == "/v1/tip"
    assert int(request.attributes["http.response.status_code"]) == 200
    assert {span.name for span in spans} == {"POST", "validation", "model call", "request log"}
    assert {span.parent for span in spans if span != request} == {request.id}
    (call,) = named(spans, "model call")
    assert call.kind == CLIENT
    (sent,) = model.headers
    assert sent["traceparent"] == f"00-{TRACE}-{call.id}-01"
    assert sent["x-request-id"] == "from-the-test"


def test_a_file_has_the_same_parts_as_a_row(traced: httpx.Client, collector: Collector) -> None:
    text = ",".join(TRIP) + "\n" + ",".join(map(str, TRIP.values())) + "\n"
    headers = {"Content-Type": "text/csv", "traceparent": f"00-{TRACE}-{PARENT}-01"}
    assert traced.post("/v1/tip/csv", content=text, headers=headers).status_code == 200
    spans = collector.wait(4)
    assert {span.name for span in spans} == {"POST", "validation", "model call", "request log"}
    assert {span.trace for span in spans} == {TRACE}


def test_tries_that_fail(traced: httpx.Client, collector: Collector, model: NotedModel) -> None:
    model.scripted.faults = [503, 503]
    assert traced.post("/v1/tip", json=TRIP).status_code == 200
    calls = named(collector.wait(6), "model call")
    assert [(int(span.attributes["attempt"]), span.failed) for span in calls] == [(1, True), (2, True), (3, False)]
    assert calls[0].attributes["error.type"] == "ModelUnavailableError"


def test_a_refused_row_is_not_told_to_the_collector(traced: httpx.Client, collector: Collector) -> None:
    assert traced.post("/v1/tip", json={**TRIP, "company": "Secret Cabs", "fare": -12345}).status_code == 422
    spans = collector.wait(2)
    (validation,) = named(spans, "validation")
    assert (validation.failed, validation.attributes) == (True, {"error.type": "ProblemError"})
    (request,) = named(spans, "POST")
    assert not request.failed, "the caller's fault is not the gateway's"
    assert not any(secret in body for body in collector.bodies for secret in (b"Secret Cabs", b"12345"))


def test_what_is_sampled(start_gateway: Callable[..., httpx.Client], collector: Collector) -> None:
    with HttpServer(collector) as receiving:
        gateway = start_gateway(**{"tracing.endpoint": receiving.url, "tracing.sample_rate": 0.0})
        gateway.post("/v1/tip", json=TRIP)
        gateway.post("/v1/tip", json=TRIP, headers={"traceparent": f"00-{'1' * 32}-{PARENT}-00"})
        gateway.post("/v1/tip", json=TRIP, headers={"traceparent": f"00-{TRACE}-{PARENT}-01"})
        assert {span.trace for span in collector.wait(4)} == {TRACE}


def test_a_collector_that_is_away_delays_nobody(start_gateway: Callable[..., httpx.Client]) -> None:
    (port,) = free_ports(1)
    gateway = start_gateway(**{"tracing.endpoint": f"http://127.0.0.1:{port}"})
    began = time.monotonic()
    assert {gateway.post("/v1/tip", json=TRIP).status_code for _ in range(50)} == {200}
    assert time.monotonic() - began < 5


def test_a_server_that_ends_waits_for_no_collector() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections and answers nothing
        tracer = factory.make_tracer(f"http://127.0.0.1:{silent.getsockname()[1]}", "gateway")
        for _ in range(2000):
            with tracer.span("part"):
                pass
        began = time.monotonic()
        tracer.close()
        assert time.monotonic() - began < 6


def test_off_the_request_id_alone_is_passed_on(start_gateway: Callable[..., httpx.Client], model: NotedModel) -> None:
    answer = start_gateway().post("/v1/tip", json=TRIP, headers={"traceparent": f"00-{TRACE}-{PARENT}-01"})
    (sent,) = model.headers
    assert sent["x-request-id"] == answer.headers["X-Request-ID"]
    assert "traceparent" not in sent


@pytest.mark.slow
def test_off_opentelemetry_is_not_loaded() -> None:
    code = (
        "import sys; import serving.gateway.process; from serving.tracing.factory import make_tracer; "
        "make_tracer(None, 'gateway'); "
        "print([name for name in sys.modules if name.startswith(('opentelemetry.sdk', 'opentelemetry.exporter'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_trace_context_that_is_malformed_begins_a_trace_and_no_log_quotes_it(
    traced: httpx.Client, collector: Collector, model: NotedModel, caplog: pytest.LogCaptureFixture
) -> None:
    sent = [
        {"traceparent": f"00-{TRACE}-{'0' * 16}-01"},
        {"traceparent": f"ff-{TRACE}-{PARENT}-01"},
        {"traceparent": b"\xff" * 100, "tracestate": b"\x85quoted"},
        {"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "quoted!" * 30},
    ]
    for headers in sent:
        assert traced.post("/v1/tip", json=TRIP, headers=headers).status_code == 200  # type: ignore[arg-type]
    requests = named(collector.wait(4 * len(sent)), "POST")
    assert [span.parent for span in requests] == ["", "", "", PARENT]
    assert all("tracestate" not in headers for headers in model.headers)
    assert "quoted" not in caplog.text


@pytest.mark.parametrize("endpoint", ["localhost:4318", "http://", "http://127.0.0.1:4318?a=b", "http://a b"])
def test_an_endpoint_that_is_no_url(endpoint: str) -> None:
    with pytest.raises(TracingError, match=r"expected a collector's URL such as http://127.0.0.1:4318, .*, received"):
        factory.make_tracer(endpoint, "gateway")


def test_without_the_packages_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "serving.tracing.otlp", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.json.http.trace_exporter", None)
    with pytest.raises(TracingError, match=r"expected the packages of the dependency group `tracing`, received an env"):
        factory.make_tracer("http://127.0.0.1:4318", "gateway")
