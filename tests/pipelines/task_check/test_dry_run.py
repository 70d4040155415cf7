"""The check on a few rows: in order for a task that is, and a sentence for one that is not."""

import dataclasses
import io
import re
from pathlib import Path
from typing import Any

import keras
import pytest
from rich.console import Console

from pipelines.cli.app import execute
from pipelines.modeling.export import export_model
from pipelines.runner import run_log
from pipelines.task_check import command, dry_run
from tests.tasks.diabetes import trainer
from tests.tasks.diabetes.task import TASK

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> dry_run.Sample:
    """A hundred rows of the diabetes task."""
    folder = tmp_path_factory.mktemp("sample")
    return dry_run.transform_sample(TASK, TASK.prepare_data(folder / "data"), folder)


def test_takes_rows_of_the_lowest_and_of_the_highest_label(sample: dry_run.Sample) -> None:
    labels = sample.transformed[TASK.label][:, 0]
    assert (len(sample.raw), sample.analysed) == (100, 442)
    assert [row["target"] for row in sample.raw] == labels.tolist() == sorted(labels)
    assert (labels[0], labels[-1]) == (25, 346)  # of all 442 rows


def test_a_rare_label_is_found_beyond_the_rows_that_are_analysed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dry_run, "_ANALYSED", 1)
    found = dry_run.transform_sample(TASK, TASK.prepare_data(tmp_path / "data"), tmp_path)
    assert (len(found.raw), found.analysed) == (100, 1)
    assert found.transformed[TASK.label][[0, -1], 0].tolist() == [25, 346]


def test_a_model_is_trained_exported_and_asked(sample: dry_run.Sample, tmp_path: Path) -> None:
    model = dry_run.train_sample(TASK, sample, tmp_path)
    dry_run.ask_signatures(sample, model)
    other = dataclasses.replace(sample, transformed={name: values + 1 for name, values in sample.transformed.items()})
    with pytest.raises(
        dry_run.DryRunError, match=r"transform_features, feature \w+: expected the same values as from the other path"
    ):
        dry_run.ask_signatures(other, model)


def test_a_model_that_answers_nan(sample: dry_run.Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def export_broken(model: keras.Model, fn_args: Any) -> None:
        output = keras.layers.Rescaling(float("nan"))(model.output)
        export_model(keras.Model(model.input, output), fn_args)

    monkeypatch.setattr(trainer, "export_model", export_broken)
    model = dry_run.train_sample(TASK, sample, tmp_path)
    with pytest.raises(dry_run.DryRunError, match="received NaN or infinity for 100 of 100 rows"):
        dry_run.ask_signatures(sample, model)


def test_the_command_stops_at_the_first_step_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = io.StringIO()
    task = dataclasses.replace(TASK, preprocessing_fn=lambda inputs: {"target": inputs["bm"]})
    monkeypatch.setattr(command, "load_task", lambda name: task)
    monkeypatch.setattr(run_log, "redirect_output", lambda log: said)
    assert execute(["check", "--task", "tests.tasks.diabetes", "--var", str(tmp_path)]) == 1
    lines = said.getvalue().splitlines()
    assert [line.split()[:2] for line in lines] == [
        ["task", "ok"],
        ["preprocessing", "failed"],
        ["log", str(tmp_path / "check.log")],
    ]
    assert "did you mean 'bmi'?" in lines[1]


def test_the_command_tells_of_each_step(
    sample: dry_run.Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = io.StringIO()
    monkeypatch.setattr(command, "transform_sample", lambda *given: sample)
    assert command.run("tests.tasks.diabetes", None, tmp_path, Console(file=said, width=200)) == 0
    steps = {line.split()[0]: re.split(r" s  ", line)[1] for line in said.getvalue().splitlines()}
    assert steps == {
        "task": "diabetes, a regression problem",
        "preprocessing": "11 features, the label among them, of 11 raw columns",
        "model": "cannot be built before rows are analysed",
        "transform": "442 rows analysed and transformed",
        "export": "trained for two steps on 100 rows, and exported",
        "signatures": "all three give the same answers for 100 rows",
    }
