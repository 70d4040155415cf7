"""The metrics of TensorFlow Serving that dashboards commonly show, under the same names."""

import contextlib
import time
from collections.abc import Iterator
from typing import Any

import prometheus_client

from serving.tls.metrics import TlsMetrics

# Microseconds; 10 × 1.8^k, as TensorFlow Serving's own histograms.
_BOUNDS = tuple(10 * 1.8**power for power in range(33))
_COUNT = ":tensorflow:serving:request_count"


class ServerMetrics:
    """Count requests and measure their latency."""

    def __init__(self) -> None:
        prometheus_client.disable_created_metrics()
        self._registry = prometheus_client.CollectorRegistry()
        self._children: dict[tuple[int, tuple[str, ...]], Any] = {}  # cached series: one for each combination of labels
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

        self._refused = prometheus_client.Counter(
            "model_versions_refused",
            "Versions that were not loaded, by model and reason.",
            ["model_name", "reason"],
            registry=self._registry,
        )

    def answered(self, model: str, api: str, entrypoint: str, status: str, since: float) -> None:
        """Count one request.

        Args:
            model: the model's name if the server has the model, else empty: callers must not be able to create series.
            api: Predict, Classify, Regress or MultiInference.
            entrypoint: GRPC or REST.
            status: the canonical code's name, such as OK.
            since: the value of time.perf_counter at arrival.
        """
        self._child(self._count, model, status).inc()
        self._child(self._latency, model, api, entrypoint).observe((time.perf_counter() - since) * 1e6)

    @contextlib.contextmanager
    def running(self, model: str, api: str) -> Iterator[None]:
        """Measure the block as the model's own run time."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self._child(self._runtime, model, api, "TF1").observe((time.perf_counter() - started) * 1e6)

    def _child(self, metric: Any, *labels: str) -> Any:
        """Return a metric's series from a cache: the library's look-up locks and converts every label."""
        key = (id(metric), labels)
        if key not in self._children:
            self._children[key] = metric.labels(*labels)
        return self._children[key]

    def refused(self, model: str, reason: str) -> None:
        """Count a version that was not loaded because it has no valid signature."""
        self._refused.labels(model, reason).inc()

    def render(self) -> bytes:
        """Return the metrics in Prometheus' text format."""
        text = prometheus_client.generate_latest(self._registry)
        # TensorFlow's counters have no such suffix; the library appends it to every counter.
        return text.replace(_COUNT.encode() + b"_total", _COUNT.encode())
