"""The embedded server and the gateway, started as compose and Kubernetes start them, on the very same files.

Of the paths and addresses only what a test's machine has elsewhere is rewritten: the mounted folders, and the ports. Of
the flags only the sizes of TensorFlow's thread pools are left out: the embedded server has no such flags.
"""

import contextlib
import dataclasses
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import tensorflow as tf

from serving import contract
from serving.rollout.models_config import Assignment, ModelsConfig
from serving.server import options
from tests.serving import running_server
from tests.serving.deploy import files
from tests.serving.deploy.files import MODEL_SERVER, OVERLAYS, ROOT
from tests.serving.deploy.test_monitoring import MODEL_SERVER as MODEL_SERVER_METRICS
from tests.serving.deploy.test_monitoring import Used, queries

pytestmark = pytest.mark.pipeline

PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
ONLY_TENSORFLOW_SERVINGS = ("tensorflow_intra_op_parallelism", "tensorflow_inter_op_parallelism")
KEY = "0123456789abcdef0123456789abcdef"
PREDICTIONS = {1: 0.25, 2: 0.75}  # version -> what it answers


def save_model(folder: Path, prediction: float) -> None:
    """Writes a model that takes what the contract says and answers every row with the same prediction."""
    features = contract.read(ROOT / "data" / "schema" / "taxi.pbtxt").features
    specs = [tf.TensorSpec([None], feature.kind.value, feature.name) for feature in features]

    @tf.function(input_signature=specs)
    def predict(*columns: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"predictions": tf.fill([tf.shape(columns[0])[0], 1], prediction)}

    tf.saved_model.save(tf.Module(), str(folder), signatures={"serving_raw": predict})


@dataclasses.dataclass(frozen=True)
class Place:
    """What stands in for the mounted folders."""

    models: Path  # /models
    config: Path  # /config

    def flags(self, arguments: list[str]) -> list[str]:
        """A manifest's or compose's flags, as they are meant here."""
        given = files.flags(arguments)
        for name in ("port", "rest_api_port"):  # running_server chooses free ones
            del given[name]
        for name in ONLY_TENSORFLOW_SERVINGS:
            given.pop(name, None)
        return [f"--{name}={value.replace('/config/', f'{self.config}/')}" for name, value in given.items()]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    base = tmp_path_factory.mktemp("deploy")
    place = Place(base / "models", base / "config")
    place.config.mkdir()
    for path in MODEL_SERVER.glob("*.config"):
        text = path.read_text()
        rewritten = re.sub(r'^(    base_path: )"/models/', rf'\1"{place.models}/', text, flags=re.MULTILINE)
        assert (rewritten != text) == (path.name == "models.config")
        (place.config / path.name).write_text(rewritten)
    for version, prediction in PREDICTIONS.items():
        save_model(place.models / "taxi" / str(version), prediction)
    return place


@pytest.fixture(scope="module")
def server(place: Place, tmp_path_factory: pytest.TempPathFactory) -> Iterator[running_server.RunningServer]:
    """With production's flags: compose's, staging's and those of batching, but not those of the thread pools."""
    flags = place.flags(files.container("production", "model-server")["args"])
    with running_server.running(tmp_path_factory.mktemp("server"), *flags) as running:
        yield running


def predict(url: str, route: str) -> httpx.Response:
    taxi = contract.read(ROOT / "data" / "schema" / "taxi.pbtxt")
    body = {"signature_name": "serving_raw", "inputs": taxi.inputs([taxi.example])}
    return httpx.post(f"{url}/v1/models/taxi{route}:predict", json=body, timeout=running_server.PATIENCE)


def test_the_page_says_which_flags_the_embedded_server_is_not_given() -> None:
    given = [flag for overlay in OVERLAYS for flag in files.container(overlay, "model-server")["args"]]
    _, unknown = options.parser().parse_known_args(given + files.service("model-server")["command"])
    assert set(files.flags(list(dict.fromkeys(unknown)))) == set(ONLY_TENSORFLOW_SERVINGS)
    page = (ROOT / "docs" / "how-to" / "deploy.md").read_text()
    assert [name for name in ONLY_TENSORFLOW_SERVINGS if f"`--{name}`" not in page] == []


def test_the_newest_version_is_served(server: running_server.RunningServer) -> None:
    answer = predict(server.url, "")
    assert (answer.status_code, answer.json()) == (200, {"outputs": [[PREDICTIONS[2]]]})


def test_probes_ask_what_the_model_server_answers(server: running_server.RunningServer) -> None:
    for overlay in OVERLAYS:
        for probe in PROBES:
            path = files.container(overlay, "model-server")[probe]["httpGet"]["path"]
            assert httpx.get(server.url + path).status_code == 200, path


def healthy(service: str, port: int, asked: int) -> bool:
    """Runs a service's health check of compose against another port."""
    _, *command = files.service(service)["healthcheck"]["test"]
    command[0] = {"python": sys.executable}.get(command[0], command[0])
    script = command[-1].replace("$$", "$")
    assert script.count(str(asked)) == 1
    command[-1] = script.replace(str(asked), str(port))
    return subprocess.run(command, capture_output=True, timeout=30, check=False).returncode == 0


