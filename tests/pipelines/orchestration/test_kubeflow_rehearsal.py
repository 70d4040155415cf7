"""A compiled pipeline is rehearsed: two nodes and the end in CI, the whole of it by `make test-orchestrators`."""

import json
from pathlib import Path

import pytest

from pipelines.cli.app import execute
from pipelines.runs import Runs
from tests.pipelines.orchestration.kubeflow_graph import IMAGE
from tests.pipelines.orchestration.kubeflow_rehearsal import FAILED, JOB, SKIPPED, SUCCEEDED, Rehearsal
from tests.runs.project import DIABETES, NODES
from tests.tasks.diabetes.data import prepare

FINISH = "finish"


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The YAML of the diabetes task, by the two commands of `make kubeflow-compile`."""
    folder = tmp_path_factory.mktemp("kubeflow")
    graph, file = folder / "diabetes.json", folder / "diabetes.yaml"
    options = ["--task", DIABETES, "--train-steps", "30", "--var", str(folder / "var")]
    assert execute(["node", "--graph", str(graph), *options]) == 0
    assert execute(["compile", "kubeflow", "--graph", str(graph), "--image", IMAGE, "--out", str(file)]) == 0
    return file


@pytest.mark.pipeline
@pytest.mark.one_stack
def test_two_nodes_and_the_end_of_a_run_that_was_cut_off(pipeline: Path, tmp_path: Path) -> None:
    volume = tmp_path / "volume"
    only = ("ExampleGen", "ImportSchemaGen", FINISH)
    job = Rehearsal(pipeline, volume, parameters={"train_steps": 7.0}, only=only, tries=1)
    assert not job.run()
    states = {name: ended.state for name, ended in job.ended.items()}
    assert states == dict.fromkeys(NODES, SKIPPED) | dict.fromkeys(only[:2], SUCCEEDED) | {FINISH: FAILED}
    run_id = (volume / "var" / "jobs" / JOB).read_text()
    for name in only[:2]:
        said = job.ended[name].said
        assert f"-m pipelines node --task={DIABETES} --var={volume}/var --train-steps=7 --run-id {run_id}" in said
        assert f"\n{name} " in said
    assert "expected StatisticsGen, AcceptedStatisticsResolver" in job.ended[FINISH].said
    record = json.loads((volume / "var" / "runs" / run_id / "summary.json").read_text())
    assert {node["id"]: node["state"] for node in record["nodes"]} == {
        name: "ran" if name in only else "skipped" for name in NODES
    }


@pytest.mark.orchestrator
@pytest.mark.pipeline
@pytest.mark.one_stack
def test_to_a_pushed_model_and_a_second_job_finds_its_cache(pipeline: Path, tmp_path: Path) -> None:
    volume = tmp_path / "volume"
    job = Rehearsal(pipeline, volume)
    assert job.run(), job.ended
    assert {ended.state for ended in job.ended.values()} == {SUCCEEDED}
    assert set(job.ended) == {*NODES, FINISH}
    assert {ended.tries for ended in job.ended.values()} == {1}
    run = Runs(volume / "var").open()
    assert (run.status, run.id) == ("pushed", (volume / "var" / "jobs" / JOB).read_text())
    assert set(run.nodes()["state"]) == {"ran"}
    page = job.ended[FINISH].artifacts["report"].read_text()
    assert page == (volume / "var" / "runs" / run.id / "report.html").read_text()
    again = Rehearsal(pipeline, volume, job="another-job", only=["ExampleGen"])
    again.run()
    assert "\nExampleGen                 cached " in again.ended["ExampleGen"].said  # TFX's cache, over jobs.
    assert (volume / "var" / "jobs" / "another-job").read_text() != run.id
    assert len(list((volume / "var" / "serving" / "diabetes").iterdir())) == 1


@pytest.mark.orchestrator
@pytest.mark.pipeline
@pytest.mark.one_stack
def test_data_that_is_refused_ends_the_job_and_is_recorded(pipeline: Path, tmp_path: Path) -> None:
    volume = tmp_path / "volume"
    rows = volume / "rows.csv"
    rows.parent.mkdir()
    write_bad_rows(rows)
    job = Rehearsal(pipeline, volume, parameters={"data": "/mnt/pipelines/rows.csv"}, tries=1)
    assert not job.run()
    failed = {name for name, ended in job.ended.items() if ended.state == FAILED}
    assert failed == {"AnomalyGate", FINISH}
    assert job.ended["AnomalyGate"].status == 1
    assert job.ended["Transform"].state == job.ended["Pusher"].state == SKIPPED
    run = Runs(volume / "var").open()
    assert run.status == "failed"
    assert not (volume / "var" / "serving" / "diabetes").exists()


def write_bad_rows(file: Path) -> None:
    """Writes the task's rows with one column far out of its range."""
    header, *rows = (prepare(file.parent / "prepared") / "patients.csv").read_text().splitlines()
    wrong = [",".join(["9999", *row.split(",")[1:]]) for row in rows]
    file.write_text("\n".join([header, *wrong]) + "\n")
