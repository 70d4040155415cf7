"""What comes back from a fork: values of any size, and errors as they were, or in words; and how one is ended."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tensorflow.python.eager import context

from pipelines.explain import explain
from pipelines.runner.node_process import Fork, Forks, NodeProcessError, has_computed
from serving.process_control import remember_interrupts
from tests.pipelines.runner.acting_nodes import wait_until

pytestmark = pytest.mark.slow


class UnpicklableError(ValueError):
    """An error of this project that holds what no other process can have."""

    def __init__(self) -> None:
        super().__init__("the rows do not pair")
        self.file = open(os.devnull)  # noqa: SIM115


def call(function: Callable[[], Any]) -> Any:
    """Calls a function in a fork."""
    fork = Fork(function)
    fork.start()
    return fork.result()


def start_sleeping(ready: Path, *, deaf: bool = False) -> Fork[None]:
    """Starts a fork that sleeps, and waits until it does."""

    def sleep() -> None:
        if deaf:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        ready.touch()
        time.sleep(20)

    fork = Fork(sleep)
    fork.start()
    wait_until(ready.exists)
    return fork


def test_a_result_that_no_pipe_holds_at_once() -> None:
    assert call(lambda: b"x" * 5_000_000) == b"x" * 5_000_000


def test_what_a_fork_changes_stays_there() -> None:
    kept = ["here"]
    assert call(lambda: kept.append("there") or kept) == ["here", "there"]
    assert kept == ["here"]


def test_an_error_of_this_project_that_cannot_be_sent_comes_as_its_message() -> None:
    def fail() -> None:
        raise UnpicklableError

    with pytest.raises(NodeProcessError) as found:
        call(fail)
    assert explain(found.value) == "the rows do not pair"


def test_an_exit_without_a_result() -> None:
    with pytest.raises(NodeProcessError, match=r"^its process died without a result: exit status 3; see the log$"):
        call(lambda: os._exit(3))


def test_ctrl_c_in_the_terminal_is_the_parents_to_answer() -> None:
    assert call(lambda: os.kill(os.getpid(), signal.SIGINT) or "goes on") == "goes on"


def test_an_interrupted_wait_leaves_the_fork_to_kill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fork = start_sleeping(tmp_path / "ready")
    monkeypatch.setattr(fork._ours, "recv", lambda: signal.raise_signal(signal.SIGINT))
    with remember_interrupts(), pytest.raises(KeyboardInterrupt):
        fork.result()
    assert fork._process.is_alive()
    fork.kill()
    assert fork._process.exitcode == -signal.SIGTERM


def test_a_fork_that_does_not_end_in_time_is_killed(tmp_path: Path) -> None:
    fork = start_sleeping(tmp_path / "ready", deaf=True)
    fork.kill(0.1)
    assert fork._process.exitcode == -signal.SIGKILL


def test_tensorflow_has_computed_from_its_first_tensor_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context, "_context", None)
    assert not has_computed()
    assert context.context_safe() is None
    fresh = context.Context()
    monkeypatch.setattr(context, "_context", fresh)
    assert not has_computed()
    fresh.ensure_initialized()  # as every operation does
    assert has_computed()


def test_forks_run_beside_the_caller_and_end_with_the_block(tmp_path: Path) -> None:
    def sleep() -> None:
        (tmp_path / "pid").write_text(str(os.getpid()))
        time.sleep(60)

    with Forks() as forks:
        wait_for_own, _ = forks.start(os.getpid), forks.start(sleep)
        assert wait_for_own() != os.getpid()
        wait_until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text() != "")
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)
