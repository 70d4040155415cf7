"""Find the cells that explain a refusal: those that break a rule of the contract for single rows."""

import dataclasses
from collections.abc import Callable, Collection, Iterator, Sequence

from tensorflow_metadata.proto.v0 import schema_pb2

from components.csv_example_gen.csv_files import read_cells
from components.csv_example_gen.csv_values import CellError, Value, convert
from components.csv_example_gen.file_contents import SourceError
from components.csv_example_gen.reading_rules import ReadingRules
from components.csv_example_gen.records import read_header
from serving.contract import dates
from serving.contract.domains import known_strings, number_range

MOST_ROWS = 1000  # listed at most; the rest is only counted


@dataclasses.dataclass(frozen=True, kw_only=True)
class BlamedCell:
    """A cell that breaks a rule."""

    file: str
    line: int  # in a Parquet file, the number of the row
    column: str
    cell: str  # as the file has it
    expected: str

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}, column {self.column}: expected {self.expected}, received {self.cell!r}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class BlamedRows:
    """The cells of a span that break a rule."""

    cells: Sequence[BlamedCell] = ()  # the first MOST_ROWS
    total: int = 0  # number of all such cells
    unread: str = ""  # why a file could not be read to its end; empty if all were read


def find_blamed_rows(
    files: Sequence[str], schema: schema_pb2.Schema, columns: Collection[str] | None = None
) -> BlamedRows:
    """Return the cells of a span that break a rule of the contract.

    Args:
        files: of the span.
        schema: the contract.
        columns: columns to check; None: all.
    """
    rules = ReadingRules.from_schema(schema)
    wanted = {feature.name: feature for feature in schema.feature if columns is None or feature.name in columns}
    cells: list[BlamedCell] = []
    total, unread = 0, ""
    for file in files if wanted else ():
        try:
            for cell in _read_blamed(file, schema, rules, wanted):
                total += 1
                if len(cells) < MOST_ROWS:
                    cells.append(cell)
        except SourceError as error:
            unread = str(error)
    return BlamedRows(cells=cells, total=total, unread=unread)


def _read_blamed(
    file: str, schema: schema_pb2.Schema, rules: ReadingRules, wanted: dict[str, schema_pb2.Feature]
) -> Iterator[BlamedCell]:
    header = read_header(file)
    for lines, columns in read_cells(file, header):
        for name, cells in zip(header, columns, strict=True):
            if name not in wanted:
                continue
            for position, expected in _find_faults(cells, wanted[name], schema, rules):
                yield BlamedCell(file=file, line=lines[position], column=name, cell=cells[position], expected=expected)


def _find_faults(
    cells: Sequence[str], feature: schema_pb2.Feature, schema: schema_pb2.Schema, rules: ReadingRules
) -> Iterator[tuple[int, str]]:
    """Yield the position of each cell that breaks a rule, and what the rule expects."""
    kind = rules.kinds.get(feature.name)
    if kind is None:
        return
    try:
        values: Sequence[Value | CellError] = convert(cells, kind, rules.missing, rules.formats.get(feature.name))
    except CellError:  # Convert each cell by itself, to find those that are not of the type.
        values = [_convert_one(cell, feature.name, rules) for cell in cells]
    explain = _make_rule(feature, schema, rules)
    for position, value in enumerate(values):
        if (expected := explain(value)) is not None:
            yield position, expected


def _make_rule(
    feature: schema_pb2.Feature, schema: schema_pb2.Schema, rules: ReadingRules
) -> Callable[[Value | CellError], str | None]:
    """Return a function from a value of the column to what the contract expects instead, or None if it is allowed."""
    kind, written = rules.kinds[feature.name].name, rules.dates.get(feature.name)
    known, bounds = known_strings(feature, schema), number_range(feature)

    def explain(value: Value | CellError) -> str | None:
        if isinstance(value, CellError):
            return kind
        if value is None:
            return "a value in every row" if feature.presence.min_fraction == 1 else None
        if bounds is not None and not isinstance(value, bytes) and not bounds[0] <= value <= bounds[1]:
            return f"{bounds[0]:.15g} to {bounds[1]:.15g}"
        text = value.decode() if isinstance(value, bytes) else str(value)
        if known and text not in known:
            return f"one of the {len(known)} values of its domain"
        return dates.describe(written) if written and dates.parse(text, written) is None else None

    return explain


def _convert_one(cell: str, name: str, rules: ReadingRules) -> Value | CellError:
    try:
        return convert([cell], rules.kinds[name], rules.missing, rules.formats.get(name))[0]
    except CellError as error:
        return error
