"""The cache notices code: an edit re-runs what depends on it, and nothing before."""

from pathlib import Path

import pytest

from tests.runs.conftest import History
from tests.runs.project import NODES, RESOLVERS, Project, files

pytestmark = pytest.mark.pipeline

TASK = "tests/tasks/diabetes"


def test_an_edit_of_the_model_runs_from_trainer_on_and_pushes_a_second_version(
    project: Project, history: History
) -> None:
    first = history.cold.summary["pushed"]["version"]
    project.edit(f"{TASK}/trainer.py", "Dense(16", "Dense(17")
    run = project.run()
    assert run.status == 0, run.told()
    assert run.ran == {"Trainer", "Evaluator", "SkewGate", "Pusher"}
    assert project.versions() == [first, run.summary["pushed"]["version"]]
    assert run.summary["pushed"]["new"]


def test_an_edit_of_the_preprocessing_runs_from_transform_on(project: Project) -> None:
    project.edit(f"{TASK}/preprocessing.py")
    run = project.run_until("Trainer")
    assert run.ran == {"Transform", "Trainer"}
    assert _cached(run.states) == _before("Transform")


def test_an_edit_of_the_contract_runs_what_depends_on_it_but_does_not_read_the_data_again(project: Project) -> None:
    project.edit(f"{TASK}/schema.pbtxt", "max: 120", "max: 121")
    run = project.run_until("Transform")
    assert run.ran == {"ImportSchemaGen", "StatisticsGen", "ExampleValidator", "SchemaGen", "AnomalyGate", "Transform"}
    assert _cached(run.states) == {"ExampleGen"}


def test_an_edit_of_the_reader_reads_the_data_again(project: Project) -> None:
    project.edit("components/csv_example_gen/executor.py")
    run = project.run_until("StatisticsGen")
    assert run.ran == {"ExampleGen", "StatisticsGen"}
    assert _cached(run.states) == {"ImportSchemaGen"}  # the one node that reads no data


@pytest.mark.parametrize(
    ("component", "ran"),
    [
        ("anomaly_gate", {"AnomalyGate"}),
        ("findings", {"AnomalyGate"}),  # which anomaly_gate imports
        ("skew_gate", {"SkewGate", "Pusher"}),
        ("atomic_pusher", {"Pusher"}),
    ],
)
def test_an_edit_of_a_component_runs_that_component(project: Project, component: str, ran: set[str]) -> None:
    project.edit(f"components/{component}.py")
    run = project.run()
    assert run.status == 0, run.told()
    assert run.ran == ran


@pytest.mark.parametrize("file", [".", "saved_model.pb"])
def test_a_version_that_somebody_deleted_or_damaged_is_pushed_again(
    project: Project, history: History, file: str
) -> None:
    version = project.var / "serving" / "diabetes" / history.cold.summary["pushed"]["version"]
    (version / file).rename(project.root / "elsewhere")
    run = project.run()
    assert run.status == 0, run.told()
    assert run.ran == {"Pusher"}
    assert project.versions()[-1] == run.summary["pushed"]["version"]
    pushed = files(Path(run.summary["pushed"]["path"]))
    assert pushed == files(history.saved / version.relative_to(project.root))


def _cached(states: dict[str, str]) -> set[str]:
    return {node for node, state in states.items() if state == "cached"}


def _before(node: str) -> set[str]:
    return set(NODES[: NODES.index(node)]) - RESOLVERS
