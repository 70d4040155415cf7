"""Nodes at the same time, on a real MariaDB: `pytest -m mariadb`. Debian's package mariadb-server has it."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.metadata_database import PASSWORD
from pipelines.runs import Runs
from tests.runs.project import DIABETES, SOURCE, environment

pytestmark = [pytest.mark.mariadb, pytest.mark.pipeline, pytest.mark.one_stack]

SECRET = "a-password-of-the-test"
RUN_ID = "20260131-235959"
AT_ONCE = (
    ("ExampleGen", "ImportSchemaGen"),
    ("StatisticsGen",),
    ("AcceptedStatisticsResolver", "ExampleValidator", "SchemaGen"),
    ("AnomalyGate",),
    ("Transform",),
    ("Trainer",),
    ("BlessedModelResolver", "SkewGate"),
    ("Evaluator",),
    ("Pusher",),
)
_SECONDS = 30.0


def program(name: str) -> str:
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
    assert found, f"no {name} on PATH: apt-get install mariadb-server"
    return found


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a new database on a server of its own."""
    folder = tmp_path_factory.mktemp("db")
    own = ["--no-defaults", f"--datadir={folder / 'data'}", *(["--user=root"] if os.getuid() == 0 else [])]
    install = [program("mariadb-install-db"), *own, "--auth-root-authentication-method=normal", "--skip-test-db"]
    subprocess.run(install, check=True, capture_output=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [program("mariadbd"), *own, f"--socket={folder / 's'}", f"--port={port}", "--bind-address=127.0.0.1"]
    with (folder / "log").open("w") as log, subprocess.Popen(command, stdout=log, stderr=log) as server:
        try:
            _ask(folder / "s", "create database mlmd; create user 'tfx'@'127.0.0.1' identified by '" + SECRET + "'")
            _ask(folder / "s", "grant all on mlmd.* to 'tfx'@'127.0.0.1'")
            yield f"mysql://tfx@127.0.0.1:{port}/mlmd"
        finally:
            server.terminate()


def _ask(path: Path, statement: str) -> None:
    deadline = time.monotonic() + _SECONDS
    command = [program("mariadb"), "--no-defaults", "-uroot", f"--socket={path}", "-e", statement]
    while (done := subprocess.run(command, capture_output=True, text=True, check=False)).returncode:
        assert time.monotonic() < deadline, done.stderr
        time.sleep(0.2)


def start(*options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "pipelines", "node", "--task", DIABETES, "--train-steps", "30", *options]
    told = environment(**{PASSWORD: SECRET})
    return subprocess.Popen(command, cwd=SOURCE, env=told, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def test_nodes_at_the_same_time_end_in_one_run(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PASSWORD, SECRET)
    var = tmp_path / "var"
    graph = ("--var", str(var), "--graph", str(tmp_path / "graph.json"), "--metadata", database)
    said = start(*graph).communicate()[0]
    assert json.loads((tmp_path / "graph.json").read_text())["parallel"], said
    for nodes in AT_ONCE:
        running = [start("--var", str(var), "--run-id", RUN_ID, "--node", name) for name in nodes]
        for one in running:
            said = one.communicate()[0]
            assert one.returncode == 0, said
    end = start("--var", str(var), "--run-id", RUN_ID, "--finish")
    said = end.communicate()[0]
    assert end.returncode == 0, said
    assert not (var / "metadata.sqlite").exists()
    run = Runs(var).open(RUN_ID)  # The report and the lineage find the same database.
    assert run.status == "pushed"
    assert run.lineage().versions == (run.version,)
    digests = json.loads((var / "artifacts" / "diabetes" / "digests.json").read_text())
    written = [output["uri"] for node in run.summary["nodes"] for output in node["outputs"].values()]
    assert set(written) <= set(digests)  # None was lost between two processes.
    assert not [path for path in var.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]
