"""A sample of rows by column, the input of the tests."""

import dataclasses
from collections.abc import Mapping

import numpy as np


@dataclasses.dataclass(frozen=True, kw_only=True)
class Column:
    """The values of one column."""

    name: str
    ordered: bool  # numbers that can be compared by size; False for categories, such as strings and codes
    values: np.ndarray  # [rows], of a type that can be sorted; arbitrary where a value is missing
    present: np.ndarray  # [rows] bool, whether there is a value

    @property
    def found(self) -> np.ndarray:
        """The values that are not missing, [rows with a value]."""
        return self.values[self.present]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sample:
    """Rows of one origin that are independent of each other: there is only one row of each request."""

    name: str  # of the origin, for messages, such as "training"
    rows: int
    columns: Mapping[str, Column]

    def __post_init__(self) -> None:
        lengths = {column.name: len(column.values) for column in self.columns.values()}
        if wrong := {name: length for name, length in lengths.items() if length != self.rows}:
            raise ValueError(f"{self.name}: expected {self.rows} cells in each column, received {wrong}")

    def select(self, chosen: np.ndarray) -> "Sample":
        """Return the rows for which `chosen`, [rows] bool, is true."""
        columns = {
            name: dataclasses.replace(column, values=column.values[chosen], present=column.present[chosen])
            for name, column in self.columns.items()
        }
        return dataclasses.replace(self, rows=int(chosen.sum()), columns=columns)

    def missing_share(self, name: str) -> float | None:
        """Return the share of rows without a value in a column; None if there is no such column, or no row."""
        if name not in self.columns or not self.rows:
            return None
        return float(1 - self.columns[name].present.mean())

    def unseen_share(self, name: str, other: "Sample") -> float | None:
        """Return the share of rows whose value another sample lacks; None if a column is missing or there is no row."""
        if name not in self.columns or name not in other.columns or not self.rows:
            return None
        return float((~np.isin(self.columns[name].found, other.columns[name].found)).sum() / self.rows)


def join(first: Sample, second: Sample, name: str) -> Sample:
    """Return one sample of the rows of two samples with the same columns.

    Args:
        first: the first rows.
        second: the rows after them.
        name: of the new sample.

    Raises:
        ValueError: The samples have different columns.
    """
    if first.columns.keys() != second.columns.keys():
        raise ValueError(f"{name}: expected columns {sorted(first.columns)}, received {sorted(second.columns)}")
    columns = {
        key: dataclasses.replace(
            column,
            values=np.concatenate([column.values, second.columns[key].values]),
            present=np.concatenate([column.present, second.columns[key].present]),
        )
        for key, column in first.columns.items()
    }
    return Sample(name=name, rows=first.rows + second.rows, columns=columns)
