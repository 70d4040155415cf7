"""Reads the rows of a new task: a CSV file, as the pipeline's ExampleGen will read it."""

import dataclasses
from pathlib import Path

import pandas as pd

from components.csv_example_gen.csv_files import CellKind, check_csv, read_columns
from components.csv_example_gen.csv_values import Value
from pipelines.scaffold.errors import ScaffoldError
from pipelines.scaffold.names import make_column_names

LEAST_ROWS = 100  # two thirds of which train; with fewer, whatever the evaluation says is chance
_DTYPES = {CellKind.INT: "Int64", CellKind.FLOAT: "float64", CellKind.BYTES: "object", CellKind.EMPTY: "object"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Source:
    """A CSV file that is whole.

    Attributes:
        file: where it lies.
        names: heading in the file -> name of the column in the task, in the file's order.
        kinds: type by name.
        table: the rows, one column by name; what is missing is NA, NaN or None.
    """

    file: Path
    names: dict[str, str]
    kinds: dict[str, CellKind]
    table: pd.DataFrame

    @property
    def renamed(self) -> dict[str, str]:
        """The headings that no column of a model can have, with the names that stand for them."""
        return {heading: name for heading, name in self.names.items() if heading != name}

    def column(self, label: str) -> str:
        """Returns the name of the column with this heading or name.

        Raises:
            ScaffoldError: There is none.
        """
        if label in self.names:
            return self.names[label]
        if label in self.kinds:
            return label
        raise ScaffoldError(
            f"{self.file}: expected a column {label!r} to predict, received the columns {', '.join(self.names)}. "
            "Name one of them as LABEL."
        )


def read_source(file: Path) -> Source:
    """Reads a CSV file from end to end.

    Raises:
        ScaffoldError: It is no file, or its rows are too few.
        SourceError: It is not what components.csv_example_gen.csv_files accepts.
    """
    if not file.is_file():
        raise ScaffoldError(f"{file}: expected a CSV file, received {_what(file)}. Name a file as CSV.")
    summary = check_csv(file)
    if summary.rows < LEAST_ROWS:
        raise ScaffoldError(
            f"{file}: expected {LEAST_ROWS} rows or more, received {summary.rows}: a third of them judges the model, "
            "and chance would decide. Bring more rows."
        )
    names = make_column_names(list(summary.columns))
    columns: dict[str, list[Value]] = {name: [] for name in names.values()}
    for batch in read_columns(summary.files[0], summary.columns):
        for name, values in zip(columns, batch, strict=True):
            columns[name].extend(values)
    kinds = dict(zip(names.values(), summary.columns.values(), strict=True))
    series = {name: _series(values, kinds[name]) for name, values in columns.items()}
    return Source(file=file, names=names, kinds=kinds, table=pd.DataFrame(series))


def _what(file: Path) -> str:
    return "a folder" if file.is_dir() else "no such file"


def _series(values: list[Value], kind: CellKind) -> pd.Series:
    if kind is CellKind.BYTES:
        return pd.Series([None if value is None else _text(value) for value in values], dtype="object")
    return pd.Series(values, dtype=_DTYPES[kind])


def _text(value: Value) -> str:
    assert isinstance(value, bytes)
    return value.decode()