def test_composes_health_check_tells_a_server_that_has_the_model(server: running_server.RunningServer) -> None:
    assert healthy("model-server", server.rest_port, 8501)
    (nobody,) = running_server.free_ports(1)
    assert not healthy("model-server", nobody, 8501)


def test_prometheus_finds_the_metrics_of_the_dashboard(server: running_server.RunningServer) -> None:
    assert predict(server.url, "").status_code == 200
    (scrape,) = [each for each in files.prometheus()["scrape_configs"] if each["job_name"] == "model-server"]
    text = httpx.get(server.url + scrape["metrics_path"]).text
    for metric, labels in MODEL_SERVER_METRICS.items():
        found = [set(re.findall(r'(\w+)="', line)) for line in text.splitlines() if line.startswith(metric + "{")]
        assert labels in found, metric


@contextlib.contextmanager
def gateway(server: running_server.RunningServer, folder: Path) -> Iterator[tuple[str, str]]:
    """The gateway with production's variables, at the URLs that it gives: its callers', its operators'."""
    port, operator_port = running_server.free_ports(2)
    (folder / "api-keys").write_text(f"me:{KEY}\n")
    (folder / "traffic.json").write_text((files.DEPLOY / "kubernetes" / "base" / "traffic.json").read_text())
    given = files.settings(files.container("production", "gateway")["env"])
    here = {
        "GATEWAY__LISTEN__HOST": "127.0.0.1",
        "GATEWAY__LISTEN__PORT": str(port),
        "GATEWAY__LISTEN__OPERATOR_PORT": str(operator_port),
        "GATEWAY__MODEL__SERVER": server.url,
        "GATEWAY__TRAFFIC": str(folder / "traffic.json"),
        "GATEWAY__KEYS__FILE": str(folder / "api-keys"),
        "GATEWAY__REQUEST_LOG__FOLDER": str(folder / "requests"),
        "GATEWAY__FEEDBACK__FOLDER": str(folder / "feedback"),
    }
    assert set(here) == set(given)
    log = folder / "gateway.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "serving", "gateway"],
            cwd=ROOT,
            env={**os.environ, **here},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    url = f"http://127.0.0.1:{port}"

    def listens() -> bool:
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(f"{url}/healthz").status_code == 200
        return False

    try:
        running_server.wait_for(listens, process, log)
        yield url, f"http://127.0.0.1:{operator_port}"
        process.terminate()
        assert process.wait(running_server.PATIENCE) == 0, log.read_text()
    finally:
        process.kill()
        process.wait()


def test_the_gateway_answers_the_request_of_the_page(server: running_server.RunningServer, tmp_path: Path) -> None:
    page = (ROOT / "docs" / "how-to" / "deploy.md").read_text()
    request = re.search(r"^curl -s localhost:8080(\S+) .* -d '(\{.*?\})'$", page, flags=re.MULTILINE | re.DOTALL)
    assert request
    with gateway(server, tmp_path) as (url, operator_url):
        for overlay in OVERLAYS:
            for probe in PROBES:
                path = files.container(overlay, "gateway")[probe]["httpGet"]["path"]
                assert httpx.get(url + path).status_code == 200, path
        assert healthy("gateway", httpx.URL(url).port or 0, 8080)
        body = json.loads(request[2])
        answer = httpx.post(url + request[1], json=body, headers={"X-API-Key": KEY})
        assert answer.status_code == 200, answer.text
        found = answer.json()
        assert (found["predictions"], found["model_version"]) == ([{"probability": 0.75, "decision": True}], "2")
        assert httpx.post(url + request[1], json=body).status_code == 401
        (scrape,) = [each for each in files.prometheus()["scrape_configs"] if each["job_name"] == "gateway"]
        assert httpx.get(url + scrape["metrics_path"]).status_code == 401
        text = httpx.get(operator_url + scrape["metrics_path"]).text
        wanted = {metric for query in queries() for metric in Used(query).metrics if metric.startswith("gateway_")}
        # A kind of failure is counted from the first failure on; the family is announced before.
        assert {metric for metric in wanted if not re.search(rf"^{metric}[{{ ]", text, flags=re.MULTILINE)} <= {
            "gateway_upstream_errors_total"
        }
        assert "# TYPE gateway_upstream_errors" in text
    assert list((tmp_path / "requests").rglob("*.parquet")), "the request log is written where the volume is mounted"


def test_a_server_starts_on_the_labels_of_a_roll_out(place: Place, tmp_path: Path) -> None:
    """As after a restart: both versions load anew (docs/decisions/0010-labels-at-start.md)."""
    shipped = ModelsConfig.read(place.config / "models.config")
    left = shipped.assigning("taxi", Assignment.trial(stable=1, canary=2))
    (tmp_path / "models.config").write_text(left.text)
    (tmp_path / "monitoring.config").write_text((place.config / "monitoring.config").read_text())
    flags = Place(place.models, tmp_path).flags(files.service("model-server")["command"])
    with running_server.running(tmp_path, *flags) as server:
        for label, version in (("stable", 1), ("canary", 2)):
            server.wait_for(lambda version=version: server.states("taxi").get(version) == "AVAILABLE")
            answer = predict(server.url, f"/labels/{label}")
            assert (answer.status_code, answer.json()) == (200, {"outputs": [[PREDICTIONS[version]]]})
