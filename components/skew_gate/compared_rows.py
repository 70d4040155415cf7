"""Some rows on every path, what the exported model has to return for them, and those that are asked for again."""

import dataclasses
from collections.abc import Sequence
from typing import Self

import numpy as np

from components.candidate_serving.transports import TransportPredictions
from components.skew_gate.batch_path import BatchChunk
from components.skew_gate.bitwise import Arrays, describe_type

_SEED = 10  # the same rows every time


class RowCountError(ValueError):
    """The exported model returns another number of rows than it is given."""


def require_rows(outputs: Arrays, rows: int) -> Arrays:
    """Returns the outputs of the exported model, each of which has to have so many rows.

    Raises:
        RowCountError: One has another number; then no row of it can be told from another.
    """
    for name, values in outputs.items():
        if values.shape[:1] != (rows,):
            raise RowCountError(
                f"the exported model does not return one row for each that it is given: expected {rows} rows of "
                f"{name}, received {describe_type(values)}; look for what drops, repeats or adds up rows in its "
                "signatures"
            )
    return outputs


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rows:
    """Some rows on every path.

    Attributes:
        numbers: int64 [rows], from 0 in the order of the files.
        raw: serialized raw tf.Examples [rows].
        batch: of the batch path.
        exported: outputs of the exported model.
        served: of the model server; None: it was not asked.
    """

    numbers: np.ndarray
    raw: np.ndarray
    batch: BatchChunk
    exported: Arrays
    served: TransportPredictions | None = None

    def __len__(self) -> int:
        return len(self.numbers)

    def of(self, rows: np.ndarray) -> Self:
        """Returns some of the rows, given as ascending positions."""
        return dataclasses.replace(
            self,
            numbers=self.numbers[rows],
            raw=self.raw[rows],
            batch=self.batch.of(rows),
            exported={name: values[rows] for name, values in self.exported.items()},
            served=None if self.served is None else self.served.of(rows),
        )

    def join(self, others: Sequence[Self]) -> Self:
        """Returns these rows and the others, none of which the model server predicted."""
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
    """Keeps up to a number of rows, of more than that some drawn at random.

    Attributes:
        rows: what is kept; None: nothing.
        presumed: how many rows are not.
    """

    def __init__(self, most: int) -> None:
        """Takes how many rows are kept."""
        self._most = most
        self.rows: Rows | None = None
        self.presumed = 0
        self._random = np.random.default_rng(_SEED)
        self._keys = np.zeros(0)

    def add(self, rows: Rows) -> Rows | None:
        """Takes more rows; returns those that are not kept, among them earlier ones."""
        self._keys = np.concatenate([self._keys, self._random.random(len(rows))])
        everything = rows if self.rows is None else self.rows.join([rows])
        order = np.argsort(self._keys)
        kept, others = np.sort(order[: self._most]), np.sort(order[self._most :])
        self._keys = self._keys[kept]
        self.rows = everything.of(kept)
        self.presumed += len(others)
        return everything.of(others) if len(others) else None
