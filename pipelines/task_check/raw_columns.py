"""Provide raw columns whose error for a wrong name suggests the right one."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from serving.did_you_mean import suggestion


class PreprocessingError(ValueError):
    """preprocessing_fn does not work with the columns of this contract."""


class MissingColumnError(PreprocessingError, KeyError):
    """The contract lacks a column. Also a KeyError, as from any dictionary, so that a task's code can catch it."""

    __str__ = ValueError.__str__  # KeyError puts its message in quotes.


class RawColumns(dict[str, Any]):
    """The contract's columns, as preprocessing_fn receives them."""

    def __init__(self, columns: Mapping[str, Any], describe: Callable[[str], str], contract: str):
        """Store the columns.

        Args:
            columns: by name.
            describe: returns which features read a column, for messages.
            contract: name of the contract in messages.
        """
        super().__init__(columns)
        self._describe, self._contract = describe, contract
        self.last_read: str | None = None

    def __getitem__(self, name: str) -> Any:
        self.last_read = name
        return super().__getitem__(name)

    def __missing__(self, name: str) -> Any:
        advice = suggestion(name, self)
        raise MissingColumnError(
            f"{self._describe(name)} raw column {name!r}, which {self._contract} does not have: "
            f"{advice}{'' if advice.endswith('?') else '.'} Correct the name, or describe the column in the contract."
        )


def name_readers(features: Iterable[str]) -> str:
    """Return the beginning of a sentence about who reads a column.

    Example:
        >>> name_readers(["fare_scaled", "fare_bucket"])
        'features fare_scaled, fare_bucket read'
    """
    found = list(features)
    if not found:
        return "preprocessing_fn reads"
    return f"feature {found[0]} reads" if len(found) == 1 else f"features {', '.join(found)} read"
