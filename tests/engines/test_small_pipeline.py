"""A small pipeline of real nodes on a real Flink cluster, one of whose workers dies: what CI runs of an engine.

Three minutes on two busy cores: a few hundred rows in three shards, ExampleGen to Transform.
"""

import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from benchmarks.engine_artifacts import differences
from tests.engines.flink_cluster import FlinkCluster
from tests.engines.small_shards import copy_with_small_shards
from tests.runs.project import Project

pytestmark = [pytest.mark.engine, pytest.mark.pipeline, pytest.mark.one_stack]

_ARTIFACTS = Path("artifacts/diabetes")


def run_and_kill_a_worker(project: Project, cluster: FlinkCluster) -> None:
    """Runs until Transform has ended; one TaskManager dies while StatisticsGen works."""
    with project.started("--engine", "flink") as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("ExampleGen "):
                cluster.wait_until_running(len(cluster.jobs()))
                cluster.kill_task_manager()
            if line.startswith("Transform "):
                break
        process.send_signal(signal.SIGTERM)
        process.communicate()


def test_several_shards_and_a_dead_worker_give_what_the_local_engine_gives(tmp_path: Path) -> None:
    local, project = (copy_with_small_shards(tmp_path / name / "project") for name in ("local", "flink"))
    with ThreadPoolExecutor(1) as beside:
        expected = beside.submit(local.run_until, "Transform")
        with FlinkCluster.up(project.var) as cluster:
            run_and_kill_a_worker(project, cluster)
            assert [job["state"] for job in cluster.jobs()] == ["FINISHED"] * 3
        expected.result()
    written = project.var / _ARTIFACTS
    assert len(list(written.glob("ExampleGen/examples/*/Split-eval/*.gz"))) > 1
    assert list(written.glob("Transform/transformed_examples/*/Split-eval/*.gz"))
    assert differences(written, local.var / _ARTIFACTS) == []
