"""Ctrl-C and `kill` in the middle of Trainer; a second run over the same folder; answers that need no TFX."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipelines.runner.lock import lock_folder
from tests.runs.project import DIABETES, Project, environment, files

pytestmark = [pytest.mark.pipeline, pytest.mark.one_stack]


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_run_stopped_in_trainer_leaves_a_clean_state(project: Project, name: str) -> None:
    before = files(project.var / "serving")
    project.edit("components/anomaly_gate/component.py")
    project.edit("tests/tasks/diabetes/trainer.py", "patience=10,", "patience=10**6,")  # It would train for hours.
    with project.started("--train-steps", "1000000") as process:
        _wait_for(project.var / "artifacts" / "diabetes" / "Trainer" / "model_run", "*/tensorboard/train/*", process)
        process.send_signal(signal.Signals[name])
        terminal, stderr = process.communicate(timeout=60)
    stopped = project.finished(process.returncode, terminal, stderr)

    assert stopped.status == 130, stopped.told()
    assert stopped.summary["status"] == "interrupted"
    assert stopped.ran == {"AnomalyGate"}
    assert "interrupted; what was finished is kept" in terminal
    assert "Trainer" not in stopped.states
    assert len(list((project.var / "artifacts" / "diabetes" / "Trainer" / "model_run").iterdir())) == 1
    assert files(project.var / "serving") == before
    assert not (project.var / "tmp").exists()

    project.edit("tests/tasks/diabetes/trainer.py", "patience=10**6,", "patience=10,")
    again = project.run()
    assert again.status == 0, again.told()
    assert again.ran == set()
    assert "cleared" not in again.terminal


@pytest.mark.parametrize("instead", ["return", "raise TypeError('cannot be converted')"])
def test_an_interruption_that_gets_lost_in_a_library_stops_the_run(project: Project, instead: str) -> None:
    entry = '    """Entry point of the Trainer."""\n'
    lost = (
        "    import signal\n"
        "    try:\n"
        "        signal.raise_signal(signal.SIGINT)\n"
        "    except KeyboardInterrupt:\n"
        f"        {instead}\n"
    )
    project.edit("tests/tasks/diabetes/trainer.py", entry, entry + lost)
    stopped = project.run()
    assert stopped.status == 130, stopped.told()
    assert stopped.summary["status"] == "interrupted"
    assert stopped.ran == set()
    assert "Evaluator" not in stopped.states


def test_a_folder_in_use_is_answered_at_once(project: Project) -> None:
    with lock_folder(project.var):
        loaded = _loaded_modules(project, "--task", DIABETES)
    assert loaded.returncode == 2
    assert loaded.stdout == ""
    message = (
        f"error: another run (process {os.getpid()}) is using {project.var}: "
        "wait for it, stop it, or give this run its own folder with --var"
    )
    assert message in loaded.stderr.splitlines()
    assert "tensorflow" not in loaded.stderr


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["--help"], 0, "Exit status: 0 a model that passed every gate is in place"),
        (["--task", "taxy"], 2, "unknown task 'taxy': did you mean 'taxi'?"),
        (["--task", "nothing.like.it"], 2, "unknown task 'nothing.like.it': expected one of taxi, or a dotted package"),
        (["--train-steps", "0"], 2, "expected a whole number of 1 or more, received '0'"),
        (["--train-steps", "many"], 2, "expected a whole number of 1 or more, received 'many'"),
        (["--distribute", "everywhere"], 2, "invalid choice: 'everywhere'"),
    ],
)
def test_the_command_line_answers_without_loading_tfx(
    project: Project, arguments: list[str], status: int, said: str
) -> None:
    answered = _loaded_modules(project, *arguments)
    assert answered.returncode == status
    assert said in answered.stdout + answered.stderr
    assert "tensorflow" not in answered.stderr
    assert "tfx" not in answered.stderr.replace("with TFX", "")


def test_help_names_every_option(project: Project) -> None:
    text = _loaded_modules(project, "--help").stdout
    for option in (
        "--task",
        "--data",
        "--var",
        "--train-steps",
        "--warm-start",
        "--force",
        "--verbose",
        "--distribute",
    ):
        assert f"\n  {option}" in text


def _loaded_modules(project: Project, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs the command line; its standard error also lists every module that Python imports."""
    command = [sys.executable, "-X", "importtime", "-m", "pipelines.runner", *arguments]
    return subprocess.run(command, cwd=project.root, env=environment(), capture_output=True, text=True, check=False)


def _wait_for(directory: Path, pattern: str, process: subprocess.Popen[str]) -> None:
    """Waits for a second folder below `directory` whose `pattern` is there: the one that the run writes."""
    while sum(1 for _ in directory.glob(pattern)) < 2:
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
