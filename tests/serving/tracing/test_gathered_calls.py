"""Calls made for several requests: the id that the model server learns, and the traces that they are part of."""

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
from structlog.testing import capture_logs

from serving import request_id
from serving.gateway.gathered_calls import GatheredCalls
from serving.gateway.model_errors import ModelUnavailableError
from serving.gateway.settings import ModelSettings
from serving.tracing.otlp import OtlpTracer
from serving.tracing.tracer import Tracer
from tests.serving.gateway.http_server import HttpServer
from tests.serving.tracing.collector import CLIENT, Collector, Span

UNSAMPLED = 0.0


class Server:
    """In the place of PredictClient: notes what it would send along."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer
        self.sent: list[tuple[int, str | None, str]] = []  # rows, request id, traceparent
        self.open = asyncio.Event()
        self.fault: Exception | None = None

    async def predict(self, version: str, inputs: dict[str, list[Any]]) -> list[float]:
        rows = inputs["fare"]
        self.sent.append((len(rows), request_id.current.get(), self._tracer.headers().get("traceparent", "")))
        await self.open.wait()
        if self.fault:
            raise self.fault
        return rows


class Gateway:
    """Requests that each have a task, an id and a span, as the gateway's have."""

    def __init__(self, tracer: Tracer):
        self.server = Server(tracer)
        self._tracer = tracer
        self._calls = GatheredCalls(self.server, ModelSettings(name="taxi"), 1000, tracer)  # type: ignore[arg-type]

    async def ask(self, name: str) -> list[Any]:
        request_id.current.set(name)
        with self._tracer.span(name):
            return await self._calls.predict("1", {"fare": [1.0]})

    async def ask_all(self) -> list[Any]:
        """Two requests with a call each, and two that share the next."""
        asking = []
        for name in ("first", "second", "third", "fourth"):
            asking.append(asyncio.create_task(self.ask(name)))
            for _ in range(5):
                await asyncio.sleep(0)
        self.server.open.set()
        return await asyncio.gather(*asking, return_exceptions=True)


@pytest.fixture
def collector() -> Collector:
    return Collector()


@contextlib.contextmanager
def traced(collector: Collector, sample_rate: float = 1.0) -> Iterator[Tracer]:
    with HttpServer(collector) as receiving:
        tracer = OtlpTracer(receiving.url, "gateway", sample_rate)
        yield tracer
        tracer.close()


def by_name(spans: list[Span]) -> dict[str, Span]:
    return {span.name: span for span in spans}


def test_a_call_of_one_request_bears_its_id_and_a_shared_one_an_id_of_its_own() -> None:
    async def run() -> list[tuple[int, str | None, str]]:
        gateway = Gateway(Tracer())
        assert await gateway.ask_all() == [[1.0]] * 4
        return gateway.server.sent

    first, second, shared = asyncio.run(run())
    assert (first[:2], second[:2]) == ((1, "first"), (1, "second"))
    assert shared[0] == 2
    assert shared[1] is not None
    assert request_id.loggable(shared[1]) == shared[1]
    assert shared[1] not in ("first", "second", "third", "fourth")


def test_a_shared_call_that_fails_is_logged_with_the_requests() -> None:
    async def run() -> str | None:
        gateway = Gateway(Tracer())
        gateway.server.fault = ModelUnavailableError("status 503")
        answers = await gateway.ask_all()
        assert [type(answer) for answer in answers] == [ModelUnavailableError] * 4
        return gateway.server.sent[-1][1]

    with capture_logs() as logs:
        shared = asyncio.run(run())
    (line,) = logs
    assert (line["call"], line["requests"], line["model_error"]) == (shared, ["third", "fourth"], "status 503")


def test_a_shared_call_is_part_of_one_trace_with_a_link_to_the_other(collector: Collector) -> None:
    async def run(tracer: Tracer) -> list[tuple[int, str | None, str]]:
        gateway = Gateway(tracer)
        await gateway.ask_all()
        return gateway.server.sent

    with traced(collector) as tracer:
        sent = asyncio.run(run(tracer))
        spans = by_name(collector.wait(5))
    shared = spans["gathered call"]
    assert (shared.kind, shared.trace, shared.parent) == (CLIENT, spans["third"].trace, spans["third"].id)
    assert shared.links == (spans["fourth"].id,)
    assert shared.attributes["requests"] == "2"
    assert [header.split("-")[2] for _, _, header in sent] == [spans["first"].id, spans["second"].id, shared.id]


def test_a_trace_that_is_not_kept_does_not_hide_the_call_from_one_that_is(collector: Collector) -> None:
    async def run(rare: Tracer, kept: Tracer) -> None:
        gateway = Gateway(rare)
        server = gateway.server

        async def sampled() -> list[Any]:
            with kept.span("sampled"):
                return await gateway.ask("fourth")

        asking = [asyncio.create_task(each) for each in (gateway.ask("1"), gateway.ask("2"), sampled())]
        server.open.set()
        await asyncio.gather(*asking)
        assert [rows for rows, *_ in server.sent] == [3]

    with traced(collector, UNSAMPLED) as rare, traced(collector) as kept:
        asyncio.run(run(rare, kept))
        rare.close()
        kept.close()
        spans = by_name(collector.wait(3))
    assert spans["gathered call"].trace == spans["sampled"].trace
    assert spans["gathered call"].parent == spans["fourth"].id
