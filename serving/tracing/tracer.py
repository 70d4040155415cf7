"""Trace the parts of a request; do nothing if traces are off."""

import contextlib
from collections.abc import Sequence
from contextlib import AbstractContextManager
from contextvars import Context

from starlette.types import ASGIApp

_NOTHING: AbstractContextManager[None] = contextlib.nullcontext()


class TracingError(ValueError):
    """Traces are configured, and cannot be sent."""


class Tracer:
    """A tracer that does nothing. `serving.tracing.factory` makes one that traces."""

    def span(self, name: str, **attributes: str | int | float) -> AbstractContextManager[object]:
        """Trace the block as a part of the current request.

        Args:
            name: of the part; use few different names.
            attributes: of the span. Never a value of the request: traces are stored elsewhere.

        Returns:
            A context manager.
        """
        return _NOTHING

    def call(self, name: str, **attributes: str | int | float) -> AbstractContextManager[object]:
        """Trace a call of another server as `span` does; `headers` passes the trace on."""
        return _NOTHING

    def shared_call(
        self, name: str, contexts: Sequence[Context], **attributes: str | int | float
    ) -> AbstractContextManager[object]:
        """Trace a call for several requests as `call` does.

        Args:
            name: of the call.
            contexts: of the requests; none may be the current context.
            attributes: see `call`.

        Returns:
            A context manager.
        """
        return _NOTHING

    def headers(self) -> dict[str, str]:
        """Return the W3C Trace Context headers of the current span, for an outgoing request."""
        return {}

    def around(self, app: ASGIApp) -> ASGIApp:
        """Return the application with a span around each request, in the trace of its traceparent header."""
        return app

    def close(self) -> None:
        """Send the remaining spans."""
