"""What a run on a Flink cluster passes to Beam."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.engines import flink
from pipelines.engines.errors import EngineError
from pipelines.engines.flink import FlinkEngine
from pipelines.engines.local import LocalEngine

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """As `make flink-up` leaves it, in a path that a shell would take apart."""
    folder = tmp_path / "it's a cluster"
    folder.mkdir()
    (folder / "cluster.json").write_text(
        json.dumps({"rest": "127.0.0.1:8081", "job_endpoint": "127.0.0.1:8099", "slots": 4, "processes": {}})
    )
    return folder


def test_the_arguments(folder: Path) -> None:
    engine = FlinkEngine.of_cluster(folder, job_name="tfx-taxi-1", time_limit=60)
    arguments = dict(argument.removeprefix("--").partition("=")[::2] for argument in engine.beam_args())
    config = json.loads(arguments.pop("environment_config"))
    assert config == {"command": str(folder / "worker")}
    assert arguments == {
        "runner": "PortableRunner",
        "job_endpoint": "127.0.0.1:8099",
        "job_name": "tfx-taxi-1",
        "parallelism": "4",
        "environment_type": "PROCESS",
        "environment_cache_millis": "120000",
        "sdk_container_image": "none",
        "tfxio_use_byte_size_batching": "",
    }


def test_a_pool_starts_the_workers_of_a_cluster_elsewhere(tmp_path: Path) -> None:
    state = {"rest": "flink-rest:8081", "job_endpoint": "job-server:8099", "slots": 2, "worker_pool": "localhost:50000"}
    (tmp_path / "cluster.json").write_text(json.dumps(state))
    engine = FlinkEngine.of_cluster(tmp_path, job_name="tfx-taxi-1", time_limit=60)
    assert {"--environment_type=EXTERNAL", "--environment_config=localhost:50000"} < set(engine.beam_args())
    # A ConfigMap, which cannot be written to.
    assert [path.name for path in tmp_path.iterdir()] == ["cluster.json"]


def test_batches_are_those_of_the_local_engine(folder: Path) -> None:
    arguments = FlinkEngine.of_cluster(folder, job_name="tfx-taxi-1", time_limit=60).beam_args()
    assert set(arguments) & set(LocalEngine().beam_args()) == {
        "--sdk_container_image=none",
        "--tfxio_use_byte_size_batching",
    }


def test_the_worker_passes_its_arguments_on_and_finds_the_project(folder: Path) -> None:
    engine = FlinkEngine.of_cluster(folder, job_name="tfx-taxi-1", time_limit=60)
    assert engine.worker is not None
    done = subprocess.run(
        [engine.worker, "--help"], cwd="/", env={"PATH": os.defpath}, capture_output=True, text=True, check=True
    )
    assert "--provision_endpoint" in done.stdout


def test_a_pools_worker_prints_nothing_to_the_pipe_that_nobody_reads() -> None:
    worker = Path(flink.__file__).with_name("pool_worker")
    environment = {"PATH": f"{Path(sys.executable).parent}:{os.defpath}"}
    done = subprocess.run([worker, "--help"], cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == ""
    assert "--provision_endpoint" in done.stderr


def test_without_a_cluster_it_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(EngineError) as raised:
        FlinkEngine.of_cluster(tmp_path, job_name="tfx-taxi-1", time_limit=60)
    assert str(raised.value) == (
        f"no Flink cluster runs from {tmp_path}: expected {tmp_path / 'cluster.json'}, which `make flink-up` writes; "
        "run that first"
    )
