"""A copy of this project with a var folder of its own, and the command line that runs in it."""

import contextlib
import dataclasses
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.console import recipe

SOURCE = Path(__file__).resolve().parents[2]
COMMAND = ("-m", "pipelines", "run")  # what Python starts: the command line
DIABETES = "tests.tasks.diabetes"
NODES = (
    "ExampleGen",
    "ImportSchemaGen",
    "StatisticsGen",
    "AcceptedStatisticsResolver",
    "ExampleValidator",
    "SchemaGen",
    "AnomalyGate",
    "Transform",
    "Trainer",
    "BlessedModelResolver",
    "SkewGate",
    "Evaluator",
    "Pusher",
)
# The taxi task's hyperparameters are a file, and its scoping agrees on a comparison with what was pushed before.
TAXI_NODES = (NODES[0], "ImportHyperparameters", *NODES[1:-2], "BetterGate", *NODES[-2:])
RESOLVERS = frozenset({"AcceptedStatisticsResolver", "BlessedModelResolver", "WarmStartResolver"})
_LEFT_OUT = shutil.ignore_patterns(".git", ".venv*", ".uv", "var", "__pycache__", ".*_cache")
_CHANGES_OUTPUT = ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "PYTHONPATH")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Finished:
    """A run that has ended."""

    status: int
    terminal: str  # what it wrote to standard output
    stderr: str
    summary: dict[str, Any]  # of this run; empty when it left none

    @property
    def states(self) -> dict[str, str]:
        """Node -> "ran", "cached", "failed" or "skipped"."""
        return {node["id"]: node["state"] for node in self.summary["nodes"]}

    @property
    def cached(self) -> set[str]:
        """The nodes that were taken from the cache."""
        return {node for node, state in self.states.items() if state == "cached"}

    @property
    def ran(self) -> set[str]:
        """The nodes that ran, but for resolvers, which look anew each time."""
        return {node for node, state in self.states.items() if state == "ran"} - RESOLVERS

    def told(self) -> str:
        """All that a test's message should show."""
        return f"exit status {self.status}\n{self.terminal}\n{self.stderr}"


@dataclasses.dataclass(frozen=True)
class Project:
    """One copy. Its var folder lies where the command line puts it by default."""

    root: Path
    _originals: dict[Path, tuple[bytes, os.stat_result] | None] = dataclasses.field(
        default_factory=dict
    )  # see remember

    @property
    def var(self) -> Path:
        """Where the runs write."""
        return self.root / "var"

    @classmethod
    def copy(cls, root: Path) -> "Project":
        """Copies this project to `root`, without what runs and tools left."""
        shutil.copytree(SOURCE, root, ignore=_LEFT_OUT, symlinks=True)
        return cls(root)

    def save(self, directory: Path) -> None:
        """Copies var to `directory`, as `restore` wants it."""
        shutil.copytree(self.var, directory, symlinks=True)

    def restore(self, directory: Path) -> None:
        """Undoes every edit, and puts back the var that was saved: to the same path, which ML Metadata holds."""
        self.undo()
        shutil.rmtree(self.var)
        shutil.copytree(directory, self.var, symlinks=True)

    def remember(self, *paths: str) -> None:
        """Has files as they are now put back by `undo`, and what is not there yet removed."""
        for file in (self.root / path for path in paths):
            self._originals.setdefault(file, (file.read_bytes(), file.stat()) if file.exists() else None)

    def edit(self, path: str, old: str = "", new: str = "\n# Edited.\n") -> None:
        """Replaces the one `old` in a file; without one, appends a comment."""
        self.remember(path)
        file = self.root / path
        text = file.read_text()
        assert not old or text.count(old) == 1, f"{path}: expected {old!r} once, found it {text.count(old)} times"
        file.write_text(text.replace(old, new) if old else text + new)

    def undo(self) -> None:
        """Undoes every edit, modification times included: compiled bytecode goes by them."""
        for path, original in self._originals.items():
            if original is not None:
                content, status = original
                path.write_bytes(content)
                os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
            elif path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        self._originals.clear()

    def run(self, *options: str, task: str = DIABETES, module: Sequence[str] = COMMAND) -> Finished:
        """Runs the command line to its end.

        Args:
            *options: of the command line, after `--task`.
            task: the task.
            module: what Python starts, with what comes before the options.
        """
        with self.started(*options, task=task, module=module) as process:
            terminal, stderr = process.communicate()
        return finished(self.root, process.returncode, terminal, stderr)

    def make(self, *words: str) -> Finished:
        """Runs what `make` with these words would run, a target that runs a pipeline, to its end."""
        script = ["bash", "-c", recipe(words)]
        ended = subprocess.run(script, cwd=self.root, env=environment(), capture_output=True, text=True, check=False)
        return finished(self.root, ended.returncode, ended.stdout, ended.stderr)

    def run_until(self, node: str, *options: str, task: str = DIABETES) -> Finished:
        """Runs until `node` has ended, then stops the run as `kill` does: the rest is not what the test is about."""
        with self.started(*options, task=task) as process:
            assert process.stdout is not None
            lines = []
            for line in process.stdout:
                lines.append(line)
                if line.startswith(f"{node} "):
                    break
            process.send_signal(signal.SIGTERM)
            terminal, stderr = process.communicate()
        return finished(self.root, process.returncode, "".join(lines) + terminal, stderr)

    @contextlib.contextmanager
    def started(
        self, *options: str, task: str = DIABETES, module: Sequence[str] = COMMAND
    ) -> Iterator[subprocess.Popen[str]]:
        """The command line, running; killed when the test is done with it."""
        command = [sys.executable, *module, "--task", task, *options]
        process = subprocess.Popen(
            command, cwd=self.root, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        with process:
            try:
                yield process
            finally:
                process.kill()

    def versions(self, task: str = "diabetes") -> list[str]:
        """What lies in the serving folder, whatever it is called."""
        serving = self.var / "serving" / task
        return sorted(path.name for path in serving.iterdir()) if serving.is_dir() else []


def finished(root: Path, status: int, terminal: str, stderr: str) -> Finished:
    """What a run in `root` said, with the summary that it names."""
    found = re.search(r"^record +(\S+)$", terminal, re.MULTILINE)
    record = root / found[1] if found else None
    summary = json.loads(record.read_text()) if record and record.exists() else {}
    return Finished(status=status, terminal=terminal, stderr=stderr, summary=summary)


def environment(**more: str) -> dict[str, str]:
    """The environment of a run: this one, without what changes how output looks."""
    return {name: value for name, value in os.environ.items() if name not in _CHANGES_OUTPUT} | more


def files(directory: Path) -> dict[str, bytes]:
    """Relative path -> content, of every file below a folder."""
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}
