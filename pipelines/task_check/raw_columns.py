"""Raw columns that answer a wrong name with the right one."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from serving.did_you_mean import suggestion


class PreprocessingError(ValueError):
    """preprocessing_fn cannot work on rows of this contract."""


class MissingColumnError(PreprocessingError, KeyError):
    """The contract does not have a column; a KeyError too, as of any dictionary, which a task's code may catch."""

    __str__ = ValueError.__str__  # KeyError puts its message in quotes.


class RawColumns(dict[str, Any]):
    """The columns of the contract, as preprocessing_fn gets them."""

    def __init__(self, columns: Mapping[str, Any], describe: Callable[[str], str], contract: str):
        """Take the columns.

        Args:
            columns: by name.
            describe: says who reads a column, for messages.
            contract: what to call the contract.
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
    """Return the begin of a sentence on who reads a column: `feature fare_scaled reads`."""
    found = list(features)
    if not found:
        return "preprocessing_fn reads"
    return f"feature {found[0]} reads" if len(found) == 1 else f"features {', '.join(found)} read"
