"""Executes docs/how-to/add-a-feature.md: applies each change to a copy of a task, and checks it."""

import importlib
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import tensorflow as tf

from pipelines.scaffold.new_task import new_task
from pipelines.task_check.model_trial import try_model
from pipelines.task_check.preprocessing import check_preprocessing
from pipelines.task_definition.task import Task, load_task
from tests.pipelines.scaffold import data_sets

ROOT = Path(__file__).resolve().parents[1]
TAXI = "pipelines/tasks/taxi"
SECTIONS = {
    title: re.findall(r"```diff\n(.*?)```", text, re.DOTALL)
    for title, text in re.findall(
        r"^## (.+?)\n(.*?)(?=^## |\Z)", (ROOT / "docs/how-to/add-a-feature.md").read_text(), re.DOTALL | re.MULTILINE
    )
}
Walk = Callable[[str], Task]


@pytest.fixture
def walk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Walk]:
    """Applies the changes of a section to a copy of the task, which is a package of its own, and loads that."""
    package = f"walked_{tmp_path.name.strip('_0123456789')}"

    def walked(title: str) -> Task:
        folder = tmp_path / package / "taxi"
        shutil.copytree(ROOT / TAXI, folder, ignore=shutil.ignore_patterns("__pycache__"))
        for diff in SECTIONS[title]:
            apply(diff, folder)
        for file in folder.rglob("*.py"):
            file.write_text(file.read_text().replace("pipelines.tasks.taxi", f"{package}.taxi"))
        monkeypatch.syspath_prepend(tmp_path)
        return load_task(f"{package}.taxi")

    yield walked
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        del sys.modules[name]


def apply(diff: str, folder: Path) -> None:
    """Applies a change, whose hunks have no line numbers: each has to fit in one place."""
    name = re.search(r"^(?:---|\+\+\+) [ab]/pipelines/tasks/\w+/(\S+)$", diff, re.MULTILINE)
    assert name is not None, diff
    file = folder / name[1]
    text = file.read_text() if file.exists() else ""
    for hunk in diff.split("@@\n")[1:]:
        lines = hunk.splitlines(keepends=True)
        before = "".join(line[1:] or "\n" for line in lines if line[0] != "+")
        after = "".join(line[1:] or "\n" for line in lines if line[0] != "-")
        if before.rstrip("\n").count("\n") == 0 and lines[0][0] == "-":  # The rest of its line is a comment.
            before, after = before.rstrip("\n"), after.rstrip("\n")
        assert text.count(before) == 1 or not text, (
            f"{file}: expected once, found {text.count(before)} times:\n{before}"
        )
        text = text.replace(before, after) if text else after
    file.write_text(text)


def package_of(task: Task) -> str:
    return task.preprocessing_fn.__module__.rpartition(".")[0]


def test_a_feature(walk: Walk) -> None:
    task = walk("A feature")
    checked = check_preprocessing(task)
    assert checked.outputs["dollars_per_mile"].dtype == tf.float32
    assert task.feature_columns["dollars_per_mile"] == ("fare", "trip_miles")
    features = importlib.import_module(f"{package_of(task)}.features")
    assert features._dollars_per_mile(tf.constant([9.0, 9.0]), tf.constant([2.0, 0.0])).numpy().tolist() == [4.5, 0]


@pytest.fixture
def new_iris(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A package with the iris task that new-task writes, and its data module."""
    project, package = tmp_path / "project", "walked_new_task"
    for folder in ("data/schema", "pipelines/tasks/taxi", "serving/gateway", "tests/pipelines/tasks"):
        (project / folder).mkdir(parents=True)
    shutil.copy(ROOT / "pyproject.toml", project)
    new_task(project, "iris", data_sets.iris(tmp_path / "iris.csv"), "species")
    shutil.copytree(project / "data", tmp_path / package / "data")
    shutil.copytree(project / "pipelines" / "tasks" / "iris", tmp_path / package / "iris")
    monkeypatch.syspath_prepend(tmp_path)
    yield package
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        del sys.modules[name]


def test_a_feature_of_a_new_task(new_iris: str, tmp_path: Path) -> None:
    folder = tmp_path / new_iris / "iris"
    for diff in SECTIONS["A feature of a new task"]:
        apply(diff, folder)
    for file in folder.glob("*.py"):
        text = file.read_text().replace("pipelines.tasks.iris", f"{new_iris}.iris")
        file.write_text(text.replace("from data import iris", f"from {new_iris}.data import iris"))
    task = load_task(f"{new_iris}.iris")
    checked = check_preprocessing(task)
    assert checked.outputs["numbers"].shape.as_list() == [None, 5]
    assert task.feature_parts["numbers"][-1] == "petal_area"
    assert task.feature_columns["petal_area"] == ("petal_length_cm", "petal_width_cm")
    preprocessing = importlib.import_module(f"{new_iris}.iris.preprocessing")
    features = importlib.import_module(f"{new_iris}.iris.features")
    row = {"petal_length_cm": tf.constant([[1.5]]), "petal_width_cm": tf.constant([[2.0]])}
    assert preprocessing._number(row, features.FEATURES[-1]).numpy().tolist() == [[3.0]]


def test_a_kind(walk: Walk) -> None:
    task = walk("A kind of feature")
    assert check_preprocessing(task).outputs["fare_is_whole"].dtype == tf.int64
    package = package_of(task)
    columns = importlib.import_module(f"{package}.columns").Columns
    whole = importlib.import_module(f"{package}.kinds.whole").Whole(name="whole", source="tolls")
    tolls = tf.SparseTensor([[0, 0], [1, 0]], [3.0, 3.5], [3, 1])
    assert whole.compute([whole], columns({"tolls": tolls}), {})["whole"].numpy().tolist() == [[1], [0], [2]]


@pytest.mark.slow
def test_an_architecture(walk: Walk) -> None:
    task = walk("An architecture")
    assert task.tuning is not None
    assert task.tuning.architectures[-2:] == ("factorised", "trees")
    model = try_model(task, check_preprocessing(task))
    assert model is not None
    assert {"factors/embeddings", "wide/embeddings"} <= {weight.path for weight in model.weights}


def test_what_the_page_shows_is_all_that_is_written() -> None:
    assert {title: len(diffs) for title, diffs in SECTIONS.items() if diffs} == {
        "A feature": 1,
        "A feature of a new task": 3,
        "A kind of feature": 2,
        "An architecture": 2,
    }
