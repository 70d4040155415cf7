"""The metrics that Prometheus scrapes at /metrics."""

from collections.abc import Iterator, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric, PlatformCollector, ProcessCollector

from serving.gateway import model_errors
from serving.tls.metrics import TlsMetrics

ENDPOINT = "endpoint"  # label of a task's metrics in a gateway of several tasks

# Seconds. A prediction takes single milliseconds; the last bounds separate a slow model from a time-out.
_BUCKETS = (0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
ANSWERED = "answered"  # a value of `result` in gateway_answers_total, in addition to the kinds of model errors


class GatewayMetrics:
    """Metrics of the gateway as a whole, in a separate registry."""

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
        self.rate_limit_store_up = Gauge(
            "gateway_rate_limit_store_up",
            "Whether Redis counts requests for all replicas (1), or each replica counts alone (0).",
            ["store"],
            registry=self.registry,
        )
        self.rate_limit_store_failures = Counter(
            "gateway_rate_limit_store_failures",
            "Losses of Redis: after each, the replica counts alone until Redis answers again.",
            ["store"],
            registry=self.registry,
        )

    def announce_route(self, route: str) -> None:
        """Start the request counters of a route at 0, for the statuses that alerts query."""
        for status in (200, 500, 502, 503, 504):
            self.requests.labels(route, str(status))


class TaskMetrics:
    """Metrics of one task, in a separate registry."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.tls = TlsMetrics(self.registry)
        self.feedback = Counter(
            "gateway_feedback_outcomes",
            "Outcomes that clients sent, by result: stored, or the reason of the refusal.",
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
            "Requests for predictions, by the version that was asked last and its result: answered, or the error.",
            ["model_version", "label", "result"],
            registry=self.registry,
        )
        self.model_available = Gauge(
            "gateway_model_available",
            "Whether a version that fits the contract answered the last look-up; absent before the first.",
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
            "Requests by whether they named the caller; callers keep their version during a canary, others are random.",
            ["named"],
            registry=self.registry,
        )
        self.upstream_errors = Counter(
            "gateway_upstream_errors",
            "Calls of the model server that returned no prediction, including those that were retried.",
            ["kind"],
            registry=self.registry,
        )
        self.upstream_seconds = Histogram(
            "gateway_upstream_seconds",
            "Seconds of one call of the model server that returned predictions.",
            buckets=_BUCKETS,
            registry=self.registry,
        )

    def announce_version(self, version: str, label: str) -> None:
        """Start a version's counters at 0: Prometheus misses the first increase of a new series."""
        for result in (ANSWERED, *model_errors.KINDS):
            self.answers.labels(version, label, result)


class Exposition:
    """The scraped metrics: those of the gateway and of its tasks.

    Metrics of a task have the label `endpoint` only in a gateway of several tasks, so that dashboards and alerts of a
    single task do not need it.
    """

    def __init__(self, gateway: GatewayMetrics, tasks: Mapping[str, TaskMetrics]):
        self._gateway = gateway
        self._tasks = tasks

    def collect(self) -> Iterator[Metric]:
        """Yield each family once, as the text format requires; gateway and tasks share those of certificates."""
        families = {family.name: family for family in self._gateway.registry.collect()}
        for endpoint, metrics in self._tasks.items():
            for family in metrics.registry.collect():
                told = family if len(self._tasks) == 1 else _labelled(family, endpoint)
                if known := families.get(family.name):
                    known.samples += told.samples
                else:
                    families[family.name] = told
        yield from families.values()


def _labelled(family: Metric, endpoint: str) -> Metric:
    labelled = Metric(family.name, family.documentation, family.type, family.unit)
    labelled.samples = [sample._replace(labels={ENDPOINT: endpoint, **sample.labels}) for sample in family.samples]
    return labelled
