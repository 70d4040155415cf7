"""A run may have ended anywhere: what it did not get to is left out, and the page says so."""

from collections.abc import Callable
from typing import TypeVar

from pipelines.runs import RunError

_T = TypeVar("_T")


def reached(read: Callable[[], _T]) -> _T | None:
    """What `read` gives; None where the run did not get there."""
    try:
        return read()
    except RunError:
        return None
