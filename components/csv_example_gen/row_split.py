"""How rows are split into train and eval: by row, by a key, or by time. A task states it, ExampleGen does it.

By row, the n-th of equal rows (from 0) falls into the bucket (SHA-256 of the record + n × eval buckets) modulo all
buckets; the last buckets are eval. With n = 0 that is what TFX's ExampleGen does; it gives equal rows one bucket. Of m
equal rows eval so gets its share of m, rounded down or up: systematic sampling. Different rows do not move one another.

Standard library only, like all that the definition of a task imports.
"""

import dataclasses
import fractions
import hashlib
from collections.abc import Mapping
from typing import Any

EVAL_SHARE = 1 / 3  # of the rows, where a task states nothing else
_MOST_BUCKETS = 1000  # a share is rounded to the nearest fraction with a denominator up to this


class SplitError(ValueError):
    """A split that cannot be used."""


@dataclasses.dataclass(frozen=True)
class RowSplit:
    """By row: each row by a hash of what it holds. Right where rows have nothing to do with each other."""

    eval_share: float = EVAL_SHARE  # of the rows

    def __post_init__(self) -> None:
        eval_buckets(self.eval_share)

    def __str__(self) -> str:
        return f"by row, {_percent(self.eval_share)} of them eval"


@dataclasses.dataclass(frozen=True)
class KeySplit:
    """By a key: all rows of a customer, a patient or a device on one side. Right where a key has several rows."""

    column: str  # INT or BYTES in the contract; in every row
    eval_share: float = EVAL_SHARE  # of the keys; of the rows about the same where keys are many and alike

    def __post_init__(self) -> None:
        eval_buckets(self.eval_share)

    def __str__(self) -> str:
        return f"by {self.column}, all its rows on one side, {_percent(self.eval_share)} of the keys eval"


@dataclasses.dataclass(frozen=True)
class TimeSplit:
    """By time: the newest rows are eval. Right where the model is asked about rows later than those it has seen."""

    column: str  # a number, ISO 8601, or as the contract's `date:` says; in every row
    eval_share: float = EVAL_SHARE  # of the rows; rows of one time stay together

    def __post_init__(self) -> None:
        eval_buckets(self.eval_share)

    def __str__(self) -> str:
        return f"by time, the newest {_percent(self.eval_share)} by {self.column} eval"


Split = RowSplit | KeySplit | TimeSplit
_KINDS: Mapping[str, type[RowSplit | KeySplit | TimeSplit]] = {"row": RowSplit, "key": KeySplit, "time": TimeSplit}


def eval_buckets(eval_share: float) -> tuple[int, int]:
    """Return the share as a fraction: (buckets of eval, all buckets).

    Raises:
        SplitError: The share is not between 0.001 and 0.999.
    """
    share = fractions.Fraction(eval_share).limit_denominator(_MOST_BUCKETS) if 0 < eval_share < 1 else 0
    if not 0 < share < 1:
        raise SplitError(f"eval_share: expected a share between 0.001 and 0.999, received {eval_share}")
    return share.numerator, share.denominator


def split_settings(split: Split) -> dict[str, Any]:
    """Return the split as JSON has it; `read_split` reads it back."""
    (kind,) = (name for name, of_kind in _KINDS.items() if isinstance(split, of_kind))
    return {"by": kind, **dataclasses.asdict(split)}


def read_split(settings: Mapping[str, Any]) -> Split:
    """Read what `split_settings` wrote."""
    return _KINDS[settings["by"]](**{name: value for name, value in settings.items() if name != "by"})


def is_eval_key(key: int | bytes, eval_share: float) -> bool:
    """Tell whether the rows of a key are eval: by its SHA-256, so that a key keeps its side whatever else comes."""
    evals, total = eval_buckets(eval_share)
    return _digest(str(key).encode() if isinstance(key, int) else key) % total >= total - evals


def explain_difference(split: Split) -> str:
    """Say what may be behind a difference between train and eval, for the one who has to judge it."""
    match split:
        case KeySplit(column):
            return f"the split is by {column}: keys with many rows, or too few keys, make the two sides differ"
        case TimeSplit(column):
            return f"the split is by time: the rows changed with {column}"
        case _:
            return "the split is by row: both sides are the same data, and differ by chance where rows are few"


def _digest(content: bytes) -> int:
    return int.from_bytes(hashlib.sha256(content).digest(), "big")


def _percent(share: float) -> str:
    return f"{100 * share:.3g}%"
