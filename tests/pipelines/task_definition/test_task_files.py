"""The files that say what a task trains."""

import dataclasses
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.task_definition.lookup import TaskError
from pipelines.task_definition.task import Task, load_task
from pipelines.task_definition.task_files import task_directory, task_file_digests
from tests.pipelines.review.small_task import FILES, NAME, small_task
from tests.tasks.diabetes.task import TASK


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    yield from small_task(tmp_path, monkeypatch)


@pytest.fixture
def task(package: Path) -> Task:
    return load_task(NAME)


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_every_file_of_the_package_and_the_contract(task: Task) -> None:
    assert task_file_digests(task) == {name: sha256(text) for name, text in FILES.items()} | {
        "contract.pbtxt": sha256("feature {}\n")
    }


@pytest.mark.parametrize("name", ["layers/cross.py", "model_card.md", "hyperparameters.toml"])
def test_a_file_more_is_part_of_it(task: Task, package: Path, name: str) -> None:
    before = task_file_digests(task)
    (package / name).parent.mkdir(exist_ok=True)
    (package / name).write_text("a = 1\n")
    assert task_file_digests(task) == before | {name: sha256("a = 1\n")}


@pytest.mark.parametrize(
    "name", ["review.toml", "retraining.toml", "notes.txt", "__pycache__/preprocessing.pyc", "review.toml.tmp"]
)
def test_the_review_and_what_is_no_source_are_not(task: Task, package: Path, name: str) -> None:
    before = task_file_digests(task)
    (package / name).parent.mkdir(exist_ok=True)
    (package / name).write_text("a = 1\n")
    assert task_file_digests(task) == before


@pytest.mark.parametrize("name", ["scoping.toml", "preprocessing.py", "../contract.pbtxt"])
def test_an_edit_changes_one_digest(task: Task, package: Path, name: str) -> None:
    before = task_file_digests(task)
    (package / name).write_text((package / name).read_text() + "\n")
    after = task_file_digests(task)
    assert [name for name in before if before[name] != after[name]] == [Path(name).name]


def test_the_rooms_of_real_tasks() -> None:
    assert task_directory(TASK) == Path(__file__).parents[2] / "tasks" / "diabetes"
    assert set(task_file_digests(TASK)) == {
        path.name for path in task_directory(TASK).iterdir() if path.suffix in (".py", ".pbtxt")
    }
    assert {"model.py", "scoping.toml", "hyperparameters.toml", "model_card.md", "taxi.pbtxt"} <= set(
        task_file_digests(load_task("taxi"))
    )


def test_a_function_from_nowhere() -> None:
    task = dataclasses.replace(TASK, preprocessing_fn=len)
    with pytest.raises(TaskError) as error:
        task_directory(task)
    assert str(error.value) == (
        "task diabetes: expected a preprocessing_fn from a module that is a file, received one from builtins; "
        "move it into the task's package"
    )
