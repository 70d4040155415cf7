"""What Prometheus scrapes at /metrics."""

from prometheus_client import CollectorRegistry, Counter, Histogram, PlatformCollector, ProcessCollector

from serving.tls.metrics import TlsMetrics

# Seconds. A prediction takes single milliseconds; the last bounds tell a slow model from a time-out.
_BUCKETS = (0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class GatewayMetrics:
    """The gateway's metrics, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self.tls = TlsMetrics(self.registry)
        self.requests = Counter(
            "gateway_requests", "Requests, by route and HTTP status.", ["route", "status"], registry=self.registry
        )
        self.request_seconds = Histogram(
            "gateway_request_seconds",
            "Seconds from a request to the end of its answer.",
            ["route"],
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self.feedback = Counter(
            "gateway_feedback_outcomes",
            "Outcomes that callers told, by what became of them: stored, or the reason why not.",
            ["result"],
            registry=self.registry,
        )
        self.predictions = Counter(
            "gateway_predictions",
            "Rows answered.",
            ["model_version", "label", "decision"],
            registry=self.registry,
        )
        self.upstream_errors = Counter(
            "gateway_upstream_errors",
            "Calls of the model server that gave no prediction, tries that were repeated included.",
            ["kind"],
            registry=self.registry,
        )
        self.upstream_seconds = Histogram(
            "gateway_upstream_seconds",
            "Seconds of one call of the model server that gave predictions.",
            buckets=_BUCKETS,
            registry=self.registry,
        )
