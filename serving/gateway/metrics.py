"""What Prometheus scrapes at /metrics."""

from collections.abc import Iterator, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric, PlatformCollector, ProcessCollector

from serving.gateway import model_errors
from serving.tls.metrics import TlsMetrics

ENDPOINT = "endpoint"  # label of a task's metrics where a gateway serves several

# Seconds. A prediction takes single milliseconds; the last bounds tell a slow model from a time-out.
_BUCKETS = (0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
ANSWERED = "answered"  # a value of `result` in gateway_answers_total, beside the kinds of model errors


class GatewayMetrics:
    """What is measured of the gateway as a whole, in a registry of its own."""

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
            "How often Redis was lost: each time, the replica counts alone until Redis answers again.",
            ["store"],
            registry=self.registry,
        )

    def announce_route(self, route: str) -> None:
        """Count from 0 the requests of a route by the statuses that alerts ask for."""
        for status in (200, 500, 502, 503, 504):
            self.requests.labels(route, str(status))


class TaskMetrics:
    """What is measured of one task, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.tls = TlsMetrics(self.registry)
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

    def announce_version(self, version: str, label: str) -> None:
        """Count from 0 what a version will answer and fail: Prometheus does not see the first rise of a new series."""
        for result in (ANSWERED, *model_errors.KINDS):
            self.answers.labels(version, label, result)


class Exposition:
    """What is scraped: the gateway's metrics and its tasks'; the tasks' bear the endpoint where there are several.

    A gateway of one task has no such label, so that dashboards and alerts for it need none.
    """

    def __init__(self, gateway: GatewayMetrics, tasks: Mapping[str, TaskMetrics]):
        self._gateway = gateway
        self._tasks = tasks

    def collect(self) -> Iterator[Metric]:
        """Yield each family once, as the text format demands; certificates are the gateway's and the tasks'."""
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
