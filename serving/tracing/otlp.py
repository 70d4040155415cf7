"""Send spans of OpenTelemetry by OTLP over HTTP as JSON, from a separate thread."""

import contextlib
import logging
import threading
from collections.abc import Iterator, Sequence
from contextvars import Context

from opentelemetry import trace
from opentelemetry.exporter.otlp.json.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio
from opentelemetry.trace import SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving import request_id
from serving.tracing.tracer import Tracer

_PATH = "/v1/traces"
_EXPORT_SECONDS = 3.0  # one try of a batch; if the collector does not answer, its spans are dropped in the end
_SEND_MILLISECONDS = 1000  # time to collect spans for a batch
_CLOSE_SECONDS = 4.0  # limit when the server stops
_W3C = TraceContextTextMapPropagator()
_PROPAGATION_LOG = logging.getLogger("opentelemetry.trace")  # it quotes malformed tracestate headers of clients


class OtlpTracer(Tracer):
    """Trace requests; see `Tracer`. Spans beyond the queue of 2,048 are dropped: no request waits for a collector.

    Args:
        endpoint: see `serving.tracing.factory`.
        service: see `serving.tracing.factory`.
        sample_rate: see `serving.tracing.factory`.
    """

    def __init__(self, endpoint: str, service: str, sample_rate: float):
        _PROPAGATION_LOG.setLevel(logging.ERROR)
        self._exporter = OTLPSpanExporter(endpoint.rstrip("/") + _PATH, timeout=_EXPORT_SECONDS)
        self._provider = TracerProvider(
            resource=Resource.create({SERVICE_NAME: service}),
            sampler=ParentBasedTraceIdRatio(sample_rate),
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(BatchSpanProcessor(self._exporter, schedule_delay_millis=_SEND_MILLISECONDS))
        self._tracer = self._provider.get_tracer("serving")

    @contextlib.contextmanager
    def span(self, name: str, **attributes: str | int | float) -> Iterator[trace.Span]:
        """Trace a block; see `Tracer`. Of an exception keep the type only: its message can quote the request."""
        with self._started(name, SpanKind.INTERNAL, attributes) as span:
            yield span

    @contextlib.contextmanager
    def call(self, name: str, **attributes: str | int | float) -> Iterator[trace.Span]:
        """Trace a call; see `Tracer`."""
        with self._started(name, SpanKind.CLIENT, attributes) as span:
            yield span

    @contextlib.contextmanager
    def shared_call(
        self, name: str, contexts: Sequence[Context], **attributes: str | int | float
    ) -> Iterator[trace.Span]:
        """Trace a shared call; see `Tracer`. It is part of the first sampled trace, with links to the others."""
        spans = [context.run(trace.get_current_span) for context in contexts]
        spans.sort(key=lambda span: not span.get_span_context().trace_flags.sampled)  # stable
        links = [trace.Link(span.get_span_context()) for span in spans[1:]]
        parent = trace.set_span_in_context(spans[0])
        with self._started(name, SpanKind.CLIENT, attributes, parent, links) as span:
            yield span

    def headers(self) -> dict[str, str]:
        """Return the trace's headers; see `Tracer`."""
        carrier: dict[str, str] = {}
        _W3C.inject(carrier)
        return carrier

    def around(self, app: ASGIApp) -> ASGIApp:
        """Wrap the application; see `Tracer`."""

        async def traced(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            headers = Headers(scope=scope)
            attributes = {"http.request.method": scope["method"], "url.path": scope["path"][:200]}
            parent = _W3C.extract(dict(headers))
            with self._started(str(scope["method"]), SpanKind.SERVER, attributes, parent) as span:

                async def noted_send(message: Message) -> None:
                    if message["type"] == "http.response.start":
                        _note(span, message, headers)
                    await send(message)

                await app(scope, receive, noted_send)

        return traced

    def close(self) -> None:
        """Send the remaining spans; see `Tracer`. Give up after some seconds if the collector does not take them."""
        sending = threading.Thread(target=self._provider.shutdown, daemon=True)
        sending.start()
        sending.join(_CLOSE_SECONDS)
        if sending.is_alive():
            self._exporter.shutdown()  # ends the wait between two tries

    @contextlib.contextmanager
    def _started(
        self,
        name: str,
        kind: SpanKind,
        attributes: dict[str, str | int | float],
        parent: object = None,
        links: Sequence[trace.Link] = (),
    ) -> Iterator[trace.Span]:
        with self._tracer.start_as_current_span(
            name,
            context=parent,  # type: ignore[arg-type]
            kind=kind,
            attributes=attributes,
            links=links,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                yield span
            except BaseException as error:
                span.set_attribute("error.type", type(error).__name__)
                span.set_status(StatusCode.ERROR)
                raise


def _note(span: trace.Span, start: Message, headers: Headers) -> None:
    """Record the status of an answer, and the request's id in the logs."""
    answered = Headers(raw=start["headers"])
    span.set_attribute("http.response.status_code", start["status"])
    span.set_attribute(
        "request.id", request_id.loggable(answered.get(request_id.HEADER) or headers.get(request_id.HEADER, ""))
    )
    if start["status"] >= 500:
        span.set_status(StatusCode.ERROR)
