"""python -m serving gateway, as a process."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from serving.cli.app import app
from serving.cli.usage import execute
from serving.gateway.process import BAD_USAGE, require_keys
from serving.gateway.settings import load
from tests.serving.gateway.conftest import ROOT
from tests.serving.gateway.http_server import HttpServer
from tests.serving.gateway.scripted_model import ScriptedModel
from tests.serving.running_server import free_ports

pytestmark = pytest.mark.slow

Trip = dict[str, Any]


def gateway(arguments: list[str]) -> int:
    return execute(app, ["gateway", *arguments])


@contextlib.contextmanager
def process(
    log: Path, *arguments: str, python: str | Path = sys.executable, environ: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """The gateway on a free port; ended in any case."""
    command = [str(python), "-m", "serving", "gateway", "--port", "0", *arguments]
    with log.open("wb") as file:
        started = subprocess.Popen(command, cwd=ROOT, stderr=file, env={**os.environ, **(environ or {})})
        try:
            yield started
        finally:
            started.kill()
            started.wait()


def lines(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text().splitlines(keepends=True) if line.endswith("\n")]


def url_of(log: Path, started: subprocess.Popen[bytes]) -> str:
    """Where the log says that the gateway listens."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert started.poll() is None, log.read_text()
        for line in lines(log):
            if line["event"] == "start":
                return str(line["url"])
        time.sleep(0.01)
    raise AssertionError(log.read_text())


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_from_start_to_end(
    tmp_path: Path, model_server: HttpServer, model: ScriptedModel, trip: Trip, ending: signal.Signals
) -> None:
    log = tmp_path / "log"
    trip = {**trip, "fare": 7.1234567}  # more digits than times and durations have: nothing else looks like it
    with process(log, "--model-server", model_server.url) as started:
        url = url_of(log, started)
        headers = {"X-Request-ID": "from-the-test"}
        assert httpx.post(f"{url}/v1/tip", json=trip, headers=headers).status_code == 200
        assert httpx.post(f"{url}/v1/tip", json={**trip, "trip_miles": -1}).status_code == 422
        started.send_signal(ending)
        assert started.wait(30) == 0
    (answered,) = [line for line in lines(log) if line.get("request_id") == "from-the-test"]
    told = ("event", "level", "method", "path", "status", "rows", "tries", "client")
    assert {name: answered[name] for name in told} == {
        "event": "request", "level": "info", "method": "POST", "path": "/v1/tip", "status": 200, "rows": 1, "tries": 1,
        "client": "127.0.0.1",
    }  # fmt: skip
    assert (answered["model_version"], answered["label"]) == ("1", None)
    assert answered["milliseconds"] > answered["model_milliseconds"] > 0
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", answered["time"])
    (refused,) = [line for line in lines(log) if line.get("status") == 422]
    assert refused["code"] == "invalid_rows"
    assert "7.1234567" not in log.read_text()  # values are for the request log, which knows what to drop


def test_the_operators_port(tmp_path: Path, model_server: HttpServer, model: ScriptedModel, trip: Trip) -> None:
    log, key = tmp_path / "log", "0123456789abcdef"
    (port,) = free_ports(1)
    variables = {
        "GATEWAY_API_KEYS": f"app:{key}",
        "GATEWAY__LISTEN__OPERATOR_PORT": str(port),
        "GATEWAY__LISTEN__PROXIES": '["127.0.0.1"]',
    }
    with process(log, "--model-server", model_server.url, environ=variables) as started:
        url, operators = url_of(log, started), f"http://127.0.0.1:{port}"
        assert lines(log)[0]["operator_url"] == operators
        hidden = ["/metrics", "/docs", "/openapi.json"]
        assert [httpx.get(operators + path).status_code for path in hidden] == [200] * 3
        assert [httpx.get(url + path).status_code for path in hidden] == [401] * 3
        assert httpx.get(f"{operators}/readyz").json()["model_version"] == "1"
        assert httpx.get(f"{url}/readyz").json() == {"status": "ready"}
        # It is no way round the keys for predictions, and no header makes another port of it.
        assert httpx.post(f"{operators}/v1/tip", json=trip).status_code == 401
        assert httpx.get(f"{url}/metrics", headers={"Host": f"127.0.0.1:{port}"}).status_code == 401
        # A proxy's word on who asks is taken over into the log.
        httpx.get(f"{url}/healthz", headers={"X-Forwarded-For": "203.0.113.9"})
        started.terminate()
        assert started.wait(30) == 0
    assert [line["client"] for line in lines(log) if line.get("path") == "/healthz"] == ["203.0.113.9"]


