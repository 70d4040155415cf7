"""How many nodes a run may have at the same time."""

import io

import pytest
from rich.console import Console

from pipelines.options import RunOptions
from pipelines.runner import capacity, local_run


@pytest.mark.parametrize(
    ("asked", "computed", "expected"), [(3, False, 3), (3, True, 1), (1, True, 1), (None, False, 2), (None, True, 1)]
)
def test_a_process_that_computed_with_tensorflow_runs_one_node_at_a_time(
    monkeypatch: pytest.MonkeyPatch, asked: int | None, computed: bool, expected: int
) -> None:
    monkeypatch.setattr(local_run, "has_computed", lambda: computed)
    monkeypatch.setattr(capacity, "nodes_at_once", lambda: 2)
    terminal = io.StringIO()
    assert local_run._limit_at_once(RunOptions(at_once=asked), Console(file=terminal)) == expected
    told = terminal.getvalue()
    assert told.startswith("one node at a time: a module of the task computes") == (computed and asked != 1)
    assert told.count("\n") == (computed and asked != 1)
