"""Define the error of reading runs, and read what a run may lack."""

from collections.abc import Callable
from typing import TypeVar

_Part = TypeVar("_Part")


class RunError(LookupError):
    """There is no such run, it ended before it wrote what is read, or what it wrote is damaged or removed."""


class NoOutputError(RunError):
    """A node wrote nothing: it failed, it was skipped, or it was not reached.

    Args:
        message: What is missing, and why.
        node: Id of the node.
    """

    def __init__(self, message: str, node: str) -> None:
        super().__init__(message)
        self.node = node


def read_optional(read: Callable[[], _Part]) -> _Part | None:
    """Return what `read` returns; None if it raises RunError."""
    try:
        return read()
    except RunError:
        return None
