"""The pipeline on a real Flink cluster of this machine: the same artifacts as on the local engine, whatever dies.

`make test-engine` runs it. CI runs test_small_pipeline.py alone.
"""

import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from benchmarks.engine_artifacts import differences
from tests.engines.flink_cluster import FlinkCluster
from tests.engines.small_shards import copy_with_small_shards
from tests.runs.project import Project

pytestmark = [pytest.mark.engine, pytest.mark.pipeline, pytest.mark.one_stack, pytest.mark.slow]

FLINK = ("--engine", "flink", "--job-minutes", "10")  # a job that hangs fails its test while somebody still looks
ARTIFACTS = "artifacts/diabetes"
_ATTEMPTS = 3  # to begin a run while the job of a killed one is still running
BEAM_NODES = ("ExampleGen", "StatisticsGen", "Transform", "Evaluator")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A copy in which nothing has run; its ExampleGen makes several shards."""
    return copy_with_small_shards(tmp_path / "flink" / "project")


@pytest.fixture
def cluster(project: Project) -> Iterator[FlinkCluster]:
    """The cluster of that copy."""
    with FlinkCluster.up(project.var) as cluster:
        yield cluster


def test_a_worker_dies_in_every_beam_node_and_every_artifact_is_that_of_the_local_engine(
    tmp_path: Path, project: Project, cluster: FlinkCluster
) -> None:
    local = copy_with_small_shards(tmp_path / "local" / "project")
    with project.started(*FLINK) as process, ThreadPoolExecutor(2) as beside:
        reading, running = beside.submit(process.communicate), beside.submit(local.run)
        for number in range(len(BEAM_NODES)):  # each is one job
            cluster.wait_until_running(number, seconds=300)
            cluster.kill_task_manager()
        terminal, stderr = reading.result()
        expected = running.result()
    assert process.returncode == 0, (terminal, stderr)
    assert expected.status == 0, expected.told()
    assert [job["state"] for job in cluster.jobs()] == ["FINISHED"] * len(BEAM_NODES)
    assert (project.var / ARTIFACTS / "Evaluator" / "evaluation").is_dir()
    assert differences(project.var / ARTIFACTS, local.var / ARTIFACTS) == []


def test_a_lost_job_manager_is_named_and_the_next_run_goes_on_from_there(
    project: Project, cluster: FlinkCluster
) -> None:
    with project.started(*FLINK) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("ExampleGen "):
                break
        cluster.wait_until_running(1)
        cluster.kill_job_manager()
        terminal, stderr = process.communicate()
    assert process.returncode == 1, (terminal, stderr)
    assert "Flink's JobManager at 127.0.0.1:" in terminal + stderr
    assert "start the cluster again (make flink-down flink-up)" in terminal + stderr
    cluster.restart()
    again = project.run_until("StatisticsGen", *FLINK)
    assert re.search(r"^ExampleGen +cached", again.terminal, re.MULTILINE), again.told()


def test_a_run_that_is_killed_leaves_no_job_to_the_next(project: Project, cluster: FlinkCluster) -> None:
    for _ in range(_ATTEMPTS):
        before = len(cluster.jobs())
        with project.started(*FLINK, "--force") as process:
            cluster.wait_until_running(before)
            process.kill()
        time.sleep(1)  # a job that ends with its driver would have by now
        assert [job["state"] for job in cluster.jobs()[before:]] == ["RUNNING"]
        project.run_until("ExampleGen", *FLINK, "--force")
        orphan, own, *_ = (job["state"] for job in cluster.jobs()[before:])
        assert own == "FINISHED"
        if orphan == "CANCELED":
            return
        assert orphan == "FINISHED"  # by itself, before the next run began, which takes long on a busy machine
    pytest.fail(f"{_ATTEMPTS} jobs without a driver ended by themselves before the next run began")
