"""The metrics file, and the alert rules that ask for it."""

from pathlib import Path

import pytest
import yaml
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from pipelines.monitoring.prometheus import make_registry, write_metrics
from serving import contract
from serving.request_log.settings import RequestLogSettings
from serving.request_log.writer import RequestLog
from serving.server.metrics import ServerMetrics
from tests.pipelines.monitoring.records import made_record
from tests.serving.deploy import test_monitoring
from tests.serving.deploy.files import DEPLOY
from tests.serving.gateway.conftest import TAXI_CONTRACT


def written(verdict: str, folder: Path, rows: int = 1000) -> dict[tuple[str, ...], float]:
    """Metric and its labels' values, sorted -> value."""
    path = folder / "new" / "taxi_traffic.prom"
    write_metrics(made_record(verdict, rows=rows), 1e9, path)
    assert [file.name for file in path.parent.iterdir()] == [path.name]  # nothing half written beside it
    families = text_string_to_metric_families(path.read_text())
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value for family in families for sample in family.samples
    }


def test_the_file_says_what_the_record_says(tmp_path: Path) -> None:
    metrics = written("alarm", tmp_path)
    assert metrics["traffic_alarm", "taxi"] == 1
    assert metrics["traffic_too_few_rows", "taxi"] == 0
    assert metrics["traffic_run_timestamp_seconds", "taxi"] == 1e9
    assert metrics["traffic_unanswered_ratio", "taxi"] == pytest.approx(5 / 1005)
    assert metrics["traffic_latency_seconds", "17", "95", "taxi"] == 0.008
    assert metrics["traffic_window_rows", "taxi", "window"] == 1000


def test_the_file_tells_shares_of_classes(tmp_path: Path) -> None:
    record = made_record("unchanged")
    record.report["versions"][0]["class_shares"] = {"setosa": 0.25, "virginica": 0.75}
    write_metrics(record, 1e9, tmp_path / "iris.prom")
    assert (
        'traffic_class_ratio{model_version="17",predicted="virginica",task="taxi"} 0.75'
        in (tmp_path / "iris.prom").read_text()
    )


@pytest.mark.parametrize(("verdict", "rows"), [("empty", 0), ("too_few_rows", 20)])
def test_few_rows_are_no_alarm_and_are_said(verdict: str, rows: int, tmp_path: Path) -> None:
    metrics = written(verdict, tmp_path, rows)
    assert (metrics["traffic_alarm", "taxi"], metrics["traffic_too_few_rows", "taxi"]) == (0, 1)
    assert metrics["traffic_window_rows", "taxi", "window"] == rows


def test_every_rule_asks_for_metrics_that_there_are(tmp_path: Path) -> None:
    groups = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text())["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    of_the_log = CollectorRegistry()
    RequestLog(RequestLogSettings(folder=tmp_path), contract.read(TAXI_CONTRACT), registry=of_the_log).close()
    there = set(test_monitoring.exported()) | {rule["record"] for rule in rules if "record" in rule}
    of_the_model_server = ServerMetrics()._registry  # what it counts beside what TensorFlow Serving does
    for registry in (of_the_log, make_registry(made_record("alarm"), 1e9), of_the_model_server):
        there |= set(test_monitoring.exported_by(registry))
    asked = {rule.get("alert") or rule["record"]: set(test_monitoring.Used(rule["expr"]).metrics) for rule in rules}
    assert {name: metrics - there for name, metrics in asked.items()} == {name: set() for name in asked}
    assert len(asked) == len(rules) == 25
    assert asked["TrafficChanged"] == {"traffic_alarm"}
    assert (DEPLOY / "prometheus" / "alerts.yml").name in yaml.safe_load(
        (DEPLOY / "prometheus" / "prometheus.yml").read_text()
    )["rule_files"]
