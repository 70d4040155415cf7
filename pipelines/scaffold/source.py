"""Read a new task's file of rows as the pipeline's ExampleGen will read it."""

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

LEAST_ROWS = 100  # a third is the eval split; with fewer rows its metrics are mostly chance
_DTYPES = {CellKind.INT: "Int64", CellKind.FLOAT: "float64", CellKind.BYTES: "object", CellKind.EMPTY: "object"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Source:
    """The rows of a file, and how its cells are read.

    Attributes:
        file: Path of the file.
        names: Heading in the file -> name of the column in the task, in the file's order.
        kinds: Type by name.
        table: The rows, with the columns' names; missing values are NA, NaN or None.
        missing: Cells with each spelling of "missing", by name; only columns that have some.
        words: Cells with spellings that mean "missing" elsewhere and are values here, by name; only columns with some.
        formats: Number format by name; only columns whose numbers are not plain.
        examples: One cell of each column in `formats`, by name.
        cells: Texts of each column of whole numbers, by name, since codes are read as texts.
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
        """The headings that are no valid names of a model's inputs, with the names that replace them."""
        return {heading: name for heading, name in self.names.items() if heading != name}

    def file_name(self, task: str, outside: Path | None) -> str:
        """Return the file name of the task's copy; its ending is the file's, or `.csv` if headings were renamed."""
        name = self.file.name.lower()
        ending = next((end for end in ENDINGS if name.endswith(end)), ENDINGS[0])
        return f"{task}{ENDINGS[0] if self.renamed and not outside else ending}"

    def read_as_text(self, name: str) -> pd.Series:
        """Read a column of whole numbers as texts, as the pipeline does if the contract says BYTES: spaces are kept."""
        missing = frozenset(spelling for found in self.missing.values() for spelling in found)
        return _series(convert(self.cells[name], CellKind.BYTES, missing), CellKind.BYTES)

    def column(self, label: str) -> str:
        """Return the name of the column with this heading or name.

        Raises:
            ScaffoldError: The file has no such column.
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
    """Read a whole file, and infer the columns' types, number formats and missing cells.

    Args:
        file: CSV or Parquet.
        text: Headings or names of columns that are text, whatever their cells look like.

    Returns:
        The rows, with the columns' names in the task.

    Raises:
        ScaffoldError: The file does not exist or has too few rows, a column in `text` does not exist, or find_rules
            raises it.
        SourceError: components.csv_example_gen.csv_files cannot read the file.
    """
    if not file.is_file():
        raise ScaffoldError(f"{file}: expected a CSV or Parquet file, received {_what(file)}. Name a file as CSV.")
    (path,) = find_files(file)
    headings = read_header(path)
    names = make_column_names(headings)
    if unknown := [each for each in text if each not in headings and each not in names.values()]:
        raise ScaffoldError(
            f"{file}: expected a column {unknown[0]!r} to read as text, received the columns {', '.join(headings)}. "
            "Name one of them as TEXT."
        )
    columns = _read_cells(path, headings)
    if len(columns[0].texts) < LEAST_ROWS:
        raise ScaffoldError(
            f"{file}: expected {LEAST_ROWS} rows or more, received {len(columns[0].texts)}: a third of them evaluates "
            "the model, and the metrics of so few rows are mostly chance. Add rows."
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
    """Convert a column as the pipeline does, and raise SourceError where the pipeline would."""
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
