"""The command lines of tune and portfolio, before TFX is loaded."""

import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.runner.lock import lock_folder
from tests.runs.project import SOURCE


def started(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "pipelines", *arguments], cwd=SOURCE, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--seeds", "1"), "tune: error: seeds: expected 2 or more, received 1"),
        (("--trials", "0"), "tune: error: trials: expected 1 or more, received 0"),
        (("--minutes", "0"), "tune: error: minutes: expected more than 0, received 0.0"),
        (("--minutes", "soon"), "--minutes: expected a number, received 'soon'"),
        (("--task", "taxy"), "did you mean"),
    ],
)
def test_bad_usage(arguments: tuple[str, ...], message: str) -> None:
    ended = started("tune", *arguments)
    assert ended.returncode == 2
    assert message in ended.stderr


@pytest.mark.parametrize("command", ["tune", "portfolio"])
def test_a_folder_that_is_in_use(command: str, tmp_path: Path) -> None:
    with lock_folder(tmp_path):
        ended = started(command, "--var", str(tmp_path))
    assert ended.returncode == 2
    assert ended.stderr.startswith("error: another run (process ")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".lock"]


@pytest.mark.pipeline
@pytest.mark.parametrize("command", ["tune", "portfolio"])
def test_a_task_without_hyperparameters_has_nothing_to_search(command: str, tmp_path: Path) -> None:
    ended = started(command, "--task", "tests.tasks.diabetes", "--var", str(tmp_path))
    assert ended.returncode == 1
    assert "error: task diabetes does not say what to search: expected Task(tuning=...)" in ended.stdout
    (log,) = tmp_path.glob(f"{command}/*/run.log")
    assert f"log: {log}" in ended.stdout
    assert "Traceback" in log.read_text()
