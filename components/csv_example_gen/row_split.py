"""Define how rows are split into train and eval: by row, by a key, or by time. A task chooses, ExampleGen splits.

By row, the n-th of equal rows (from 0) is put into the bucket (SHA-256 of the record + n × eval buckets) modulo all
buckets; the last buckets are eval. TFX's ExampleGen does the same with n = 0, so that equal rows share a bucket. Here
eval gets its share of m equal rows, rounded down or up (systematic sampling). A row's side does not depend on different
rows.

This module imports only the standard library, like all that the definition of a task imports.
"""

import dataclasses
import fractions
import hashlib
from collections.abc import Mapping
from typing import Any

EVAL_SHARE = 1 / 3  # default share of eval
_MOST_BUCKETS = 1000  # a share is rounded to the nearest fraction with a denominator up to this


class SplitError(ValueError):
    """The share of eval cannot be used."""


@dataclasses.dataclass(frozen=True)
class RowSplit:
    """A split by a hash of each row's content. Use it if rows are independent of each other."""

    eval_share: float = EVAL_SHARE  # share of the rows

    def __post_init__(self) -> None:
        eval_buckets(self.eval_share)

    def __str__(self) -> str:
        return f"by row, {_percent(self.eval_share)} of them eval"


@dataclasses.dataclass(frozen=True)
class KeySplit:
    """A split with all rows of a key, such as a customer or a device, on one side. Use it if keys have several rows."""

    column: str  # INT or BYTES in the contract, with a value in every row
    eval_share: float = EVAL_SHARE  # share of the keys; that of the rows is similar if there are many similar keys

    def __post_init__(self) -> None:
        eval_buckets(self.eval_share)

    def __str__(self) -> str:
        return f"by {self.column}, all its rows on one side, {_percent(self.eval_share)} of the keys eval"


@dataclasses.dataclass(frozen=True)
class TimeSplit:
    """A split with the newest rows in eval. Use it if the model predicts rows later than those it was trained on."""

    column: str  # a number, ISO 8601, or the format of the contract's `date:`, with a value in every row
    eval_share: float = EVAL_SHARE  # share of the rows; rows of one time stay together

    def __post_init__(self) -> None:
        eval_buckets(self.eval_share)

    def __str__(self) -> str:
        return f"by time, the newest {_percent(self.eval_share)} by {self.column} eval"


Split = RowSplit | KeySplit | TimeSplit
_KINDS: Mapping[str, type[RowSplit | KeySplit | TimeSplit]] = {"row": RowSplit, "key": KeySplit, "time": TimeSplit}


def eval_buckets(eval_share: float) -> tuple[int, int]:
    """Return the share as a fraction: buckets of eval, and all buckets.

    Args:
        eval_share: the share of eval.

    Raises:
        SplitError: The share is not between 0.001 and 0.999.

    Example:
        >>> eval_buckets(0.25)
        (1, 4)
    """
    share = fractions.Fraction(eval_share).limit_denominator(_MOST_BUCKETS) if 0 < eval_share < 1 else 0
    if not 0 < share < 1:
        raise SplitError(f"eval_share: expected a share between 0.001 and 0.999, received {eval_share}")
    return share.numerator, share.denominator


def split_settings(split: Split) -> dict[str, Any]:
    """Return the split as values for JSON, which `read_split` reads."""
    (kind,) = (name for name, of_kind in _KINDS.items() if isinstance(split, of_kind))
    return {"by": kind, **dataclasses.asdict(split)}


def read_split(settings: Mapping[str, Any]) -> Split:
    """Return the split from a result of `split_settings`."""
    return _KINDS[settings["by"]](**{name: value for name, value in settings.items() if name != "by"})


def is_eval_key(key: int | bytes, eval_share: float) -> bool:
    """Return whether the rows of a key are eval; it depends only on the key's SHA-256, not on other keys."""
    evals, total = eval_buckets(eval_share)
    return _digest(str(key).encode() if isinstance(key, int) else key) % total >= total - evals


def explain_difference(split: Split) -> str:
    """Return the possible cause of a difference between train and eval, for messages to people."""
    match split:
        case KeySplit(column):
            return f"the split is by {column}: keys with many rows, or too few keys, make the two sides differ"
        case TimeSplit(column):
            return f"the split is by time: the rows changed with {column}"
        case _:
            return "the split is by row: both sides are the same data, and differ by chance if there are few rows"


def _digest(content: bytes) -> int:
    return int.from_bytes(hashlib.sha256(content).digest(), "big")


def _percent(share: float) -> str:
    return f"{100 * share:.3g}%"
