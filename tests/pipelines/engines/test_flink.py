"""What a run on a Flink cluster passes to Beam."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from pipelines.engines.errors import EngineError
from pipelines.engines.flink import FlinkEngine
from pipelines.engines.local import LocalEngine


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


def test_batches_are_those_of_the_local_engine(folder: Path) -> None:
    flink = FlinkEngine.of_cluster(folder, job_name="tfx-taxi-1", time_limit=60).beam_args()
    assert set(flink) & set(LocalEngine().beam_args()) == {
        "--sdk_container_image=none",
        "--tfxio_use_byte_size_batching",
    }


def test_the_worker_passes_its_arguments_on_and_finds_the_project(folder: Path) -> None:
    engine = FlinkEngine.of_cluster(folder, job_name="tfx-taxi-1", time_limit=60)
    done = subprocess.run(
        [engine.worker, "--help"], cwd="/", env={"PATH": os.defpath}, capture_output=True, text=True, check=True
    )
    assert "--provision_endpoint" in done.stdout


def test_without_a_cluster_it_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(EngineError) as raised:
        FlinkEngine.of_cluster(tmp_path, job_name="tfx-taxi-1", time_limit=60)
    assert str(raised.value) == (
        f"no Flink cluster runs from {tmp_path}: expected {tmp_path / 'cluster.json'}, which `make flink-up` writes; "
        "run that first"
    )
