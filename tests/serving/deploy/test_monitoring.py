"""Prometheus asks what there is at the ports and paths where it is, and the dashboard shows what Prometheus gets."""

from typing import Any

import promql_parser
import pytest
import yaml
from prometheus_client import CollectorRegistry

from serving.gateway.metrics import GatewayMetrics, TaskMetrics
from tests.serving.deploy import files
from tests.serving.deploy.files import DEPLOY, Document

GRAFANA = DEPLOY / "grafana"
# TensorFlow Serving's, by tensorflow_serving/model_servers and servables/tensorflow/util.cc: metric -> its labels.
MODEL_SERVER = {
    ":tensorflow:serving:request_count": {"model_name", "status"},
    ":tensorflow:serving:request_latency_bucket": {"model_name", "API", "entrypoint", "le"},
    ":tensorflow:serving:runtime_latency_bucket": {"model_name", "API", "runtime", "le"},
}
SCRAPE = {"job", "instance"}  # what Prometheus adds


def exported_by(registry: CollectorRegistry) -> dict[str, set[str]]:
    """Metric -> its labels, of metrics that count and of those that have not counted anything yet."""
    found: dict[str, set[str]] = {}
    for collector in registry._collector_to_names:
        for name in registry._collector_to_names[collector]:
            labels = set(getattr(collector, "_labelnames", ()))
            found[name] = labels | ({"le"} if name.endswith("_bucket") else set())
    return found


def exported() -> dict[str, set[str]]:
    gateway = exported_by(GatewayMetrics().registry) | exported_by(TaskMetrics().registry)
    return {**MODEL_SERVER, **gateway, "up": set()}


class Used:
    """The metrics of a query, with the labels that it asks for."""

    def __init__(self, query: str):
        self.metrics: dict[str, set[str]] = {}
        self.grouped_by: set[str] = set()
        parsed = promql_parser.parse(query.replace("$__rate_interval", "5m"))
        self._visit(parsed)

    def _visit(self, node: Any) -> None:
        match node:
            case promql_parser.VectorSelector():
                assert node.name, "a selector without a metric's name"
                self.metrics[node.name] = {matcher.name for matcher in node.matchers.matchers}
            case promql_parser.AggregateExpr():
                assert node.modifier is None or str(node.modifier.type).endswith("By"), "sum by, not without"
                self.grouped_by |= set(node.modifier.labels) if node.modifier else set()
        for name in ("expr", "lhs", "rhs", "vector_selector"):
            if child := getattr(node, name, None):
                self._visit(child)
        for child in getattr(node, "args", ()) or ():
            self._visit(child)

    def unknown(self) -> set[str]:
        """Metrics and labels that nobody exports."""
        there = exported()
        found = set(self.metrics) - set(there)
        for metric, asked in self.metrics.items():
            found |= (asked | self.grouped_by) - there.get(metric, set()) - SCRAPE
        return found


def queries() -> list[str]:
    return [target["expr"] for panel in files.dashboard()["panels"] for target in panel.get("targets", [])]


def test_every_panel_asks_for_metrics_and_labels_that_are_exported() -> None:
    assert len(queries()) > 15
    assert {query: Used(query).unknown() for query in queries()} == {query: set() for query in queries()}


def test_what_is_not_exported_is_noticed() -> None:
    query = "sum by (le, version) (rate(gateway_request_second_bucket[5m])) + sum(gateway_requests_total{code='200'})"
    assert Used(query).unknown() == {"gateway_request_second_bucket", "version", "le", "code"}
    with pytest.raises(ValueError, match="unclosed"):
        Used("sum(rate(gateway_requests_total[5m])")


def test_the_main_metrics_are_on_the_dashboard() -> None:
    shown = {metric for query in queries() for metric in Used(query).metrics}
    assert shown >= {
        *MODEL_SERVER,
        "gateway_requests_total",
        "gateway_request_seconds_bucket",
        "gateway_predictions_total",
        "gateway_upstream_errors_total",
    }


def test_units_are_those_of_the_metrics() -> None:
    """TensorFlow Serving counts microseconds, the gateway seconds."""
    units = {}
    for panel in files.dashboard()["panels"]:
        for target in panel.get("targets", []):
            if "histogram_quantile" in target["expr"]:
                (metric,) = Used(target["expr"]).metrics
                units[metric] = panel["fieldConfig"]["defaults"]["unit"]
    assert units == {
        "gateway_request_seconds_bucket": "s",
        "gateway_upstream_seconds_bucket": "s",
        ":tensorflow:serving:request_latency_bucket": "µs",
        ":tensorflow:serving:runtime_latency_bucket": "µs",
    }


def test_panels_lie_side_by_side() -> None:
    panels = files.dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        x, y, width, height = (panel["gridPos"][key] for key in "xywh")
        cells = {(column, line) for column in range(x, x + width) for line in range(y, y + height)}
        assert x + width <= 24, panel["title"]
        assert not cells & taken, panel["title"]
        taken |= cells


def test_grafana_finds_prometheus_and_the_dashboard() -> None:
    (source,) = yaml.safe_load((GRAFANA / "provisioning" / "datasources" / "prometheus.yaml").read_text())[
        "datasources"
    ]
    wanted = {"type": source["type"], "uid": source["uid"]}
    for panel in files.dashboard()["panels"]:
        if panel["type"] != "row":
            assert panel["datasource"] == wanted
            assert all(target["datasource"] == wanted for target in panel["targets"])
    port = next(port for port in files.service("prometheus")["ports"]).split(":")[-1]
    assert source["url"] == f"http://prometheus:{port}"
    assert source["jsonData"]["timeInterval"] == files.prometheus()["global"]["scrape_interval"]
    (provider,) = yaml.safe_load((GRAFANA / "provisioning" / "dashboards" / "serving.yaml").read_text())["providers"]
    assert f"./grafana/dashboards:{provider['options']['path']}:ro" in files.service("grafana")["volumes"]
    home = files.service("grafana")["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert home == f"{provider['options']['path']}/serving.json"


def scraped(job: str) -> Document:
    (found,) = [each for each in files.prometheus()["scrape_configs"] if each["job_name"] == job]
    return dict(found)


@pytest.mark.parametrize("name", ["model-server", "gateway"])
def test_prometheus_scrapes_where_the_metrics_are(name: str) -> None:
    """In compose by prometheus.yml, in Kubernetes by the pods' annotations: the same port and path."""
    (targets,) = scraped(name)["static_configs"]
    port = files.container("staging", name)["ports"][-1]["containerPort"]
    assert targets["targets"] == [f"{name}:{port}"]
    beside = set(files.service(name)["networks"]) & set(files.service("prometheus")["networks"])
    assert "metrics" in beside
    for overlay in files.OVERLAYS:
        template = files.of_kind(overlay, "Deployment")[name]["spec"]["template"]
        assert template["metadata"]["annotations"] == {
            "prometheus.io/scrape": "true",
            "prometheus.io/port": str(port),
            "prometheus.io/path": scraped(name)["metrics_path"],
        }
