"""A Flink cluster whose Python workers a pool starts, as on Kubernetes (pipelines/deploy/kubernetes/flink).

There each TaskManager has a pool of its own, in its pod's network. Here all share one network, so one TaskManager runs.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from benchmarks.engine_artifacts import differences
from environment.flink import packages
from environment.flink.cluster import STATE, Cluster
from environment.flink.tether import tethered
from tests.engines.small_shards import copy_with_small_shards
from tests.runs.project import Project
from tests.serving.running_server import free_ports

pytestmark = [pytest.mark.engine, pytest.mark.pipeline, pytest.mark.one_stack, pytest.mark.slow]

MANIFEST = Path(__file__).resolve().parents[2] / "pipelines/deploy/kubernetes/flink/cluster.yaml"
ARTIFACTS = Path("artifacts/diabetes")
SECONDS = 120.0


@contextlib.contextmanager
def pool(project: Project, port: int, log: Path) -> Iterator[None]:
    """The manifest's pool, with another port, and the copy's folder for /app."""
    documents = yaml.safe_load_all(MANIFEST.read_text())
    (cluster,) = [each for each in documents if each["kind"] == "FlinkDeployment"]
    (container,) = [
        each
        for each in cluster["spec"]["taskManager"]["podTemplate"]["spec"]["containers"]
        if each["name"] == "workers"
    ]
    words = [*container["command"], *container["args"]]
    words = [word.replace("=50000", f"={port}").replace("/app/", f"{project.root}/") for word in words]
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    environment["PYTHONPATH"] = str(project.root)
    with log.open("wb") as output:
        process = subprocess.Popen(
            words, cwd="/", env=environment, stdout=output, stderr=output, start_new_session=True
        )
    try:
        end = time.monotonic() + SECONDS
        while not listens(port):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.2)
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # the pool, and the workers that it started
        process.wait()


def listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def test_a_pools_workers_give_what_the_local_engine_gives(tmp_path: Path) -> None:
    local, project = (copy_with_small_shards(tmp_path / name / "project") for name in ("local", "flink"))
    local.run_until("Transform")
    folder, log = project.var / "flink", tmp_path / "pool.log"
    (port,) = free_ports(1)
    with tethered(Cluster(folder, packages.fetch()), 1, 1):
        state = json.loads((folder / STATE).read_text())
        (folder / STATE).write_text(json.dumps({**state, "worker_pool": f"localhost:{port}"}))
        with pool(project, port, log):
            ended = project.run_until("Transform", "--engine", "flink")
    assert not (folder / "worker").exists()
    assert "pool_worker" in log.read_text(), ended.told()
    assert list(project.var.glob("artifacts/diabetes/Transform/transformed_examples/*/Split-eval/*.gz")), ended.told()
    assert differences(project.var / ARTIFACTS, local.var / ARTIFACTS) == []
