"""docs/reference/summary.md says what is in summary.json: every field, no other, with its type."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.runs.conftest import History
from tests.runs.in_process import run_here
from tests.runs.project import SOURCE, Project

pytestmark = pytest.mark.pipeline

# Objects whose keys are data.
_KEYS = {
    "rows": "<split>",
    "task_files": "<file>",
    "stack": "<package>",
    "nodes[].outputs": "<key>",
    "nodes[].outputs.<key>.properties": "<property>",
    "metrics": "<slice>",
    "latency": "<transport>",
    "vocabularies": "<name>",
    "metrics.<slice>": "<metric>",
}
_NOTHING = {"`{}`": {}, "`[]`": [], '`""`': "", "`null`": None}
_TYPES = {"int": int, "float": float, "string": str, "bool": bool, "object": dict, "list": list}


@pytest.fixture
def documented() -> dict[str, tuple[str, str]]:
    """Field -> (type, what stands there when there is nothing to say)."""
    text = (SOURCE / "docs" / "reference" / "summary.md").read_text()
    rows = re.findall(r"^\| `(.+?)` \| (.+?) \| .+ \|(.*)\|$", text, re.MULTILINE)
    return {field: (kind, nothing.strip()) for field, kind, nothing in rows}


def test_a_cold_run_has_every_documented_field_and_no_other(
    history: History, documented: dict[str, tuple[str, str]]
) -> None:
    # What stands below `spans` is looked at where a run has some: tests/pipelines/ingestion.
    # What stands below `experiment` and `comparison`, likewise: test_better.
    elsewhere = ("spans[]", "experiment.", "comparison.")
    of_files = {field for field in documented if not field.startswith(elsewhere)}
    assert {field for field, _ in _fields(history.cold.summary)} == of_files


def test_every_value_has_the_documented_type(
    history: History, project: Project, documented: dict[str, tuple[str, str]]
) -> None:
    failed = run_here(project.var, "--data", "nothing.csv")
    for summary in (history.cold.summary, history.second.summary, failed.summary):
        assert summary["format"] == 2
        for field, value in _fields(summary):
            kind, nothing = documented[field]
            types = [_TYPES[name] for name in kind.split(" or ")]
            if value in _NOTHING.values():
                assert value == _NOTHING[nothing.split(":")[0]], (field, value)
            else:
                assert type(value) in types, (field, value)


def test_a_run_that_could_not_begin_has_every_field(project: Project, history: History) -> None:
    failed = run_here(project.var, "--data", "nothing.csv")
    assert failed.summary.keys() == history.cold.summary.keys()
    assert failed.summary["nodes"] == []
    assert failed.summary["pushed"] is None


def _fields(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Every documented name in a summary, with its value."""
    if name:
        yield name, value
    if isinstance(value, list) and all(isinstance(element, dict) for element in value):
        for element in value:
            yield from _below(element, f"{name}[]")
    elif isinstance(value, dict):
        yield from _below(value, name)


def _below(value: dict[str, Any], name: str) -> Iterator[tuple[str, Any]]:
    for key, inner in value.items():
        field = f"{name}.{_KEYS.get(name, key)}" if name else key
        if field == "nodes[].outputs.<key>":
            yield from _below(inner, field)
        else:
            yield from _fields(inner, field)
