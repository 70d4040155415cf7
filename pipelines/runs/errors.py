"""The error of everything that reads runs, and how to read what a run may lack."""

from collections.abc import Callable
from typing import TypeVar

_Part = TypeVar("_Part")


class RunError(LookupError):
    """There is no such run, or it ended before it wrote what is asked for."""


def read_optional(read: Callable[[], _Part]) -> _Part | None:
    """Return what `read` returns; None where the run ended before it wrote that."""
    try:
        return read()
    except RunError:
        return None
