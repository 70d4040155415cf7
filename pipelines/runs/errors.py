"""Define the error of reading runs, and read what a run may lack."""

from collections.abc import Callable
from typing import TypeVar

_Part = TypeVar("_Part")


class RunError(LookupError):
    """There is no such run, it ended before it wrote what is read, or what it wrote is damaged or removed."""


def read_optional(read: Callable[[], _Part]) -> _Part | None:
    """Return what `read` returns; None if it raises RunError."""
    try:
        return read()
    except RunError:
        return None
