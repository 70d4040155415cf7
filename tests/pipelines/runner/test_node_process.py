"""What comes back from a fork: values of any size, and errors as they were, or in words."""

import os
from collections.abc import Callable
from typing import Any

import pytest

from pipelines.explain import explain
from pipelines.runner.node_process import Fork, NodeProcessError

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
