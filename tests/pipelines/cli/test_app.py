"""The one command: its help, its exit statuses, and that it starts without what is heavy."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.cli.app import execute

ROOT = Path(__file__).resolve().parents[3]
COMMANDS = (
    "run", "node", "submit", "compile", "ingest", "predict", "monitor", "production-metrics", "continuous", "status",
    "check", "replay", "tune", "portfolio", "report", "leaderboard", "tensorboard", "review", "new-task", "data-pin",
    "data-restore", "gc", "disk", "runs", "doctor", "completion",
)  # fmt: skip
HEAVY = {"absl", "docker", "jinja2", "keras", "kfp", "numpy", "pandas", "tensorflow", "tfx"}


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["--help"]) == 0
    said = capsys.readouterr().out
    assert re.findall(r"^│ ([a-z][a-z-]+) ", said, flags=re.MULTILINE) == list(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_examples_that_fit_a_terminal(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute([command, "--help"]) == 0
    said = capsys.readouterr().out
    examples = said.partition("\nExamples:\n")[2].partition("\n\n")[0].splitlines()
    assert examples
    assert all(line.startswith("  ") for line in examples)  # None is wrapped.


def test_help_says_what_an_option_is_without_a_value(capsys: pytest.CaptureFixture[str]) -> None:
    execute(["run", "--help"])
    said = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert "--task STR A folder below pipelines/tasks/, or a dotted package. [default: taxi]" in said
    assert "--trials INT Sets of hyperparameters at most. [default: 30]" in said
    assert "--force Ignore the cache: run every node. --verbose" in said  # A flag has no default to tell.
    assert "--no-force" not in said


@pytest.mark.parametrize("arguments", [[], ["runs"]])
def test_no_command_is_bad_usage_that_shows_the_help(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(arguments) == 2
    assert "Commands" in capsys.readouterr().out


def test_a_misspelt_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["rum"]) == 2
    said = capsys.readouterr().err
    assert 'error: Unknown command "rum". Did you mean "run"?' in said


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_of_the_console_script(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert "tfx-pipeline" in script
    if shell == "bash":
        subprocess.run(["bash", "-n"], input=script, text=True, check=True)


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["run", "--help"],
        ["node", "--help"],
        ["compile", "kubeflow", "--help"],
        ["runs", "show", "--help"],
        ["run", "--task", "taxy"],
        ["review"],
    ],
)
def test_nothing_heavy_is_loaded_for_help_and_bad_usage(arguments: list[str]) -> None:
    command = [sys.executable, "-X", "importtime", "-m", "pipelines", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == (0 if "--help" in arguments else 2)
    loaded = set(re.findall(r"^import time: .*\| +(\w+)", done.stderr, flags=re.MULTILINE))
    assert {"cyclopts", "pipelines"} <= loaded
    assert loaded & HEAVY == set()


def test_runs_below_var_without_any_option(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for words in (["list"], ["show"], ["diff", "a", "b"], ["lineage"], ["lineage", "--data", "rows.csv"]):
        assert execute(["runs", *words]) == 1
        assert capsys.readouterr().err.startswith("error: no ")


@pytest.mark.slow
def test_the_status_of_a_command_is_the_process_status(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pipelines", "runs", "list", "--var", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"error: no runs below {tmp_path / 'runs'}: run `make run-local`, or name --var")
