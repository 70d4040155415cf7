"""The table while nodes run: each running one has a spinner and its own seconds."""

import io
import time
from collections.abc import Iterator

import pytest
from rich.console import Console

from pipelines.runner.progress import TableProgress, show_progress
from pipelines.runner.results import RAN, SKIPPED, NodeResult


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """The time that the table sees, in its one element."""
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def draw(table: TableProgress) -> dict[str, list[str]]:
    """Node -> the other cells of its row."""
    console = Console(file=io.StringIO(), width=100)
    console.print(table)
    lines = [line.split() for line in console.file.getvalue().splitlines()]
    return {cells[0]: cells[1:] for cells in lines[1:] if cells}


def test_two_nodes_run_at_the_same_time(clock: list[float]) -> None:
    table = TableProgress(["Trainer", "SkewGate", "Evaluator", "Pusher"])
    table.started("SkewGate")
    clock[0] += 3
    table.started("Evaluator")
    clock[0] += 1
    rows = draw(table)
    assert (rows["Trainer"], rows["Pusher"]) == ([], [])
    assert [rows[node][-1] for node in ("SkewGate", "Evaluator")] == ["4.0", "1.0"]

    table.finished(NodeResult(node="SkewGate", state=RAN, seconds=4.5, summary="blessed"))
    table.finished(NodeResult(node="Pusher", state=SKIPPED, seconds=0.0))
    rows = draw(table)
    assert rows["SkewGate"] == ["ran", "4.5", "blessed"]
    assert rows["Evaluator"][-1] == "1.0"
    assert rows["Pusher"] == ["skipped"]


def test_lines_come_in_the_pipelines_order_and_none_is_lost() -> None:
    console = Console(file=io.StringIO(), width=100)

    def said() -> list[str]:
        return [line.split()[0] for line in console.file.getvalue().splitlines()]

    nodes = ["SkewGate", "Evaluator", "Pusher", "Other"]
    with show_progress(console, nodes, live=False) as shown:
        shown.finished(NodeResult(node="Evaluator", state=RAN, seconds=1.0, summary="blessed"))
        assert said() == []
        shown.finished(NodeResult(node="SkewGate", state=RAN, seconds=2.0, summary="blessed"))
        assert said() == ["SkewGate", "Evaluator"]
        shown.finished(NodeResult(node="Other", state=RAN, seconds=1.0, summary=""))
        assert said() == ["SkewGate", "Evaluator"]
    assert said() == ["SkewGate", "Evaluator", "Other"]
