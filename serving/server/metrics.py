"""The metrics of TensorFlow Serving that its users' dashboards show, under its names."""

import contextlib
import time
from collections.abc import Iterator

import prometheus_client

from serving.tls.metrics import TlsMetrics

# Microseconds; 10 × 1.8^k, as TensorFlow Serving's own histograms.
_BOUNDS = tuple(10 * 1.8**power for power in range(33))
_COUNT = ":tensorflow:serving:request_count"


class ServerMetrics:
    """Counts requests and measures how long they take."""

    def __init__(self) -> None:
        prometheus_client.disable_created_metrics()
        self._registry = prometheus_client.CollectorRegistry()
        self.tls = TlsMetrics(self._registry)
        self._count = prometheus_client.Counter(
            _COUNT, "Requests by model and canonical code.", ["model_name", "status"], registry=self._registry
        )
        self._latency = prometheus_client.Histogram(
            ":tensorflow:serving:request_latency",
            "Microseconds from a parsed request to its answer.",
            ["model_name", "API", "entrypoint"],
            buckets=_BOUNDS,
            registry=self._registry,
        )
        self._runtime = prometheus_client.Histogram(
            ":tensorflow:serving:runtime_latency",
            "Microseconds that the model itself took, waiting for a batch included.",
            ["model_name", "API", "runtime"],
            buckets=_BOUNDS,
            registry=self._registry,
        )

    def answered(self, model: str, api: str, entrypoint: str, status: str, since: float) -> None:
        """Counts one request.

        Args:
            model: its name, as the caller gave it if the server has it, else empty: callers must not make up series.
            api: Predict, Classify, Regress or MultiInference.
            entrypoint: GRPC or REST.
            status: the canonical code's name, as in OK.
            since: what time.perf_counter said when it arrived.
        """
        self._count.labels(model, status).inc()
        self._latency.labels(model, api, entrypoint).observe((time.perf_counter() - since) * 1e6)

    @contextlib.contextmanager
    def running(self, model: str, api: str) -> Iterator[None]:
        """Measures what happens inside as the model's own time."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self._runtime.labels(model, api, "TF1").observe((time.perf_counter() - started) * 1e6)

    def render(self) -> bytes:
        """The text that Prometheus reads."""
        text = prometheus_client.generate_latest(self._registry)
        # TensorFlow's counters have no such suffix, and the library appends it to every counter.
        return text.replace(_COUNT.encode() + b"_total", _COUNT.encode())
