"""Nodes side by side: they overlap, fail, are stopped and are killed, and nothing is left half done."""

import errno
import os
import shutil
import signal
import sqlite3
import warnings
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from pipelines.explain import explain
from pipelines.runner.metadata_cleanup import clear_interrupted_executions
from pipelines.runner.results import CACHED, FAILED, RAN, SKIPPED, NodeResult
from serving.process_control import remember_interrupts
from tests.pipelines.runner.acting_nodes import OwnError, database, run_acting, wait_until

pytestmark = pytest.mark.slow

_COMPLETE, _FAILED = 3, 4  # states of ML Metadata
_CLOCK = 0.01  # seconds that the clock of the day and the monotonic one may differ by


def states(results: Iterator[NodeResult]) -> dict[str, str]:
    """Node -> state, in the order in which they ended."""
    return {result.node: result.state for result in results}


def running(var: Path) -> list[int]:
    """The processes of nodes that have met, and still run."""
    met = [int(path.name.removeprefix("pid-")) for path in var.glob("pid-*")]
    return [pid for pid in met if psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE]


def executions(var: Path) -> list[int]:
    """The state of each execution."""
    with sqlite3.connect(database(var)) as store:
        return [state for (state,) in store.execute("select last_known_state from Execution order by id")]


def outputs(var: Path) -> set[str]:
    """What nodes have written, or begun to."""
    found = (
        path.relative_to(var / "artifacts" / "acting") for path in (var / "artifacts").rglob("*") if path.is_file()
    )
    return {f"{path.parts[0]} {path.name}" for path in found if path.name in ("begun", "done")}


def test_two_nodes_run_at_the_same_time(tmp_path: Path) -> None:
    first, second = run_acting(tmp_path, {"A": "meet", "B": "meet"})
    assert (first.state, second.state) == (RAN, RAN), (first.error, second.error)
    assert first.started is not None
    assert second.started is not None
    ends = [one.started.timestamp() + one.seconds for one in (first, second) if one.started is not None]
    assert max(first.started, second.started).timestamp() < min(ends)
    assert executions(tmp_path) == [_COMPLETE, _COMPLETE]
    assert outputs(tmp_path) == {"A begun", "A done", "B begun", "B done"}


@pytest.mark.parametrize("at_once", [1, 3])
def test_a_node_begins_when_those_it_waits_for_have_ended_and_no_more_run_than_asked_for(
    tmp_path: Path, at_once: int
) -> None:
    results = run_acting(tmp_path, dict.fromkeys("ABCD", "nothing"), waits={"B": "A", "D": "C"}, at_once=at_once)
    spans = {
        result.node: (result.started.timestamp(), result.started.timestamp() + result.seconds)
        for result in results
        if result.started
    }
    assert sorted(spans) == ["A", "B", "C", "D"]
    assert spans["A"][1] <= spans["B"][0] + _CLOCK
    assert spans["C"][1] <= spans["D"][0] + _CLOCK
    beside = [
        sum(begin + _CLOCK < moment < end - _CLOCK for begin, end in spans.values()) for moment, _ in spans.values()
    ]
    assert max(beside) < at_once


def test_what_is_done_comes_from_the_cache(tmp_path: Path) -> None:
    actions = {"A": "nothing", "B": "nothing"}
    forked: list[str] = []
    assert states(run_acting(tmp_path, actions, forked=forked)) == {"A": RAN, "B": RAN}
    assert states(run_acting(tmp_path, actions, forked=forked)) == {"A": CACHED, "B": CACHED}
    assert forked == ["A", "B"], "who is told of forks is told nothing of the cache"


def test_a_failure_lets_its_neighbour_finish_and_nothing_else_begin(tmp_path: Path) -> None:
    actions = {"A": "raise own", "B": "outlast", "C": "nothing", "D": "nothing"}
    failed, ran, *skipped = run_acting(tmp_path, actions, waits={"C": "A", "D": "B"})
    assert (failed.node, failed.state) == ("A", FAILED)
    assert isinstance(failed.error, OwnError)
    assert failed.error.findings == ["a", "b"]
    assert explain(failed.error) == "2 findings"
    assert (ran.node, ran.state) == ("B", RAN)
    assert {result.node: result.state for result in skipped} == {"C": SKIPPED, "D": SKIPPED}
    assert outputs(tmp_path) == {"B begun", "B done"}
    assert sorted(executions(tmp_path)) == [_COMPLETE, _FAILED]


