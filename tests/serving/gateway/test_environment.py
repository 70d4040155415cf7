"""The gateway in an environment of its own: `uv sync --only-group gateway`, which has no TensorFlow."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from environment import uv
from tests.serving.gateway.conftest import ROOT
from tests.serving.gateway.http_server import HttpServer
from tests.serving.gateway.scripted_model import ScriptedModel
from tests.serving.gateway.test_command import process, url_of

MIB = 2**20
MOST_MIB = 150


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("gateway") / "venv"
    installer = uv.find() or uv.fetch()
    environ = {**os.environ, "UV_PROJECT_ENVIRONMENT": str(folder)}
    environ.pop("VIRTUAL_ENV", None)
    command = [
        installer,
        "sync",
        "--locked",
        "--only-group",
        "gateway",
        "--compile-bytecode",
        "--python",
        sys.executable,
    ]
    subprocess.run(command, cwd=ROOT, env=environ, check=True)
    return folder / "bin" / "python"


@pytest.mark.pipeline
def test_the_gateway_without_tensorflow(
    python: Path, tmp_path: Path, model_server: HttpServer, model: ScriptedModel, trip: dict[str, Any]
) -> None:
    for absent in ("tensorflow", "tfx", "keras"):
        assert not list(python.parents[1].rglob(f"site-packages/{absent}")), f"{absent} is in the environment"
    log = tmp_path / "log"
    environ = {"GATEWAY__REQUEST_LOG__FOLDER": str(tmp_path / "requests")}
    began = time.monotonic()
    with process(log, "--model-server", model_server.url, python=python, environ=environ) as started:
        url = url_of(log, started)
        httpx.get(f"{url}/readyz", timeout=30).raise_for_status()
        seconds = time.monotonic() - began
        fresh = psutil.Process(started.pid).memory_info().rss / MIB
        for _ in range(100):
            httpx.post(f"{url}/v1/tip", json=[trip] * 10).raise_for_status()
        httpx.get(f"{url}/docs").raise_for_status()
        used = psutil.Process(started.pid).memory_info().rss / MIB
        started.terminate()
        assert started.wait(30) == 0, log.read_text()
    assert list((tmp_path / "requests").rglob("*.parquet"))
    print(f"ready after {seconds:.2f} s, {fresh:.0f} MiB; {used:.0f} MiB after 1,000 rows, with the request log")
    assert used < MOST_MIB
