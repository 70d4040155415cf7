"""Give every request an id, a log line, metrics, security headers and, on a failure, an answer."""

import time
from collections.abc import Collection, Iterable

import structlog
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving import request_id as request_ids
from serving.gateway import problems
from serving.gateway.metrics import GatewayMetrics

REQUEST_ID_HEADER = request_ids.HEADER

# Allow scripts, styles, fonts and connections of this server only; forbid frames.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = (  # lower-case names, as ASGI requires
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode("ascii")),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)
_REQUEST_ID_NAME = REQUEST_ID_HEADER.lower().encode("ascii")
_log = structlog.get_logger("serving.gateway.request")


class RequestObserver:
    """ASGI middleware around the whole application.

    Args:
        app: the application.
        metrics: counts requests.
        routes: paths with their own label in the metrics; all others share one, so that made-up paths cannot fill the
            memory.
    """

    def __init__(self, app: ASGIApp, metrics: GatewayMetrics, routes: Collection[str]):
        self._app = app
        self._metrics = metrics
        self._routes = frozenset(routes)
        for route in routes:
            if route.startswith("/v1/"):
                metrics.announce_route(route)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request; pass on other scopes (start and end of the server)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        request_id = request_ids.sent_or_new(Headers(scope=scope).get(REQUEST_ID_HEADER, ""))
        request_ids.current.set(request_id)  # each request runs in a separate task, and so in a separate context
        # The handler adds fields of the log line to `log_fields`.
        log_fields: dict[str, object] = {}
        scope.setdefault("state", {}).update(request_id=request_id, log_fields=log_fields, began=began)
        status = 0

        async def observed_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = _completed(message.get("headers", ()), request_id)
            await send(message)

        # Answer HEAD as GET; the HTTP server drops the content by the outer scope.
        inner = {**scope, "method": "GET"} if scope["method"] == "HEAD" else scope
        try:
            await self._app(inner, receive, observed_send)
        except Exception:
            _log.exception("failed", request_id=request_id)
            if status:  # part of an answer is sent; the server closes the connection
                raise
            problem = problems.ProblemError(
                500, "internal_error", "The gateway failed; its log has the reason, under this request id."
            )
            await problems.answer(problem, request_id)(scope, receive, observed_send)
        finally:
            self._note(scope, status, time.perf_counter() - began, request_id, log_fields)

    def _note(self, scope: Scope, status: int, seconds: float, request_id: str, log_fields: dict[str, object]) -> None:
        route = scope["path"] if scope["path"] in self._routes else "other"
        self._metrics.requests.labels(route, str(status)).inc()
        self._metrics.request_seconds.labels(route).observe(seconds)
        _log.info(
            "request",
            request_id=request_id,
            client=scope["client"][0] if scope.get("client") else "unknown",
            method=scope["method"],
            path=scope["path"][:200],
            status=status,  # 0: the client went away before there was a status
            milliseconds=round(seconds * 1000, 3),
            **log_fields,
        )


def _completed(headers: Iterable[tuple[bytes, bytes]], request_id: str) -> list[tuple[bytes, bytes]]:
    """Add the id and missing security headers to an answer's headers."""
    kept = [header for header in headers if header[0] != _REQUEST_ID_NAME]
    present = {name for name, _ in kept}
    own = [header for header in _HEADERS if header[0] not in present]
    return [*kept, (_REQUEST_ID_NAME, request_id.encode("ascii")), *own]
