"""The files that say what a task trains."""

import dataclasses
import hashlib
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.room import room_digests, room_directory
from pipelines.task import Task
from pipelines.task_names import TaskError
from tests.tasks.diabetes.task import TASK


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A task's package somewhere else, with its contract beside it."""
    package = tmp_path / "room_of_a_test" / "ours"
    package.mkdir(parents=True)
    (package / "preprocessing.py").write_text("def preprocessing_fn(inputs):\n    return inputs\n")
    (package / "scoping.toml").write_text("[problem]\n")
    (tmp_path / "contract.pbtxt").write_text("feature {}\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield package
    for name in [name for name in sys.modules if name.partition(".")[0] == "room_of_a_test"]:
        del sys.modules[name]


@pytest.fixture
def task(package: Path, tmp_path: Path) -> Task:
    module = importlib.import_module("room_of_a_test.ours.preprocessing")
    return dataclasses.replace(
        TASK, preprocessing_fn=module.preprocessing_fn, contract=tmp_path / "contract.pbtxt", scoping=None
    )


def test_every_file_of_the_package_and_the_contract(task: Task) -> None:
    assert room_digests(task) == {
        "contract.pbtxt": hashlib.sha256(b"feature {}\n").hexdigest(),
        "preprocessing.py": hashlib.sha256(b"def preprocessing_fn(inputs):\n    return inputs\n").hexdigest(),
        "scoping.toml": hashlib.sha256(b"[problem]\n").hexdigest(),
    }


@pytest.mark.parametrize("name", ["layers/cross.py", "model_card.md", "hyperparameters.toml"])
def test_a_file_more_is_part_of_it(task: Task, package: Path, name: str) -> None:
    before = room_digests(task)
    (package / name).parent.mkdir(exist_ok=True)
    (package / name).write_text("a = 1\n")
    assert room_digests(task) == before | {name: hashlib.sha256(b"a = 1\n").hexdigest()}


@pytest.mark.parametrize("name", ["review.toml", "notes.txt", "__pycache__/preprocessing.pyc", "review.toml.tmp"])
def test_the_review_and_what_is_no_source_are_not(task: Task, package: Path, name: str) -> None:
    before = room_digests(task)
    (package / name).parent.mkdir(exist_ok=True)
    (package / name).write_text("a = 1\n")
    assert room_digests(task) == before


def test_an_edit_changes_one_digest(task: Task, package: Path) -> None:
    before = room_digests(task)
    (package / "scoping.toml").write_text("[problem]\n\n")
    after = room_digests(task)
    assert [name for name in before if before[name] != after[name]] == ["scoping.toml"]


def test_the_rooms_of_real_tasks() -> None:
    assert room_directory(TASK) == Path(__file__).parents[1] / "tasks" / "diabetes"
    assert set(room_digests(TASK)) == {
        path.name for path in room_directory(TASK).iterdir() if path.suffix in (".py", ".pbtxt")
    }


def test_a_function_from_nowhere() -> None:
    task = dataclasses.replace(TASK, preprocessing_fn=len)
    with pytest.raises(TaskError) as error:
        room_directory(task)
    assert str(error.value) == (
        "task diabetes: expected a preprocessing_fn from a module that is a file, received one from builtins; "
        "move it into the task's package"
    )
