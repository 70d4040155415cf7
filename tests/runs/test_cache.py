"""The cache notices code: an edit re-runs what depends on it, and nothing before.

TFX takes a node from the cache when its compiled form and its inputs are those of an earlier run. So most tests compile
the pipeline before and after an edit and look which nodes differ; the others run, and show that this is what decides.
"""

import dataclasses
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from components.source_digest import source_digest
from pipelines.config import TunerConfig
from pipelines.options import RunOptions
from pipelines.resolution import resolve
from pipelines.runner import launch, local_run
from pipelines.runs import Runs
from pipelines.training import create_pipeline
from tests.runs.conftest import History
from tests.runs.in_process import run_here
from tests.runs.project import DIABETES, NODES, RESOLVERS, Project, files
from tests.tasks.diabetes.task import TASK

pytestmark = pytest.mark.pipeline

TASK_FOLDER = "tests/tasks/diabetes"


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A copy of the code, which is edited and read but never imported: digests are taken there."""
    project = Project.copy(tmp_path_factory.mktemp("sources") / "project")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(source_digest.__kwdefaults__, "root", project.root)
        yield project


@pytest.fixture
def sources(copied: Project) -> Iterator[Project]:
    """The copy; its edits are undone."""
    yield copied
    copied.undo()


@pytest.fixture(scope="module")
def unedited(copied: Project) -> dict[str, bytes]:
    """The compiled nodes before any edit."""
    return compiled(copied.var)


def compiled(var: Path, *, task: str = DIABETES, **options: Any) -> dict[str, bytes]:
    """Node -> its compiled form, for a run with these options."""
    config = resolve(RunOptions(task=task, var=var, **options), local_run.load_task(task))
    nodes = launch.compile_pipeline(create_pipeline(config), "run").nodes
    return {node.pipeline_node.node_info.id: node.pipeline_node.SerializeToString(deterministic=True) for node in nodes}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("components/csv_example_gen/executor.py", {"ExampleGen"}),
        ("components/csv_example_gen/csv_values.py", {"ExampleGen"}),  # which the executor imports
        ("components/statistics_gen/executor.py", {"StatisticsGen"}),
        ("components/read_ahead.py", {"StatisticsGen", "Transform", "Evaluator"}),  # through example_batches
        ("components/anomaly_gate/component.py", {"AnomalyGate"}),
        ("components/anomaly_gate/findings.py", {"AnomalyGate"}),  # which the component imports
        ("components/evaluator/sums.py", {"Evaluator"}),
        ("components/skew_gate/component.py", {"SkewGate"}),
        ("components/pusher/executor.py", {"Pusher"}),
        (f"{TASK_FOLDER}/preprocessing.py", {"Transform", "Trainer"}),
        (f"{TASK_FOLDER}/trainer.py", {"Trainer"}),
        ("pipelines/modeling/export.py", {"Trainer"}),
        # What computes nothing.
        ("pipelines/runner/final_report.py", set()),
        ("docs/decisions/0001-two-stacks.md", set()),
        ("README.md", set()),
    ],
)
def test_an_edit_reaches_the_nodes_that_run_the_code(
    sources: Project, unedited: dict[str, bytes], path: str, expected: set[str]
) -> None:
    sources.edit(path)
    edited = compiled(sources.var)
    assert {node for node in NODES if edited[node] != unedited[node]} == expected


def test_an_edit_of_a_comment_runs_nothing(sources: Project, unedited: dict[str, bytes]) -> None:
    for path in (f"{TASK_FOLDER}/preprocessing.py", f"{TASK_FOLDER}/trainer.py", "components/pusher/executor.py"):
        sources.edit(path, new="\n# Edited.\n")
    assert compiled(sources.var) == unedited


def test_a_search_compiles_to_the_same_cache_keys_again(sources: Project, tmp_path: Path) -> None:
    options: dict[str, Any] = {"tune": True, "budget": TunerConfig(trials=2), "train_steps": 20}
    first, again = (compiled(tmp_path, task="taxi", **options) for _ in range(2))
    assert first == again
    assert "Tuner" in first
    assert "ImportHyperparameters" not in first


@pytest.fixture(scope="module")
def accepted(copied: Project) -> Path:
    """A var folder in which the data were read and accepted, and no more."""
    run = run_here(copied.var, upto="AnomalyGate")
    assert run.summary["error"] is None, run.told()
    return copied.var


def test_rows_are_read_again_if_they_changed_and_only_then(accepted: Path, tmp_path: Path) -> None:
    """Neither times nor size tell whether they did."""
    (rows,) = (accepted / "data" / "diabetes").glob("*.csv")
    copy = Path(shutil.copy(rows, tmp_path))
    read = [run_here(accepted, "--data", str(tmp_path), upto="ExampleGen")]
    os.utime(copy, (1_000_000_000, 1_000_000_000))
    (tmp_path / "march.xlsx").touch()
    read += [run_here(accepted, "--data", str(tmp_path), upto="ExampleGen")]
    text, before = copy.read_text(), copy.stat()
    header, first, *rest = text.splitlines(keepends=True)
    copy.write_text("".join([header, re.sub("[0-8]", "9", first, count=1), *rest]))
    assert copy.stat().st_size == before.st_size
    os.utime(copy, ns=(before.st_atime_ns, before.st_mtime_ns))
    read += [run_here(accepted, "--data", str(tmp_path), upto="ExampleGen")]
    assert [run.summary["unread_files"] for run in read] == [[], ["march.xlsx"], ["march.xlsx"]]
    assert "not read: march.xlsx\n" in read[1].terminal
    assert [run.states["ExampleGen"] for run in read] == ["ran", "cached", "ran"], read[-1].told()
    runs = Runs(accepted)
    first_read, last_read = (runs.open(run.summary["run_id"]).lineage().data for run in (read[0], read[-1]))
    assert (first_read.unchanged, last_read.unchanged) == (False, True)
    assert last_read.split == read[-1].summary["split"] == "by row, 33.3% of them eval"


def test_an_edit_of_the_reader_reads_the_data_again(sources: Project, accepted: Path) -> None:
    sources.edit("components/csv_example_gen/executor.py")
    run = run_here(accepted, upto="StatisticsGen")
    assert run.ran == {"ExampleGen", "StatisticsGen"}
    assert run.cached == {"ImportSchemaGen"}  # the one node that reads no data


def test_an_edit_of_the_contract_runs_what_depends_on_it_but_does_not_read_the_data_again(
    accepted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contract = tmp_path / TASK.contract.name
    contract.write_text(TASK.contract.read_text().replace("max: 120", "max: 121"))
    monkeypatch.setattr(local_run, "load_task", lambda name: dataclasses.replace(TASK, contract=contract))
    run = run_here(accepted, upto="AnomalyGate")
    assert run.ran == {"ImportSchemaGen", "StatisticsGen", "ExampleValidator", "SchemaGen", "AnomalyGate"}
    assert run.cached == {"ExampleGen"}


def test_an_edit_of_the_model_and_of_a_gate_runs_both_and_pushes_a_second_version(
    project: Project, history: History
) -> None:
    """Real edits, read by a process of its own; the model starts from the weights of the one before."""
    first = history.cold.summary["pushed"]["version"]
    project.edit(f"{TASK_FOLDER}/trainer.py")
    project.edit("components/anomaly_gate/findings.py")
    run = project.run("--warm-start", "--verbose")
    assert run.status == 0, run.told()
    assert run.ran == {"AnomalyGate", "Trainer", "Evaluator", "SkewGate", "Pusher"}
    assert run.cached == set(NODES) - RESOLVERS - run.ran
    assert run.states["WarmStartResolver"] == "ran"
    assert project.versions() == [first, run.summary["pushed"]["version"]]
    assert run.summary["pushed"]["new"] is True
    assert "INFO" in run.stderr, "--verbose shows the log"
    runs = Runs(project.var)
    old, new = runs.open(history.cold.summary["run_id"]), runs.open(run.summary["run_id"])
    lineage = runs.lineage(run.summary["pushed"]["version"])
    assert lineage.started_from == lineage.baseline == old.lineage().model
    assert new.baseline_model() is not None
    # The same rows fed both models.
    assert runs.models_trained_on(project.var / "data" / "diabetes")["run"].tolist() == [old.id, new.id]


@pytest.mark.parametrize("file", [".", "saved_model.pb"])
def test_a_version_that_somebody_deleted_or_damaged_is_pushed_again(
    project: Project, history: History, tmp_path: Path, file: str
) -> None:
    version = project.var / "serving" / "diabetes" / history.cold.summary["pushed"]["version"]
    (version / file).rename(tmp_path / "elsewhere")
    run = run_here(project.var)
    assert run.status == 0, run.told()
    assert run.ran == {"Pusher"}
    assert project.versions()[-1] == run.summary["pushed"]["version"]
    pushed = files(Path(run.summary["pushed"]["path"]))
    assert pushed == files(history.saved / version.relative_to(project.var))
