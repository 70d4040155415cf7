"""Chooses the tracer: one that does nothing, unless a collector is named."""

import re

from serving.tracing.tracer import Tracer, TracingError

_URL = re.compile(r"https?://[^?#\s]+")


def make_tracer(endpoint: str | None, service: str, sample_rate: float = 1.0) -> Tracer:
    """Make a tracer.

    Args:
        endpoint: a collector's URL for OTLP over HTTP, such as http://127.0.0.1:4318; None: tracing is off.
        service: what the spans are of.
        sample_rate: share of the traces that begin here, 0 to 1; one that began elsewhere is kept if that says so.

    Raises:
        TracingError: The endpoint is no URL, or OpenTelemetry is not installed.
    """
    if endpoint is None:
        return Tracer()
    if not _URL.fullmatch(endpoint):
        raise TracingError(
            f"tracing: expected a collector's URL such as http://127.0.0.1:4318, without query, received {endpoint!r}."
        )
    try:
        from serving.tracing.otlp import OtlpTracer  # only here: it takes 0.2 s, and the gateway's image may lack it
    except ModuleNotFoundError as error:
        raise TracingError(
            f"tracing: expected the packages of the dependency group `tracing`, received an environment without "
            f"{error.name}; install them (uv sync --group tracing), or name no endpoint."
        ) from error
    return OtlpTracer(endpoint, service, sample_rate)
