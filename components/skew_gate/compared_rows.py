"""Rows with their values on every path, and the selection of rows that are compared again in other layouts."""

import dataclasses
from collections.abc import Sequence
from typing import Self

import numpy as np

from components.candidate_serving.transports import TransportPredictions
from components.skew_gate.batch_path import BatchChunk
from components.skew_gate.bitwise import Arrays, describe_type

_SEED = 10  # the same rows every time


class RowCountError(ValueError):
    """The exported model returned another number of rows than it received."""


def require_rows(outputs: Arrays, rows: int) -> Arrays:
    """Return the outputs of the exported model after checking their number of rows.

    Args:
        outputs: name -> [rows, n].
        rows: expected number of rows.

    Raises:
        RowCountError: An output has another number of rows, so that its rows cannot be matched with the inputs.
    """
    for name, values in outputs.items():
        if values.shape[:1] != (rows,):
            raise RowCountError(
                f"the exported model does not return one row for each row that it receives: expected {rows} rows of "
                f"{name}, received {describe_type(values)}; look for what drops, repeats or adds up rows in its "
                "signatures"
            )
    return outputs


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rows:
    """Some rows with their values on every path.

    Attributes:
        numbers: int64 [rows], counted from 0 in the order of the files.
        raw: serialized raw tf.Examples [rows].
        batch: features and predictions of the batch path.
        exported: outputs of the exported model.
        served: predictions of the model server; None if it was not asked.
    """

    numbers: np.ndarray
    raw: np.ndarray
    batch: BatchChunk
    exported: Arrays
    served: TransportPredictions | None = None

    def __len__(self) -> int:
        return len(self.numbers)

    def of(self, rows: np.ndarray) -> Self:
        """Return some of the rows, given as ascending positions."""
        return dataclasses.replace(
            self,
            numbers=self.numbers[rows],
            raw=self.raw[rows],
            batch=self.batch.of(rows),
            exported={name: values[rows] for name, values in self.exported.items()},
            served=None if self.served is None else self.served.of(rows),
        )

    def join(self, others: Sequence[Self]) -> Self:
        """Return these rows followed by the others; none of them may have predictions of the model server."""
        parts = [self, *others]
        exported = {name: np.concatenate([part.exported[name] for part in parts]) for name in self.exported}
        return dataclasses.replace(
            self,
            numbers=np.concatenate([part.numbers for part in parts]),
            raw=np.concatenate([part.raw for part in parts]),
            batch=self.batch.join([part.batch for part in others]),
            exported=exported,
        )


class AskedAgain:
    """The rows that are compared again in other layouts: all that are added, or a random selection if they are many.

    Attributes:
        rows: the rows that are kept; None if none was added.
        presumed: the number of rows that are not kept.
    """

    def __init__(self, most: int) -> None:
        """Start with no rows, and keep at most `most` of those that are added."""
        self._most = most
        self.rows: Rows | None = None
        self.presumed = 0
        self._random = np.random.default_rng(_SEED)
        self._keys = np.zeros(0)

    def add(self, rows: Rows) -> Rows | None:
        """Add rows; return those that are no longer kept, which may include earlier ones, or None."""
        self._keys = np.concatenate([self._keys, self._random.random(len(rows))])
        everything = rows if self.rows is None else self.rows.join([rows])
        order = np.argsort(self._keys)
        kept, others = np.sort(order[: self._most]), np.sort(order[self._most :])
        self._keys = self._keys[kept]
        self.rows = everything.of(kept)
        self.presumed += len(others)
        return everything.of(others) if len(others) else None
