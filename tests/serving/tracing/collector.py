"""An OpenTelemetry collector, as far as one is asked: OTLP over HTTP, JSON."""

import dataclasses
import json
import time
from typing import Any

from starlette.types import Receive, Scope, Send

SERVER, CLIENT = 2, 3  # kinds of span in OTLP


@dataclasses.dataclass(frozen=True)
class Span:
    """One span as it came in."""

    service: str
    name: str
    trace: str
    id: str
    parent: str  # empty: none
    kind: int
    failed: bool
    attributes: dict[str, Any]
    links: tuple[str, ...]  # ids of spans


class Collector:
    """An ASGI application that keeps what it is sent."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            while (message := await receive())["type"] != "lifespan.shutdown":
                await send({"type": message["type"] + ".complete"})
            await send({"type": "lifespan.shutdown.complete"})
            return
        assert scope["path"] == "/v1/traces", scope["path"]
        body = b""
        while (message := await receive())["type"] == "http.request":
            body += message["body"]
            if not message.get("more_body"):
                break
        self.bodies.append(body)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": b"{}"})

    @property
    def spans(self) -> list[Span]:
        """Those that have come in."""
        return [
            _span(_attributes(resource["resource"]["attributes"])["service.name"], each)
            for body in self.bodies
            for resource in json.loads(body)["resourceSpans"]
            for scope in resource["scopeSpans"]
            for each in scope["spans"]
        ]

    def wait(self, count: int, seconds: float = 20) -> list[Span]:
        """Returns the spans once there are so many."""
        end = time.monotonic() + seconds
        while len(self.spans) < count:
            assert time.monotonic() < end, self.spans
            time.sleep(0.02)
        return self.spans


def _span(service: str, each: dict[str, Any]) -> Span:
    return Span(
        service=service,
        name=each["name"],
        trace=each["traceId"],
        id=each["spanId"],
        parent=each.get("parentSpanId", ""),
        kind=each["kind"],
        failed=each.get("status", {}).get("code") == 2,
        attributes=_attributes(each.get("attributes", [])),
        links=tuple(link["spanId"] for link in each.get("links", [])),
    )


def _attributes(pairs: list[dict[str, Any]]) -> dict[str, Any]:
    return {each["key"]: next(iter(each["value"].values())) for each in pairs}
