"""Reads the rows of a new task: a file, as the pipeline's ExampleGen will read it."""

import collections
import dataclasses
from collections.abc import Collection, Sequence
from pathlib import Path

import pandas as pd

from components.csv_example_gen.csv_files import ENDINGS, CellKind, check_precision, find_files, read_cells
from components.csv_example_gen.csv_values import Value, convert, to_array
from components.csv_example_gen.float_precision import Float32Precision
from components.csv_example_gen.reading_rules import ReadingRules
from components.csv_example_gen.records import read_header
from pipelines.scaffold.cells import find_rules
from pipelines.scaffold.column_cells import Cells
from pipelines.scaffold.errors import ScaffoldError
from pipelines.scaffold.missing_cells import AMBIGUOUS, count_missing
from pipelines.scaffold.names import make_column_names
from serving.csv_text.number_formats import NumberFormat

LEAST_ROWS = 100  # two thirds of which train; with fewer, whatever the evaluation says is chance
_DTYPES = {CellKind.INT: "Int64", CellKind.FLOAT: "float64", CellKind.BYTES: "object", CellKind.EMPTY: "object"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Source:
    """A file that is whole.

    Attributes:
        file: where it lies.
        names: heading in the file -> name of the column in the task, in the file's order.
        kinds: type by name.
        table: the rows, one column by name; what is missing is NA, NaN or None.
        missing: how many cells hold which spelling of "missing", by name; columns without any are left out.
        words: so with those that could say "missing", and are values.
        formats: how numbers are written, by name; columns that write them as programs do are left out.
        examples: a cell of each of those, by name.
        cells: of each column of whole numbers as the file writes them, by name: for those that are names.
    """

    file: Path
    names: dict[str, str]
    kinds: dict[str, CellKind]
    table: pd.DataFrame
    missing: dict[str, collections.Counter[str]] = dataclasses.field(default_factory=dict)
    words: dict[str, collections.Counter[str]] = dataclasses.field(default_factory=dict)
    formats: dict[str, NumberFormat] = dataclasses.field(default_factory=dict)
    examples: dict[str, str] = dataclasses.field(default_factory=dict)
    cells: dict[str, Sequence[str]] = dataclasses.field(default_factory=dict)

    @property
    def renamed(self) -> dict[str, str]:
        """The headings that no column of a model can have, with the names that stand for them."""
        return {heading: name for heading, name in self.names.items() if heading != name}

    def file_name(self, task: str, outside: Path | None) -> str:
        """Names the task's copy by the format of the file; what had renamed headings is written as CSV."""
        name = self.file.name.lower()
        ending = next((end for end in ENDINGS if name.endswith(end)), ENDINGS[0])
        return f"{task}{ENDINGS[0] if self.renamed and not outside else ending}"

    def read_as_text(self, name: str) -> pd.Series:
        """Reads a column of whole numbers as the pipeline will where the contract says BYTES: spaces and all."""
        missing = frozenset(spelling for found in self.missing.values() for spelling in found)
        return _series(convert(self.cells[name], CellKind.BYTES, missing), CellKind.BYTES)

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


def read_source(file: Path, text: Collection[str] = ()) -> Source:
    """Reads a file from end to end, and finds out what its cells mean.

    Args:
        file: CSV or Parquet.
        text: headings or names of columns that are text, whatever their cells look like.

    Raises:
        ScaffoldError: It is no file, its rows are too few, or the numbers of a column cannot be told from text.
        SourceError: It is not what components.csv_example_gen.csv_files accepts.
    """
    if not file.is_file():
        raise ScaffoldError(f"{file}: expected a CSV or Parquet file, received {_what(file)}. Name a file as CSV.")
    (path,) = find_files(file)
    headings = read_header(path)
    names = make_column_names(headings)
    if unknown := [each for each in text if each not in headings and each not in names.values()]:
        raise ScaffoldError(
            f"{file}: expected a column {unknown[0]!r} to take for text, received the columns {', '.join(headings)}."
        )
    columns = _read_cells(path, headings)
    if len(columns[0].texts) < LEAST_ROWS:
        raise ScaffoldError(
            f"{file}: expected {LEAST_ROWS} rows or more, received {len(columns[0].texts)}: a third of them judges the "
            "model, and chance would decide. Bring more rows."
        )
    rules = find_rules(columns, [heading for heading in headings if heading in text or names[heading] in text])
    missing = count_missing(columns, rules.missing)
    words = count_missing(columns, AMBIGUOUS - rules.missing)
    return Source(
        file=file,
        names=names,
        kinds={names[heading]: kind for heading, kind in rules.kinds.items()},
        table=pd.DataFrame({names[column.heading]: _convert(column, rules) for column in columns}),
        missing={names[heading]: found for heading, found in missing.items()},
        words={names[heading]: found for heading, found in words.items()},
        formats={names[heading]: written for heading, written in rules.formats.items()},
        examples={names[column.heading]: column.present[0] for column in columns if column.heading in rules.formats},
        cells={names[each.heading]: each.texts for each in columns if rules.kinds[each.heading] is CellKind.INT},
    )


def _read_cells(path: str, headings: list[str]) -> list[Cells]:
    lines: list[int] = []
    texts: list[list[str]] = [[] for _ in headings]
    for batch_lines, batch in read_cells(path, headings):
        lines.extend(batch_lines)
        for column, cells in zip(texts, batch, strict=True):
            column.extend(cells)
    return [
        Cells(file=path, heading=heading, texts=column, lines=lines)
        for heading, column in zip(headings, texts, strict=True)
    ]


def _convert(column: Cells, rules: ReadingRules) -> pd.Series:
    """Converts a column as the pipeline will, and refuses what the pipeline would."""
    kind = rules.kinds[column.heading]
    values = convert(column.texts, kind, rules.missing, rules.formats.get(column.heading))
    if kind is CellKind.FLOAT:
        precision = Float32Precision()
        precision.add(to_array(values))
        check_precision(column.file, column.heading, precision)
    return _series(values, kind)


def _what(file: Path) -> str:
    return "a folder" if file.is_dir() else "no such file"


def _series(values: list[Value], kind: CellKind) -> pd.Series:
    if kind is CellKind.BYTES:
        return pd.Series([None if value is None else _text(value) for value in values], dtype="object")
    return pd.Series(values, dtype=_DTYPES[kind])


def _text(value: Value) -> str:
    assert isinstance(value, bytes)
    return value.decode()
