"""The pipeline on a real Flink cluster of this machine: the same artifacts as on the local engine, whatever dies.

`make test-engine` runs all of it. CI runs the tests that are not `slow`.
"""

import signal
import time
from collections.abc import Iterator

import pytest

from tests.engines.artifacts import differences
from tests.engines.flink_cluster import FlinkCluster
from tests.runs.project import Project

pytestmark = [pytest.mark.engine, pytest.mark.pipeline, pytest.mark.one_stack]

FLINK = ("--engine", "flink")
BEAM_NODES = ("ExampleGen", "StatisticsGen", "Transform", "Evaluator")


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project after a run on the local engine, up to Transform."""
    project = Project.copy(tmp_path_factory.mktemp("local") / "project")
    project.run_until("Transform")
    return project


@pytest.fixture
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy in which nothing has run."""
    return Project.copy(tmp_path_factory.mktemp("flink") / "project")


@pytest.fixture
def cluster(project: Project) -> Iterator[FlinkCluster]:
    """The cluster of that copy."""
    with FlinkCluster.up(project.var) as cluster:
        yield cluster


def test_a_worker_dies_in_transform_and_every_artifact_is_that_of_the_local_engine(
    local: Project, project: Project, cluster: FlinkCluster
) -> None:
    with project.started(*FLINK) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("AnomalyGate "):
                before = len(cluster.jobs())
                cluster.wait_until_under_way(before)
                cluster.kill_task_manager()
            if line.startswith("Transform "):
                break
        process.send_signal(signal.SIGTERM)
        process.communicate()
    assert [job["state"] for job in cluster.jobs()] == ["FINISHED"] * len(cluster.jobs())
    artifacts = "artifacts/diabetes"
    assert (project.var / artifacts / "Transform" / "transformed_examples").is_dir()
    assert differences(project.var / artifacts, local.var / artifacts) == []


def test_a_run_that_is_killed_leaves_no_job_to_the_next(project: Project, cluster: FlinkCluster) -> None:
    with project.started(*FLINK) as process:
        cluster.wait_until_under_way(0)
        process.kill()
    time.sleep(1)  # a job that ends with its driver would have by now
    assert [job["state"] for job in cluster.jobs()] == ["RUNNING"]
    project.run_until("ExampleGen", *FLINK)
    assert [job["state"] for job in cluster.jobs()] == ["CANCELED", "FINISHED"]
