"""The TypeScript client: made from a real gateway's description, compiled strictly, calling that gateway from Node."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from serving import contract as contracts
from serving.cli.app import app as command_line
from serving.cli.usage import execute
from serving.client.typescript_build import ClientBuildError, build
from serving.gateway.app import create_app
from tests.serving.gateway import other_tasks
from tests.serving.gateway.conftest import TAXI_CONTRACT, settings
from tests.serving.gateway.http_server import HttpServer
from tests.serving.gateway.scripted_model import ScriptedModel

pytestmark = [pytest.mark.slow, pytest.mark.one_stack]  # what Node does, no stack decides

KEY = "a-key-of-sixteen-characters"
CHECK = Path(__file__).with_name("typescript") / "check.ts"


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[HttpServer]:
    """Serves a task of each kind, to callers with a key."""
    iris, price = other_tasks.write(tmp_path, "http://127.0.0.1:1")
    with (
        HttpServer(ScriptedModel(contracts.read(TAXI_CONTRACT))) as taxi_model,
        HttpServer(other_tasks.iris_model(iris)) as iris_model,
        HttpServer(other_tasks.price_model(price)) as price_model,
    ):
        folders = {"request_log.folder": str(tmp_path / "log"), "feedback.folder": str(tmp_path / "feedback")}
        tasks = [
            settings(taxi_model.url, folders),
            other_tasks.write(tmp_path, iris_model.url)[0],
            other_tasks.write(tmp_path, price_model.url)[1],
        ]
        with HttpServer(create_app(tasks, {"GATEWAY_API_KEYS": f"app:{KEY}"})) as server:
            yield server


def test_it_compiles_strictly_and_calls_the_gateway(gateway: HttpServer, tmp_path: Path) -> None:
    out, key_file = tmp_path / "client", tmp_path / "key"
    key_file.write_text(f"{KEY}\n")
    assert execute(command_line, ["clients", "--url", gateway.url, "--out", str(out), "--key-file", str(key_file)]) == 0
    shutil.copy(CHECK, out / "src")
    compiled = subprocess.run(["npm", "run", "build"], cwd=out, capture_output=True, text=True, check=False)
    assert compiled.returncode == 0, compiled.stdout
    called = subprocess.run(
        ["node", "dist/check.js", gateway.url, KEY], cwd=out, capture_output=True, text=True, check=False, timeout=60
    )
    assert called.returncode == 0, called.stderr
    assert json.loads(called.stdout) == {
        "probability": 0.75,
        "flower": ["virginica", 2],
        "diamond": [2000.25, "USD", None],
        "rows": 2,
        "invalid": [422, "invalid_rows", "fare"],
        "unknown": [401, "unauthorized"],
        "stored": 1,
        "again": [409, "duplicate_outcome"],
        "csv": ["predicted_probability", "0.75"],
    }


def test_what_keeps_it_from_being_made_is_told(gateway: HttpServer, tmp_path: Path) -> None:
    with pytest.raises(ClientBuildError, match=r"expected a valid API key, received none; name a file with --key-file"):
        build(gateway.url, tmp_path)
    with pytest.raises(ClientBuildError, match=r"expected an OpenAPI description, received status 404"):
        build(f"{gateway.url}/elsewhere", tmp_path, KEY)
    with pytest.raises(ClientBuildError, match=r"expected a gateway, received none .*; start one with `make gateway`"):
        build("http://127.0.0.1:1", tmp_path)


def test_without_npm(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ClientBuildError, match=r"expected Node.js 20 or newer with npm on PATH, found none"):
        build("http://127.0.0.1:1", tmp_path)
