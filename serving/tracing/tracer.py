"""What marks the parts of a request; where tracing is off, it does nothing."""

import contextlib
from collections.abc import Sequence
from contextlib import AbstractContextManager
from contextvars import Context

from starlette.types import ASGIApp

_NOTHING: AbstractContextManager[None] = contextlib.nullcontext()


class TracingError(ValueError):
    """Traces are asked for, and cannot be sent."""


class Tracer:
    """Marks nothing. `serving.tracing.factory` gives one that does."""

    def span(self, name: str, **attributes: str | int | float) -> AbstractContextManager[object]:
        """Mark the block as a part of the request that is being answered.

        Args:
            name: of the part; few different ones.
            attributes: what else is known of it. No values of the request: traces are kept elsewhere, by others.
        """
        return _NOTHING

    def call(self, name: str, **attributes: str | int | float) -> AbstractContextManager[object]:
        """As `span`, for a call of another server, which `headers` tells of it."""
        return _NOTHING

    def shared_call(
        self, name: str, contexts: Sequence[Context], **attributes: str | int | float
    ) -> AbstractContextManager[object]:
        """As `call`, for one that is made for several requests.

        Args:
            name: of the call.
            contexts: of the requests; none may be one that code runs in.
            attributes: as of `call`.
        """
        return _NOTHING

    def headers(self) -> dict[str, str]:
        """W3C Trace Context of the current part, for the request that is sent in it."""
        return {}

    def around(self, app: ASGIApp) -> ASGIApp:
        """Return the application with a span around each request, in the trace that its traceparent names."""
        return app

    def close(self) -> None:
        """Send what has not been sent."""
