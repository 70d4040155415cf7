"""What Prometheus scrapes at /metrics."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, PlatformCollector, ProcessCollector

from serving.gateway import model_errors

# Seconds. A prediction takes single milliseconds; the last bounds tell a slow model from a time-out.
_BUCKETS = (0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
ANSWERED = "answered"  # a value of `result` in gateway_answers_total, beside the kinds of model errors


class GatewayMetrics:
    """The gateway's metrics, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
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
        self.answers = Counter(
            "gateway_answers",
            "Requests for predictions, by the version that was asked last and what came of it: answered, or the error.",
            ["model_version", "label", "result"],
            registry=self.registry,
        )
        self.model_available = Gauge(
            "gateway_model_available",
            "Whether a version answered that fits the contract, when it was looked up last; not there until then.",
            ["model"],
            registry=self.registry,
        )
        self.model_version = Gauge(
            "gateway_model_version",
            "The version that stable requests go to; Pusher's numbers are the Unix time of the push, in seconds.",
            ["model"],
            registry=self.registry,
        )
        self.sticky = Counter(
            "gateway_sticky_requests",
            "Requests by whether they named the caller, which keeps its side of a canary; others are drawn by lot.",
            ["named"],
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
        self.rate_limit_store_up = Gauge(
            "gateway_rate_limit_store_up",
            "Whether Redis counts requests for all replicas (1), or each replica counts alone (0).",
            ["store"],
            registry=self.registry,
        )
        self.rate_limit_store_failures = Counter(
            "gateway_rate_limit_store_failures",
            "How often Redis was lost: each time, the replica counts alone until Redis answers again.",
            ["store"],
            registry=self.registry,
        )

    def announce_version(self, version: str, label: str) -> None:
        """Counts from 0 what a version will answer and fail: Prometheus does not see the first rise of a new series."""
        for result in (ANSWERED, *model_errors.KINDS):
            self.answers.labels(version, label, result)

    def announce_route(self, route: str) -> None:
        """Counts from 0 the requests of a route by the statuses that alerts ask for."""
        for status in (200, 500, 502, 503, 504):
            self.requests.labels(route, str(status))
