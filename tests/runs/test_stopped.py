"""Ctrl-C and `kill` in the middle of Trainer; a second run over the same folder; answers that need no TFX."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

from pipelines.runner.lock import lock_folder
from tests.runs.in_process import run_here
from tests.runs.project import COMMAND, DIABETES, SOURCE, Project, environment, files, finished

pytestmark = [pytest.mark.pipeline, pytest.mark.one_stack]


def _raise_another() -> NoReturn:
    raise TypeError("cannot be converted")


def test_a_run_stopped_in_trainer_leaves_a_clean_state(project: Project) -> None:
    before = files(project.var / "serving")
    project.edit("tests/tasks/diabetes/trainer.py", "patience=10,", "patience=10**6,")  # It would train for hours.
    with project.started("--train-steps", "1000000") as process:
        _wait_for(project.var / "artifacts" / "diabetes" / "Trainer" / "model_run", "*/tensorboard/train/*", process)
        process.send_signal(signal.SIGINT)
        terminal, stderr = process.communicate(timeout=60)
    stopped = finished(project.root, process.returncode, terminal, stderr)

    assert stopped.status == 130, stopped.told()
    assert stopped.summary["status"] == "interrupted"
    assert stopped.ran == set()
    assert "interrupted; finished nodes are kept" in terminal
    assert "Trainer" not in stopped.states
    assert len(list((project.var / "artifacts" / "diabetes" / "Trainer" / "model_run").iterdir())) == 1
    assert files(project.var / "serving") == before
    assert not (project.var / "tmp").exists()

    again = run_here(project.var)  # the code as it was, patience included
    assert again.status == 0, again.told()
    assert again.ran == set()
    assert "cleared" not in again.terminal


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
@pytest.mark.parametrize("lost", [None, lambda: None, _raise_another], ids=["raised", "swallowed", "another error"])
def test_a_signal_stops_the_run_and_what_was_finished_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, lost: Callable[[], None] | None
) -> None:
    """Also where a library takes the KeyboardInterrupt for something else, as TensorFlow's C++ does."""

    def interrupted(*_: object) -> None:
        try:
            signal.raise_signal(signal.Signals[name])
        except KeyboardInterrupt:
            if lost is None:
                raise
            lost()

    with monkeypatch.context() as patch:
        patch.setattr("tfx.components.schema_gen.import_schema_gen.executor.Executor.Do", interrupted)
        stopped = run_here(tmp_path, upto="ImportSchemaGen")
    assert stopped.status == 130, stopped.told()
    assert stopped.summary["status"] == "interrupted"
    assert stopped.summary["error"] == "interrupted; finished nodes are kept"
    assert stopped.states == {"ExampleGen": "ran"}
    assert not (tmp_path / "tmp").exists()

    if lost is None:
        again = run_here(tmp_path, upto="ImportSchemaGen")
        assert again.states == {"ExampleGen": "cached", "ImportSchemaGen": "ran"}
        assert "cleared" not in again.terminal


def test_a_folder_in_use_is_answered_at_once(tmp_path: Path) -> None:
    with lock_folder(tmp_path):
        loaded = _loaded_modules(tmp_path, "--task", DIABETES, "--var", str(tmp_path))
    assert loaded.returncode == 2
    assert loaded.stdout == ""
    message = (
        f"error: another run (process {os.getpid()}) is using {tmp_path}: "
        "wait for it, stop it, or give this run its own folder with --var"
    )
    assert message in loaded.stderr.splitlines()
    assert "tensorflow" not in loaded.stderr


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["--help"], 0, "Exit status: 0 a model that passed every gate is pushed"),
        (["--task", "taxy"], 2, "unknown task 'taxy': did you mean 'taxi'?"),
        (["--task", "nothing.like.it"], 2, "unknown task 'nothing.like.it': expected one of taxi, or a dotted package"),
        (["--train-steps", "0"], 2, "train steps: expected 1 or more, received 0"),
        (["--train-steps", "many"], 2, "--train-steps: expected a whole number, received 'many'"),
        (["--distribute", "everywhere"], 2, 'Choose from: "auto", "none", "mirrored"'),
    ],
)
def test_the_command_line_answers_without_loading_tfx(
    tmp_path: Path, arguments: list[str], status: int, said: str
) -> None:
    answered = _loaded_modules(tmp_path, *arguments)
    assert answered.returncode == status
    assert said in answered.stdout + answered.stderr
    assert "tensorflow" not in answered.stderr
    assert "tfx" not in answered.stderr.replace("with TFX", "")


def _loaded_modules(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs the command line in a folder; its standard error also lists every module that Python imports."""
    command = [sys.executable, "-X", "importtime", *COMMAND, *arguments]
    found_from = environment(PYTHONPATH=str(SOURCE))
    return subprocess.run(command, cwd=folder, env=found_from, capture_output=True, text=True, check=False)


def _wait_for(directory: Path, pattern: str, process: subprocess.Popen[str]) -> None:
    """Waits for a second folder below `directory` whose `pattern` is there: the one that the run writes."""
    while sum(1 for _ in directory.glob(pattern)) < 2:
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
