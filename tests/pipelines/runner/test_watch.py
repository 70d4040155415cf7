"""Watching: what counts as saved, what runs then, and that it is the edited code."""

import subprocess
import sys
import types
from pathlib import Path

import pytest
import rich

from pipelines.options import RunOptions
from pipelines.runner import watch
from pipelines.runner.watch import Files, forget_modules, look, run_when_saved


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[Files]:
    """What is seen at each look, from the last on; looking once more ends the watch, as Ctrl-C does."""
    monkeypatch.setattr(watch, "_SECONDS", 0)
    return []


def run_with(looks: list[Files]) -> tuple[int, list[Files]]:
    """Watches until there is nothing more to see; returns how often it ran."""
    runs: list[int] = []

    def look_at_files() -> Files:
        if not looks:
            raise KeyboardInterrupt
        return looks.pop(0)

    with pytest.raises(KeyboardInterrupt):
        run_when_saved(look_at_files, lambda: runs.append(1))
    return len(runs), looks


OLD, NEW, NEWER = ({Path("model.py"): (time, 10)} for time in (1, 2, 3))


def test_it_runs_at_once_and_then_only_when_something_was_saved(
    looks: list[Files], capsys: pytest.CaptureFixture[str]
) -> None:
    looks += [OLD, OLD, OLD, OLD]
    assert run_with(looks)[0] == 1
    assert "saved:" not in capsys.readouterr().out


def test_a_save_runs_it_again_once_the_files_rest(looks: list[Files], capsys: pytest.CaptureFixture[str]) -> None:
    looks += [OLD, OLD, NEW, NEWER, NEWER, NEWER, NEWER]
    assert run_with(looks)[0] == 2
    assert "saved: model.py\n" in capsys.readouterr().out


def test_a_save_while_it_runs_is_not_missed(looks: list[Files]) -> None:
    """The first look of each run is before it."""
    looks += [OLD, NEW, NEW, NEW]
    assert run_with(looks)[0] == 2


def test_only_code_settings_and_contracts_count_in_the_project_and_everything_in_the_data(tmp_path: Path) -> None:
    for name in ("code/task/model.py", "code/notes.txt", "code/x.toml", "rows/a.csv", "b.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("1")
    code, rows = [tmp_path / "code"], tmp_path / "rows"
    seen = look(code, rows)
    assert {path.name for path in seen} == {"model.py", "x.toml", "a.csv"}
    assert {path.name for path in look(code, tmp_path / "b.csv")} == {"model.py", "x.toml", "b.csv"}
    assert {path.name for path in look(code, tmp_path / "gone.csv")} == {"model.py", "x.toml"}
    assert look(code, None) == {path: value for path, value in seen.items() if path.name != "a.csv"}
    (rows / "a.csv").write_text("12")
    assert look(code, rows) != seen


def test_every_library_is_there() -> None:
    """Found as files: importing them takes seconds."""
    installed = Path(rich.__file__).parents[1]
    for name in watch._LIBRARIES:
        path = installed.joinpath(*name.split("."))
        assert path.with_suffix(".py").is_file() or (path / "__init__.py").is_file(), name


def test_a_process_that_computed_with_tensorflow_watches_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(watch, "_LIBRARIES", ())
    monkeypatch.setattr(watch, "has_computed", lambda: True)
    monkeypatch.setattr(watch, "run_when_saved", None)
    assert watch.watch(RunOptions()) == 1
    assert capsys.readouterr().err.startswith("error: cannot watch: pipelines/tasks/taxi/__init__.py, one above it,")


def test_edited_code_is_what_a_fork_runs(tmp_path: Path) -> None:
    """In a process of its own: one that ran other tests may have threads that no fork survives."""
    (tmp_path / "watched_module.py").write_text("VALUE = 1")
    run = subprocess.run(
        [sys.executable, "-c", _EDIT_AND_FORK, str(tmp_path)], capture_output=True, text=True, timeout=60
    )
    assert (run.returncode, run.stdout) == (0, "edited, numpy as it was, 1 in the process above\n"), run.stderr


_EDIT_AND_FORK = """
import importlib, pathlib, sys

import numpy

from pipelines.runner.node_process import Fork
from pipelines.runner.watch import forget_modules

folder = pathlib.Path(sys.argv[1])
sys.path.insert(0, str(folder))
import watched_module

(folder / "watched_module.py").write_text("VALUE = 'edited'")


def read():
    forget_modules(folder)
    return importlib.import_module("watched_module").VALUE, sys.modules["numpy"] is numpy


fork = Fork(read)
fork.start()
value, same = fork.result()
print(value, "numpy as it was" if same else "numpy anew", f"{watched_module.VALUE} in the process above", sep=", ")
"""


def test_no_lazy_module_is_loaded_by_looking_for_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Lazy(types.ModuleType):
        """As TensorFlow's and importlib's: any attribute loads the library."""

        def __getattribute__(self, name: str) -> object:
            raise AssertionError(name)

    monkeypatch.setitem(sys.modules, "lazy_module", Lazy("lazy_module"))
    monkeypatch.setitem(sys.modules, "no_module", object())  # type: ignore[arg-type]  # sys.modules takes any object
    kept = set(sys.modules)
    forget_modules(tmp_path)
    assert set(sys.modules) == kept
