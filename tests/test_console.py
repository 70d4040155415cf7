"""What the replay of a transcript notices."""

import subprocess
import sys
from pathlib import Path
from unittest import mock

import pytest

from tests.console import difference, replay, steps
from tests.fork_server import ForkServer

PAGE = """
```console
$ make a B='c d'
one
…
two

$ echo 3
3
```
Words, and `code`.
```
$ no transcript
```
```console
$ last
```
"""


def test_the_steps_of_a_page(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE)
    assert list(steps(page)) == [("make a B='c d'", ["one", "…", "two"]), ("echo 3", ["3"]), ("last", [])]


@pytest.mark.parametrize(
    ("said", "shown", "found"),
    [
        (["a 1.5 s", "b"], ["a    2.5 s", "b"], None),
        (["a", "b", "c"], ["…", "b", "…"], None),
        (["a", "b", "c"], ["a", "…", "c"], None),
        (["a", "b", "c"], ["a", "c"], "c"),
        (["a", "b", "c"], ["…", "c", "…", "b"], "b"),
        (["a", "b", "c"], ["…", "b"], "nothing more, where there is: c"),
        (["a"], ["a", "b"], "b"),
        ([], [], None),
        (["a"], [], "nothing more, where there is: a"),
        (["model.py changed"], ["model.py, task.py changed"], "model.py, task.py changed"),
    ],
)
def test_what_differs(said: list[str], shown: list[str], found: str | None) -> None:
    assert difference(said, shown) == found


def test_a_command_runs_in_its_folder_and_its_failure_is_told(tmp_path: Path) -> None:
    assert replay("echo x > y; ls", tmp_path, {"PATH": "/usr/bin:/bin"}) == ["y"]
    said = replay("make review NOTE=' '", Path.cwd(), {"PATH": "/usr/bin:/bin"})
    assert said[-3:] == [
        "python -m pipelines review: error: say what you looked at, and what you think of it, "
        "with --note TEXT (make review NOTE='...')",
        "See python -m pipelines review --help.",
        "make: *** [Makefile:0: review] Error 2",
    ]


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("make ingest FROM=here", ["ingest", "--task", "taxi", "--var", "var", "--from", "here"]),
        (".venv/bin/python -m pipelines continuous --dry-run", ["continuous", "--dry-run"]),
    ],
)
def test_a_server_of_forks_runs_our_command(command: str, arguments: list[str], tmp_path: Path) -> None:
    server = mock.create_autospec(ForkServer, instance=True)
    server.run.return_value = subprocess.CompletedProcess([], 0, "out\n", "err\n")
    assert replay(command, tmp_path, {}, server) == ["out", "err"]
    assert server.run.call_args.args[0] == arguments


def test_a_server_of_forks_runs_nothing_else(tmp_path: Path) -> None:
    server = mock.create_autospec(ForkServer, instance=True)
    assert replay(f"{sys.executable} -m this | tail -1; true", tmp_path, {"PATH": "/usr/bin:/bin"}, server)
    server.run.assert_not_called()
