"""A server and, for each test, a model of its own on it."""

import contextlib
import dataclasses
import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from serving.cli.app import app
from serving.cli.usage import execute
from serving.rollout.models_config import ModelsConfig
from tests.serving.rollout import models
from tests.serving.rollout.server import ROOT, ServerProcess, running

MODEL = "taxi"


@dataclasses.dataclass
class Site:
    """One model with its folders, and a server that was told of it."""

    folder: Path
    saved: dict[str, Path]
    server: ServerProcess
    capture: pytest.CaptureFixture[str]
    options: list[str] = dataclasses.field(default_factory=list)

    @property
    def config(self) -> Path:
        return self.folder / "models.config"

    def push(self, version: int, kind: str) -> None:
        beside = self.folder / MODEL / f"{version}.tmp"
        shutil.copytree(self.saved[kind], beside)
        beside.rename(self.folder / MODEL / str(version))

    def arguments(self, *command: str | Path) -> list[str]:
        return [
            "--model-config-file", str(self.config), "--server", self.server.option, "--timeout", "60", "--drain", "0",
            *self.options, *map(str, command),
        ]  # fmt: skip

    def run(self, *command: str | Path) -> tuple[int, str]:
        """Runs a command in this process; its exit status and what it said."""
        self.capture.readouterr()
        code = execute(app, ["rollout", *self.arguments(*command)])
        out, err = self.capture.readouterr()
        return code, out + err

    @contextlib.contextmanager
    def started(self, *command: str | Path) -> Iterator[subprocess.Popen[str]]:
        """A command as a process of its own, which does not outlive the test."""
        line = [sys.executable, "-m", "serving", "rollout", *self.arguments(*command)]
        with subprocess.Popen(line, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
            try:
                yield process
            finally:
                process.kill()

    def ok(self, *command: str | Path) -> str:
        code, said = self.run(*command)
        assert code == 0, said
        return said

    def log(self) -> list[dict]:
        path = self.folder / "rollout.log.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def percent(self) -> float:
        path = self.folder / "traffic.json"
        return float(json.loads(path.read_text())["canary_percent"]) if path.exists() else 0

    def seen(self) -> tuple[set[int], dict[str, int | None]]:
        """Versions and labels as the server has them."""
        with self.server.client() as client:
            return set(client.available()), {label: client.version_of(label) for label in ("stable", "canary")}


@pytest.fixture(scope="session")
def saved(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """SavedModels by kind."""
    folder = tmp_path_factory.mktemp("saved")
    models.save(folder / "good", 0.9)
    models.save(folder / "similar", 0.91)
    models.save(folder / "worse", 0.9, offset=0.45)
    models.save(folder / "no number", float("nan"))
    models.save(folder / "logits", 0.9, offset=-3)
    models.save(folder / "two outputs", 0.9, outputs=2)
    models.save(folder / "new input", 0.9, wants="colour")
    shutil.copytree(folder / "good", folder / "broken")
    (folder / "broken" / "saved_model.pb").write_bytes(b"no graph")
    (folder / "empty").mkdir()
    return {path.name: path for path in folder.iterdir()}


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, saved: dict[str, Path]) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("server")
    (folder / "start").mkdir()
    shutil.copytree(saved["good"], folder / "start" / "1")
    config = folder / "models.config"
    config.write_text(
        f'model_config_list {{ config {{ name: "start" base_path: "{folder}/start" model_platform: "tensorflow" }} }}'
    )
    with running(config, folder / "server.log") as found:
        yield found


@pytest.fixture
def new_site(
    tmp_path: Path, saved: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[[ServerProcess | None], Site]]:
    """Makes the folders of a model with version 1, of which no server knows yet."""

    def make(server: ServerProcess | None) -> Site:
        site = Site(tmp_path, saved, server, capsys)  # type: ignore[arg-type]
        (tmp_path / MODEL).mkdir()
        site.push(1, "good")
        model = f'name: "{MODEL}" base_path: "{tmp_path}/{MODEL}" model_platform: "tensorflow"'
        site.config.write_text(f"# The models of a test.\nmodel_config_list {{ config {{ {model} }} }}\n")
        return site

    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}  # a command changes them
    yield make
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def site(server: ServerProcess, new_site: Callable[[ServerProcess], Site]) -> Iterator[Site]:
    """Version 1 answers, as after a first push."""
    server.assert_alive()
    made = new_site(server)
    with server.client() as client:
        client.reload(ModelsConfig(made.config, "model_config_list {}").message)
        client.wait_gone(client.versions())
        client.reload(ModelsConfig.read(made.config).message)
        client.wait_available([1], {})
    return made


@pytest.fixture
def pinned(site: Site) -> Site:
    """Version 1 is pinned, version 2 is pushed."""
    site.ok("pin")
    site.push(2, "similar")
    return site


@pytest.fixture
def trips(tmp_path: Path) -> Path:
    """120 requests as JSON lines."""
    path = tmp_path / "trips.jsonl"
    path.write_text("".join(json.dumps({"fare": 2.5 * number}) + "\n" for number in range(120)))
    return path