def test_two_failures_are_both_told(tmp_path: Path) -> None:
    results = {result.node: result for result in run_acting(tmp_path, {"A": "raise own", "B": "raise foreign"})}
    assert {result.state for result in results.values()} == {FAILED}
    assert results["B"].error is not None
    told = explain(results["B"].error)
    assert told.startswith(
        "ValueError: invalid literal for int() with base 10: 'three' (tests/pipelines/runner/acting_nodes.py, "
    )


def test_a_node_whose_process_dies_has_failed_and_leaves_nothing(tmp_path: Path) -> None:
    (result,) = run_acting(tmp_path, {"A": "be killed"})
    assert result.state == FAILED
    assert str(result.error) == (
        "its process died without a result: signal 9; usually the machine had no memory left: run with --at-once 1; "
        "see the log"
    )
    assert outputs(tmp_path) == set()
    assert executions(tmp_path) == [_FAILED]


def test_stopping_a_nodes_process_stops_the_run(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        states(run_acting(tmp_path, {"A": "be stopped", "B": "nothing"}))
    assert "A" in clear_interrupted_executions(database(tmp_path), tmp_path / "artifacts")


def test_ctrl_c_ends_both_nodes(tmp_path: Path) -> None:
    with remember_interrupts(), pytest.raises(KeyboardInterrupt):
        states(run_acting(tmp_path, {"A": "hang", "B": "interrupt the runner"}))
    assert len(list(tmp_path.glob("pid-*"))) == 2
    assert running(tmp_path) == []
    assert clear_interrupted_executions(database(tmp_path), tmp_path / "artifacts") == ["A", "B"]
    assert outputs(tmp_path) == set()


def test_ctrl_c_lets_a_node_stop_what_it_had_started(tmp_path: Path) -> None:
    with remember_interrupts(), pytest.raises(KeyboardInterrupt):
        states(run_acting(tmp_path, {"A": "clean up", "B": "interrupt the runner"}))
    assert (tmp_path / "cleaned up").exists()
    assert running(tmp_path) == []
    assert clear_interrupted_executions(database(tmp_path), tmp_path / "artifacts") == ["A", "B"]


def test_what_a_stopped_node_had_started_may_write_for_a_moment_yet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remove, late = shutil.rmtree, set()

    def remove_while_somebody_writes(folder: Path, **options: bool) -> None:
        if folder not in late:
            late.add(folder)
            raise OSError(errno.ENOTEMPTY, "a file appeared in the folder that was just emptied")
        remove(folder, **options)

    with remember_interrupts(), pytest.raises(KeyboardInterrupt):
        states(run_acting(tmp_path, {"A": "hang", "B": "interrupt the runner"}))
    monkeypatch.setattr(shutil, "rmtree", remove_while_somebody_writes)
    assert clear_interrupted_executions(database(tmp_path), tmp_path / "artifacts") == ["A", "B"]
    assert late
    assert outputs(tmp_path) == set()


def test_kill_9_of_the_runner_ends_both_nodes_and_the_next_run_goes_on_from_there(tmp_path: Path) -> None:
    waits = {"B": "A", "C": "A"}
    killed = _fork_and_run(tmp_path, {"A": "nothing", "B": "kill the runner", "C": "hang"}, waits)
    assert killed == -signal.SIGKILL
    assert len(list(tmp_path.glob("pid-*"))) == 2
    wait_until(lambda: running(tmp_path) == [])
    assert clear_interrupted_executions(database(tmp_path), tmp_path / "artifacts") == ["B", "C"]
    assert outputs(tmp_path) == {"A begun", "A done"}
    again = states(run_acting(tmp_path, {"A": "nothing", "B": "nothing", "C": "nothing"}, waits=waits))
    assert again == {"A": CACHED, "B": RAN, "C": RAN}


def _fork_and_run(var: Path, actions: dict[str, str], waits: dict[str, str]) -> int:
    """Runs in a process that may be killed, and returns how it ended."""
    with warnings.catch_warnings():
        # From Python 3.12 on, a fork of a process with threads warns; those here are of other tests, and idle.
        warnings.simplefilter("ignore", DeprecationWarning)
        runner = os.fork()
    if runner == 0:
        try:
            states(run_acting(var, actions, waits=waits))
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(runner, 0)[1])
