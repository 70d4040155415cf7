"""The TypeScript client: made from a real gateway's description, compiled strictly, calling that gateway from Node."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from serving import contract as contracts
from serving.cli.app import app as command_line
from serving.cli.usage import execute
from serving.client.typescript_build import ClientBuildError, build
from tests.serving.gateway.conftest import ROOT, TAXI_CONTRACT, TAXI_SETTINGS
from tests.serving.gateway.scripted_model import ScriptedModel
from tests.serving.gateway.tasks import FLOWER, PRICE, Task, running

pytestmark = [pytest.mark.slow, pytest.mark.one_stack]  # what Node does, no stack decides

KEY = "a-key-of-sixteen-characters"
CHECK = Path(__file__).with_name("typescript") / "check.ts"


class _Taxi(Task):
    """The project's own task, which the docs call."""

    def write(self, folder: Path) -> Path:
        file = folder / "taxi.toml"
        text = TAXI_SETTINGS.read_text().replace("../../data/schema/taxi.pbtxt", str(TAXI_CONTRACT))
        file.write_text(f"limits.requests_per_second = 0\n{text}")
        return file


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """Serves a task of each kind, to callers with a key."""
    for task in (FLOWER, PRICE):
        task.write(tmp_path)
    models: dict[Task, ScriptedModel] = {
        _Taxi(name="taxi", kind="binary", label="", width=1): ScriptedModel(contracts.read(TAXI_CONTRACT)),
        FLOWER: FLOWER.model(tmp_path, [0.02, 0.07, 0.91]),
        PRICE: PRICE.model(tmp_path, [2000.25]),
    }
    with running(tmp_path, models, environ={"GATEWAY_API_KEYS": f"app:{KEY}"}) as client:
        yield str(client.base_url).rstrip("/")


def documented() -> str:
    """The example in the docs."""
    (found,) = re.findall("```ts\n(.*?)```", (ROOT / "docs/reference/serving.md").read_text(), flags=re.DOTALL)
    return found.replace('"prediction-gateway-client"', '"./client.js"')


def test_it_compiles_strictly_and_calls_the_gateway(url: str, tmp_path: Path) -> None:
    out, key_file = tmp_path / "client", tmp_path / "key"
    key_file.write_text(f"{KEY}\n")
    assert execute(command_line, ["clients", "--url", url, "--out", str(out), "--key-file", str(key_file)]) == 0
    shutil.copy(CHECK, out / "src")
    (out / "src" / "documented.ts").write_text(documented())
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
        "invalid": [422, "invalid_rows", "fare"],
        "unknown": [401, "unauthorized"],
        "stored": 1,
        "again": [409, "duplicate_outcome"],
        "csv": ["predicted_probability", "0.75"],
    }


def test_what_keeps_it_from_being_made_is_told(url: str, tmp_path: Path) -> None:
    with pytest.raises(ClientBuildError, match=r"expected a valid API key, received none; pass a file with --key-file"):
        build(url, tmp_path)
    with pytest.raises(ClientBuildError, match=r"expected an OpenAPI description, received status 404"):
        build(f"{url}/elsewhere", tmp_path, KEY)
    with pytest.raises(ClientBuildError, match=r"expected a gateway, received none .*; start one with `make gateway`"):
        build("http://127.0.0.1:1", tmp_path)


def test_without_npm(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ClientBuildError, match=r"expected Node.js 18.17 or newer with npm on PATH, found none"):
        build("http://127.0.0.1:1", tmp_path)
