"""Which processes the report is made in."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines import runs
from pipelines.report import page
from pipelines.runner import final_report
from pipelines.runner.summary import Summary

pytestmark = pytest.mark.slow  # imports the report


class MadeRuns:
    """Runs of which nothing is read."""

    def __init__(self, var: Path) -> None:
        self._var = var

    def open(self, run_id: str) -> Path:
        return self._var / run_id


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Ids of the processes in which sections are built."""
    found: list[int] = []

    def write_report(run: Path, cache: Path, start: Callable = page.call_later) -> Path:
        found.extend((start(os.getpid)(), os.getpid()))
        return run / page.REPORT_FILE

    monkeypatch.setattr(page, "write_report", write_report)
    monkeypatch.setattr(runs, "Runs", MadeRuns)
    monkeypatch.setattr(final_report, "has_computed", lambda: False)
    return found


def write(var: Path, at_once: int) -> Summary:
    summary = Summary(run_id="one", task="taxi", data="", started="")
    final_report.write_report_page(summary, var, at_once)
    return summary


def test_two_processes_where_two_nodes_may_run(processes: list[int], tmp_path: Path) -> None:
    summary = write(tmp_path, at_once=2)
    assert (summary.report_path, summary.report_error) == (str(tmp_path / "one" / "report.html"), None)
    there, here = processes
    assert there != here == os.getpid()


def test_one_process_where_one_node_may_run(processes: list[int], tmp_path: Path) -> None:
    write(tmp_path, at_once=1)
    assert set(processes) == {os.getpid()}


def test_one_process_where_tensorflow_has_computed(
    processes: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(final_report, "has_computed", lambda: True)
    write(tmp_path, at_once=2)
    assert set(processes) == {os.getpid()}
