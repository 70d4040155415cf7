import os
from pathlib import Path

import pytest

from pipelines.cli.app import execute
from serving.file_lock import exclusive


def replay(source: Path, var: Path) -> int:
    return execute(["replay", "--from", str(source), "--var", str(var)])


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "var" / "serving").mkdir(parents=True)
    assert replay(tmp_path, tmp_path / "var") == 1
    assert "expected an empty folder, or one of an earlier replay" in capsys.readouterr().err
    assert (tmp_path / "var" / "serving").is_dir()


def test_one_replay_at_a_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    var = tmp_path / "var"
    var.mkdir()
    with exclusive(var / ".replay", str(os.getpid())):
        (var / "summary.json").write_text("{}")
        assert replay(tmp_path, var) == 2
        assert (var / "summary.json").exists()
    assert f"another replay (process {os.getpid()}) uses {var}" in capsys.readouterr().err


@pytest.mark.slow
def test_too_few_spans_are_refused_before_anything_is_trained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, var = tmp_path / "spans", tmp_path / "var"
    source.mkdir()
    for quarter in range(1, 5):
        (source / f"trips-2013Q{quarter}.csv").write_text("fare\n1\n")
    var.mkdir()
    (var / ".replay").touch()
    (var / "old").mkdir()
    assert replay(source, var) == 1
    assert "expected more spans than those that train the first model (4), received 4" in capsys.readouterr().err
    assert sorted(path.name for path in var.iterdir()) == [".replay", "loop.log"]
    assert "ReplayError: " in (var / "loop.log").read_text()


@pytest.mark.slow
def test_a_task_that_is_not_of_two_classes_is_refused_before_anything_is_trained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, var = tmp_path / "spans", tmp_path / "var"
    source.mkdir()
    for quarter in range(1, 5):
        (source / f"rows-2013Q{quarter}.csv").write_text("bmi\n1\n")
    command = ["replay", "--task", "tests.tasks.diabetes", "--first", "2", "--from", str(source), "--var", str(var)]
    assert execute(command) == 1
    assert "tests.tasks.diabetes: expected a task of two classes" in capsys.readouterr().err
    assert sorted(path.name for path in var.iterdir()) == [".replay", "loop.log"]
