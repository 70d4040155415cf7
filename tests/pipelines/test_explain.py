"""An error in words: what broke, of which type it is, and the line of this project that it came up in."""

import json
import re
from pathlib import Path

import pytest

from pipelines.explain import explain, explain_in_one_line
from pipelines.task_definition.lookup import TaskError


class LibraryError(Exception):
    """As a library would raise it."""


LibraryError.__module__ = "library.errors"


def raised(error: Exception) -> Exception:
    with pytest.raises(type(error)) as found:
        raise error
    return found.value


def test_an_error_of_this_project_stands_as_it_is() -> None:
    error = raised(TaskError("first\n  second\nthird"))
    assert explain(error) == "first\n  second\nthird"
    assert explain_in_one_line(error) == "first … third"


@pytest.mark.parametrize(
    ("message", "shown"),
    [("broken", "broken"), ("", "no message"), ("broken\n\n  at node 1\nout of memory\n", "broken … out of memory")],
)
def test_an_error_of_a_library_has_its_type_and_the_projects_line(message: str, shown: str) -> None:
    error = raised(LibraryError(message))
    line = 1 + Path(__file__).read_text().splitlines().index("        raise error")
    assert explain(error) == f"LibraryError: {shown} (tests/pipelines/test_explain.py, line {line})"
    assert explain_in_one_line(error) == explain(error)


def test_the_innermost_line_of_this_project_is_named() -> None:
    with pytest.raises(json.JSONDecodeError) as found:
        json.loads("{")
    assert explain(found.value).startswith("JSONDecodeError: Expecting property name enclosed in double quotes: ")
    assert "(tests/pipelines/test_explain.py, line " in explain(found.value)


def test_an_error_from_elsewhere_has_no_place() -> None:
    assert explain(LibraryError("broken")) == "LibraryError: broken"


@pytest.mark.parametrize("name", ["command", "launch", "local_run", "node_process", "node_run"])
def test_the_runner_that_every_error_passes_through_is_not_named(name: str) -> None:
    path = Path(__file__).resolve().parents[2] / "pipelines" / "runner" / f"{name}.py"
    assert path.is_file()
    with pytest.raises(KeyError) as found:
        exec(compile("raise KeyError('fare')", str(path), "exec"), {})
    assert re.fullmatch(r"KeyError: 'fare' \(tests/pipelines/test_explain\.py, line \d+\)", explain(found.value))
