"""The files of a task are all there or none, and nothing is ever written over."""

import tomllib
from pathlib import Path

import pytest

from pipelines.scaffold import placing
from pipelines.scaffold.errors import ScaffoldError
from pipelines.scaffold.placing import place_files
from tests.runs.project import files

ROOT = Path(__file__).resolve().parents[3]
NEW = {
    "data/churn.py": b"ROWS = 'churn.csv'\n",
    "data/churn/churn.csv": b"a,b\n",
    "pipelines/tasks/churn/__init__.py": b"",
    "pipelines/tasks/churn/task.py": b"import sys\nimport os\n\nTASK = (os,\n  sys)\n",
    "tests/pipelines/tasks/churn/__init__.py": b"",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with its folders and this project's pyproject.toml, nothing else."""
    for folder in ("data/schema", "pipelines/tasks/taxi", "tests/pipelines/tasks"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    return tmp_path


def protected(project: Path) -> list[str]:
    """The modules that only a task itself may import."""
    contracts = tomllib.loads((project / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    named = "nothing imports a task"
    return next(contract["protected_modules"] for contract in contracts if contract["name"].startswith(named))


def test_the_committed_pyproject_has_the_contract_that_names_tasks() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (found,) = (contract for contract in contracts if contract["name"].startswith(placing._CONTRACT))
    assert "pipelines.tasks.taxi" in found["protected_modules"]


def test_all_files_formatted_and_the_task_named(project: Path) -> None:
    before = protected(project)
    moved = place_files(project, NEW, "pipelines.tasks.churn")
    assert moved == [
        "data/churn",
        "data/churn.py",
        "tests/pipelines/tasks/churn",
        "pipelines/tasks/churn",  # after every other new path
        "pyproject.toml",
    ]
    found = files(project)
    assert found.keys() == NEW.keys() | {"pyproject.toml"}
    assert found["data/churn.py"] == b'ROWS = "churn.csv"\n'
    assert found["pipelines/tasks/churn/task.py"] == b"import os\nimport sys\n\nTASK = (os, sys)\n"
    assert protected(project) == [*before, "pipelines.tasks.churn"]


def test_pyproject_is_else_as_it_was(project: Path) -> None:
    before = (project / "pyproject.toml").read_text().splitlines()
    place_files(project, NEW, "pipelines.tasks.churn")
    after = (project / "pyproject.toml").read_text().splitlines()
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert len(changed) == 1
    assert changed[0][1] == changed[0][0].replace("]", ', "pipelines.tasks.churn"]')


@pytest.mark.parametrize("number", range(4))
def test_a_failed_move_takes_all_others_back(project: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    before = files(project)
    real, calls = placing._move, []

    def failing(source: Path, target: Path) -> None:
        calls.append(target)
        if len(calls) > number:
            raise OSError(28, "No space left on device")
        real(source, target)

    monkeypatch.setattr(placing, "_move", failing)
    with pytest.raises(OSError, match="No space left"):
        place_files(project, NEW, "pipelines.tasks.churn")
    assert files(project) == before
    assert sorted(path.name for path in project.iterdir()) == ["data", "pipelines", "pyproject.toml", "tests"]


def test_ctrl_c_at_the_last_step_takes_everything_back(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = files(project)

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(placing.os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        place_files(project, NEW, "pipelines.tasks.churn")
    assert files(project) == before


def test_what_is_there_stays(project: Path) -> None:
    (project / "data" / "churn.py").write_text("mine\n")
    with pytest.raises(ScaffoldError, match=r"data/churn.py: already exists, and new-task overwrites nothing"):
        place_files(project, NEW, "pipelines.tasks.churn")
    assert (project / "data" / "churn.py").read_text() == "mine\n"
    assert not (project / "pipelines" / "churn").exists()
    assert not (project / "data" / "churn").exists()


def test_code_that_does_not_parse_is_not_placed(project: Path) -> None:
    before = files(project)
    with pytest.raises(ScaffoldError, match=r"^ruff (check|format) failed on the new files: .*task.py"):
        place_files(project, {**NEW, "pipelines/tasks/churn/task.py": b"def (\n"}, "pipelines.tasks.churn")
    assert files(project) == before


def test_a_pyproject_that_names_no_tasks(project: Path) -> None:
    text = (project / "pyproject.toml").read_text()
    (project / "pyproject.toml").write_text(text.replace("nothing imports a task", "no one imports a task"))
    before = files(project)
    expected = (
        r"^pyproject.toml: expected one import contract whose name begins with 'nothing imports a task', received 0.* "
        r"Restore the file: git checkout pyproject\.toml$"
    )
    with pytest.raises(ScaffoldError, match=expected):
        place_files(project, NEW, "pipelines.tasks.churn")
    assert files(project) == before
