"""What Prometheus scrapes at /metrics."""

import collections
from collections.abc import Iterator, Mapping

from prometheus_client import CollectorRegistry, Counter, Histogram, Metric, PlatformCollector, ProcessCollector

ENDPOINT = "endpoint"  # label of a task's metrics where a gateway serves several

# Seconds. A prediction takes single milliseconds; the last bounds tell a slow model from a time-out.
_BUCKETS = (0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class GatewayMetrics:
    """What is measured of the gateway as a whole, in a registry of its own."""

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


class TaskMetrics:
    """What is measured of one task, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
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


class Exposition:
    """What is scraped: the gateway's metrics and its tasks'; the tasks' bear the endpoint where there are several.

    A gateway of one task has no such label, so that dashboards and alerts for it need none.
    """

    def __init__(self, gateway: GatewayMetrics, tasks: Mapping[str, TaskMetrics]):
        self._gateway = gateway
        self._tasks = tasks

    def collect(self) -> Iterator[Metric]:
        """Yields each family once, as the text format demands."""
        yield from self._gateway.registry.collect()
        if len(self._tasks) == 1:
            (only,) = self._tasks.values()
            yield from only.registry.collect()
            return
        families: dict[str, list[Metric]] = collections.defaultdict(list)
        for endpoint, metrics in self._tasks.items():
            for family in metrics.registry.collect():
                families[family.name].append(_labelled(family, endpoint))
        for same in families.values():
            merged = same[0]
            merged.samples += [sample for family in same[1:] for sample in family.samples]
            yield merged


def _labelled(family: Metric, endpoint: str) -> Metric:
    labelled = Metric(family.name, family.documentation, family.type, family.unit)
    labelled.samples = [sample._replace(labels={ENDPOINT: endpoint, **sample.labels}) for sample in family.samples]
    return labelled
