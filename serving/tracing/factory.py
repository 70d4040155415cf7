"""Choose the tracer: one that does nothing, unless a collector is configured."""

import re

from serving.tracing.tracer import Tracer, TracingError

_URL = re.compile(r"https?://[^?#\s]+")


def make_tracer(endpoint: str | None, service: str, sample_rate: float = 1.0) -> Tracer:
    """Make a tracer.

    Args:
        endpoint: an OTLP/HTTP collector's URL, such as http://127.0.0.1:4318; None disables traces.
        service: the service name of the spans.
        sample_rate: share of the traces that begin here, 0 to 1; traces that began elsewhere follow their own sampling.

    Returns:
        The tracer.

    Raises:
        TracingError: The endpoint is not a URL, or OpenTelemetry is not installed.
    """
    if endpoint is None:
        return Tracer()
    if not _URL.fullmatch(endpoint):
        raise TracingError(
            f"tracing: expected a collector's URL such as http://127.0.0.1:4318, without query, received {endpoint!r}."
        )
    try:
        from serving.tracing.otlp import OtlpTracer  # import late: it takes 0.2 s, and the gateway's image may lack it
    except ModuleNotFoundError as error:
        raise TracingError(
            f"tracing: expected the packages of the dependency group `tracing`, received an environment without "
            f"{error.name}; install them (uv sync --group tracing), or remove the endpoint."
        ) from error
    return OtlpTracer(endpoint, service, sample_rate)
