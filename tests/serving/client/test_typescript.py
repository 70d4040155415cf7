"""The TypeScript client: made from a real gateway's description, compiled strictly, calling that gateway from Node."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from serving.cli.app import app as command_line
from serving.cli.usage import execute
from serving.client.typescript_build import ClientBuildError, build
from tests.serving.gateway.tasks import FLOWER, PRICE, TIP, running

pytestmark = [pytest.mark.slow, pytest.mark.one_stack]  # what Node does, no stack decides

KEY = "a-key-of-sixteen-characters"
CHECK = Path(__file__).with_name("typescript") / "check.ts"


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """Serves a task of each kind, to callers with a key."""
    for task in (TIP, FLOWER, PRICE):
        task.write(tmp_path)
    models = {
        TIP: TIP.model(tmp_path, [0.75]),
        FLOWER: FLOWER.model(tmp_path, [0.02, 0.07, 0.91]),
        PRICE: PRICE.model(tmp_path, [2000.25]),
    }
    with running(tmp_path, models, environ={"GATEWAY_API_KEYS": f"app:{KEY}"}) as client:
        yield str(client.base_url).rstrip("/")


def test_it_compiles_strictly_and_calls_the_gateway(url: str, tmp_path: Path) -> None:
    out, key_file = tmp_path / "client", tmp_path / "key"
    key_file.write_text(f"{KEY}\n")
    assert execute(command_line, ["clients", "--url", url, "--out", str(out), "--key-file", str(key_file)]) == 0
    shutil.copy(CHECK, out / "src")
    compiled = subprocess.run(["npm", "run", "build"], cwd=out, capture_output=True, text=True, check=False)
    assert compiled.returncode == 0, compiled.stdout
    called = subprocess.run(
        ["node", "dist/check.js", url, KEY], cwd=out, capture_output=True, text=True, check=False, timeout=60
    )
    assert called.returncode == 0, called.stderr
    assert json.loads(called.stdout) == {
        "probability": 0.75,
        "flower": ["virginica", 2],
        "price": [2000.25, "USD", None],
        "rows": 2,
        "invalid": [422, "invalid_rows", "size"],
        "unknown": [401, "unauthorized"],
        "stored": 1,
        "again": [409, "duplicate_outcome"],
        "csv": ["predicted_probability", "0.75"],
    }


def test_what_keeps_it_from_being_made_is_told(url: str, tmp_path: Path) -> None:
    with pytest.raises(ClientBuildError, match=r"expected a valid API key, received none; name a file with --key-file"):
        build(url, tmp_path)
    with pytest.raises(ClientBuildError, match=r"expected an OpenAPI description, received status 404"):
        build(f"{url}/elsewhere", tmp_path, KEY)
    with pytest.raises(ClientBuildError, match=r"expected a gateway, received none .*; start one with `make gateway`"):
        build("http://127.0.0.1:1", tmp_path)


def test_without_npm(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ClientBuildError, match=r"expected Node.js 20 or newer with npm on PATH, found none"):
        build("http://127.0.0.1:1", tmp_path)
