"""The alert rules in a real Prometheus, with a real Alertmanager, into a webhook: `pytest -m prometheus`.

Debian's packages prometheus and prometheus-alertmanager have the three programs.
"""

import contextlib
import http.server
import json
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from prometheus_client import generate_latest

from pipelines.monitoring.prometheus import make_registry
from serving import contract as contracts
from serving.gateway.app import create_app
from tests.pipelines.monitoring.records import made_record
from tests.serving.deploy.files import DEPLOY
from tests.serving.gateway.conftest import TAXI_CONTRACT, settings
from tests.serving.gateway.http_server import HttpServer
from tests.serving.gateway.scripted_model import ScriptedModel
from tests.serving.running_server import free_ports

pytestmark = [pytest.mark.prometheus, pytest.mark.pipeline, pytest.mark.one_stack]
RULES = DEPLOY / "prometheus" / "alerts.yml"
_SECONDS = 30.0


def program(name: str) -> str:
    found = shutil.which(name)
    assert found, f"no {name} on PATH: apt-get install prometheus prometheus-alertmanager"
    return found


class Endpoint(http.server.ThreadingHTTPServer):
    """What node_exporter would show of a metrics file, and a webhook that keeps what it is sent."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.metrics = b""
        self.received: list[dict[str, Any]] = []

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"

    def firing(self) -> set[str]:
        return {
            alert["labels"]["alertname"]
            for message in list(self.received)
            for alert in message["alerts"]
            if alert["status"] == "firing"
        }


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Endpoint

    def do_GET(self) -> None:
        self._answer(self.server.metrics)

    def do_POST(self) -> None:
        self.server.received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self._answer(b"")

    def _answer(self, content: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *arguments: object) -> None:
        """Says nothing."""


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with Endpoint() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()


@contextlib.contextmanager
def running(*command: str, folder: Path) -> Iterator[None]:
    with (folder / f"{Path(command[0]).name}.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=subprocess.STDOUT)
        try:
            yield
        finally:
            process.kill()
            process.wait()


@contextlib.contextmanager
def alerting(endpoint: Endpoint, folder: Path, target: str | None = None) -> Iterator[None]:
    """Prometheus with the rules as they are deployed, and an Alertmanager behind it, which tells the endpoint.

    Args:
        endpoint: the webhook.
        folder: for what the two write.
        target: address of the metrics; None: the endpoint's own.
    """
    alertmanager, prometheus = free_ports(2)
    (folder / "alertmanager.yml").write_text(
        yaml.safe_dump(
            {
                "route": {"receiver": "webhook", "group_wait": "0s", "group_by": ["alertname"]},
                "receivers": [{"name": "webhook", "webhook_configs": [{"url": f"http://{endpoint.address}/"}]}],
            }
        )
    )
    (folder / "prometheus.yml").write_text(
        yaml.safe_dump(
            {
                "global": {"scrape_interval": "500ms", "evaluation_interval": "500ms"},
                "rule_files": [str(RULES)],
                "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{alertmanager}"]}]}]},
                "scrape_configs": [
                    {"job_name": "traffic", "static_configs": [{"targets": [target or endpoint.address]}]}
                ],
            }
        )
    )
    behind = (
        program("prometheus-alertmanager"),
        "--config.file=alertmanager.yml",
        "--storage.path=alertmanager",
        f"--web.listen-address=127.0.0.1:{alertmanager}",
        "--cluster.listen-address=",
    )
    before = (
        program("prometheus"),
        "--config.file=prometheus.yml",
        "--storage.tsdb.path=prometheus",
        f"--web.listen-address=127.0.0.1:{prometheus}",
    )
    with running(*behind, folder=folder), running(*before, folder=folder):
        yield


def wait_for(endpoint: Endpoint, alert: str) -> None:
    end = time.monotonic() + _SECONDS
    while alert not in endpoint.firing():
        assert time.monotonic() < end, f"{alert} did not arrive within {_SECONDS:.0f} s: {endpoint.received}"
        time.sleep(0.1)


def metrics(verdict: str, *, rows: int = 1000, ago: float = 0.0) -> bytes:
    return generate_latest(make_registry(made_record(verdict, rows=rows), time.time() - ago))


def test_promtool_accepts_the_rules_and_the_configuration() -> None:
    for check in (("rules", RULES), ("config", RULES.with_name("prometheus.yml"))):
        ended = subprocess.run(
            [program("promtool"), "check", *map(str, check)], capture_output=True, text=True, check=False
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.parametrize("name", ["alerts_test.yml", "alerts_days_test.yml"])
def test_every_rule_fires_when_it_shall_and_only_then(name: str) -> None:
    tests = Path(__file__).with_name(name)
    ended = subprocess.run(
        [program("promtool"), "test", "rules", str(tests)], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_promtool_accepts_the_metrics() -> None:
    ended = subprocess.run(
        [program("promtool"), "check", "metrics"], input=metrics("alarm"), capture_output=True, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_changed_traffic_reaches_the_webhook_and_unchanged_does_not(endpoint: Endpoint, tmp_path: Path) -> None:
    endpoint.metrics = metrics("unchanged")
    with alerting(endpoint, tmp_path):
        time.sleep(3)  # several evaluations
        assert endpoint.firing() == set()
        endpoint.metrics = metrics("alarm")
        wait_for(endpoint, "TrafficChanged")
        (alert,) = endpoint.received[0]["alerts"]
        assert alert["labels"]["task"] == "taxi"
        assert alert["annotations"]["summary"].startswith("The traffic of taxi differs from training")
        assert endpoint.firing() == {"TrafficChanged"}


def test_traffic_that_stopped_or_is_not_watched_reaches_the_webhook(endpoint: Endpoint, tmp_path: Path) -> None:
    endpoint.metrics = metrics("empty", rows=0, ago=3 * 86400)
    with alerting(endpoint, tmp_path):
        wait_for(endpoint, "TrafficStopped")
        wait_for(endpoint, "TrafficNotWatched")
        assert "TrafficChanged" not in endpoint.firing()


def test_a_gateway_whose_model_server_fails_wakes_somebody_up(endpoint: Endpoint, tmp_path: Path) -> None:
    """The gateway's own metrics, by Prometheus and Alertmanager, at the webhook; and nothing while all is well."""
    model = ScriptedModel(contracts.read(TAXI_CONTRACT))
    with (
        HttpServer(model) as model_server,
        HttpServer(create_app(settings(model_server.url, {"model.attempts": 1}), {})) as gateway,
        httpx.Client(base_url=gateway.url, timeout=20) as client,
    ):

        def ask(expected: int) -> None:
            assert client.post("/v1/tip", json=dict(model.contract.example)).status_code == expected

        with alerting(endpoint, tmp_path, f"127.0.0.1:{gateway.port}"):
            for _ in range(30):
                ask(200)
                time.sleep(0.1)
            assert endpoint.firing() == set()
            model.busy = True
            end = time.monotonic() + _SECONDS
            while "ErrorBudgetBurnsFast" not in endpoint.firing():
                assert time.monotonic() < end, f"no alert within {_SECONDS:.0f} s: {endpoint.received}"
                ask(503)
                time.sleep(0.05)
        (alert,) = endpoint.received[0]["alerts"]
        assert alert["labels"] == {"alertname": "ErrorBudgetBurnsFast", "severity": "critical"}
        assert alert["annotations"]["runbook_url"] == "docs/how-to/alerts.md#errorbudgetburnsfast"
        assert "of requests fail" in alert["annotations"]["summary"]