@pytest.mark.parametrize("host", ["::1", "localhost"])
def test_other_names_of_this_machine(tmp_path: Path, host: str) -> None:
    log = tmp_path / "log"
    with process(log, "--host", host) as started:
        assert httpx.get(f"{url_of(log, started)}/healthz").status_code == 200


def test_a_request_under_way_is_answered_before_the_end(
    tmp_path: Path, model_server: HttpServer, model: ScriptedModel, trip: Trip
) -> None:
    import concurrent.futures

    from tests.serving.gateway.scripted_model import after

    log = tmp_path / "log"
    with process(log, "--model-server", model_server.url) as started, concurrent.futures.ThreadPoolExecutor() as pool:
        url = url_of(log, started)
        model.faults = [lambda send: after(1, send, {"outputs": [[0.5]]})]
        under_way = pool.submit(httpx.post, f"{url}/v1/tip", json=trip, timeout=30)
        while model.faults:
            time.sleep(0.001)
        started.send_signal(signal.SIGTERM)
        assert under_way.result().status_code == 200
        assert started.wait(30) == 0


def test_an_address_that_others_reach_demands_keys(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GATEWAY_API_KEYS", raising=False)
    assert gateway(["--host", "0.0.0.0", "--port", "0"]) == BAD_USAGE
    said = capfd.readouterr().err
    assert (
        "python -m serving gateway: error: 0.0.0.0 can be reached from other machines, and there are no API keys: "
        "expected some" in said
    )
    assert "pass --allow-no-keys" in said


@pytest.mark.parametrize(
    ("host", "environ"),
    [("0.0.0.0", {"GATEWAY_API_KEYS": "app:0123456789abcdef"}), ("::1", {}), ("localhost", {})],
)
def test_addresses_that_are_served(host: str, environ: dict[str, str]) -> None:
    require_keys(load(ROOT / "serving/gateway/taxi.toml", environ, {"listen.host": host}), environ)


@pytest.mark.parametrize(
    ("arguments", "environ", "message"),
    [
        (["--settings", "none.toml"], {}, "none.toml cannot be read: expected a TOML file"),
        ([], {"GATEWAY__CONTRACT": "none.pbtxt"}, "none.pbtxt cannot be read: expected a Schema in text format"),
        ([], {"GATEWAY__MODEL__SERVER": "http://there:99999"}, "model.server: expected a URL such as"),
        ([], {"GATEWAY_API_KEYS": "short"}, "GATEWAY_API_KEYS 1: expected NAME:KEY"),
        ([], {"GATEWAY__KEYS__FILE": "none"}, "none does not exist: expected a file with lines NAME:KEY"),
        ([], {"GATEWAY__LIMITS__ROWS": "0"}, "limits.rows: Input should be greater than or equal to 1, received 0"),
    ],
)
def test_what_it_cannot_start_with(
    arguments: list[str],
    environ: dict[str, str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert gateway(arguments) == BAD_USAGE
    said = capfd.readouterr().err
    assert message in said
    assert "Traceback" not in said


@pytest.mark.parametrize("place", ["a taken port", "another machine's address"])
def test_where_it_cannot_listen(model_server: HttpServer, capfd: pytest.CaptureFixture[str], place: str) -> None:
    taken = ["--port", str(model_server.port)]
    elsewhere = ["--host", "192.0.2.1", "--port", "0", "--allow-no-keys"]
    assert gateway(taken if place == "a taken port" else elsewhere) == BAD_USAGE
    said = capfd.readouterr().err
    assert "python -m serving gateway: error: cannot listen on" in said
    assert "choose others with --host and --port" in said
