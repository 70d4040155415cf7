"""The taxi task by all four orchestrators: what no orchestrator may change is the same; `make test-orchestrators`.

Kubeflow's and Vertex AI's jobs are rehearsed: this machine has neither.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.orchestrators import COMPARED, ComparedRun, differences, digest_content, read_run, render
from pipelines.cli.app import execute
from pipelines.evaluation.slices import OVERALL
from pipelines.evaluation.tfma_results import slice_metrics
from pipelines.runs import Runs
from tests.pipelines.orchestration import kubeflow_rehearsal
from tests.pipelines.orchestration import running_airflow as airflow
from tests.pipelines.orchestration.kubeflow_graph import IMAGE
from tests.pipelines.orchestration.vertex.jobs import compile_for, prepare, rehearse
from tests.runs.project import COMMAND, SOURCE

pytestmark = [pytest.mark.orchestrator, pytest.mark.pipeline, pytest.mark.one_stack]

TASK = "taxi"
STEPS = 100  # after which the model passes its thresholds
OPTIONS = ("--task", TASK, "--train-steps", str(STEPS))


def test_artifacts_and_metrics_are_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    here = by_this_machine(tmp_path / "here")
    runs = [here, by_airflow(tmp_path / "airflow"), by_kubeflow(tmp_path / "kubeflow")]
    runs.append(by_vertex(tmp_path / "vertex", here))
    with capsys.disabled():
        print(f"\n{render(runs)}")
    assert differences(runs) == []
    kinds = {name.rpartition("(")[2].removesuffix(")") for name in here.digests}
    assert kinds >= COMPARED
    assert here.metrics["example_count"] == 4993


def by_this_machine(folder: Path) -> ComparedRun:
    subprocess.run([sys.executable, *COMMAND, *OPTIONS, "--var", str(folder)], cwd=SOURCE, check=True)
    return newest("this machine", folder)


def by_airflow(folder: Path) -> ComparedRun:
    server = airflow.server_of(folder, *OPTIONS[1:])
    with server.started():
        airflow.until(lambda: TASK in airflow.dags(server), "the DAG is read")
        run = airflow.until(lambda: airflow.trigger(server, TASK), "a run begins")
        ended = airflow.until(lambda: airflow.end(server, TASK, run), "the run ends")
        assert ended == "success", airflow.tasks(server, TASK, run)
    return newest("Airflow", folder / "var")


def by_kubeflow(folder: Path) -> ComparedRun:
    graph, file = folder / "graph.json", folder / "taxi.yaml"
    assert execute(["node", "--graph", str(graph), *OPTIONS, "--var", str(folder / "unused")]) == 0
    assert execute(["compile", "kubeflow", "--graph", str(graph), "--image", IMAGE, "--out", str(file)]) == 0
    job = kubeflow_rehearsal.Rehearsal(file, folder / "volume")
    assert job.run(), job.ended
    return newest("Kubeflow", folder / "volume" / "var")


def by_vertex(folder: Path, here: ComparedRun) -> ComparedRun:
    """Vertex AI's job has no summary.json: its nodes' outputs, named as here."""
    prepare(folder, TASK)
    run = rehearse(compile_for(folder, TASK, train_steps=STEPS), "first")
    run.run()
    digests = {}
    for name in here.digests:
        node, _, rest = name.partition(".")
        key, kind = rest.removesuffix(")").split(" (")
        if key in run.outputs.get(node, {}):
            digests[name] = digest_content(run.artifact(node, key), kind)
    return ComparedRun(
        name="Vertex AI",
        digests=digests,
        metrics=slice_metrics(run.artifact("Evaluator", "evaluation"))[OVERALL],
        nodes=run.seconds,
        seconds=sum(run.seconds.values()),
    )


def newest(name: str, var: Path) -> ComparedRun:
    run = Runs(var).open()
    assert run.status == "pushed"
    return read_run(name, var / "runs" / run.id)
