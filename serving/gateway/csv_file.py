"""Read a CSV file from a request, and append columns to it."""

import csv
import dataclasses
import io
import itertools
from collections.abc import Collection, Mapping, Sequence

from serving.contract import Contract, Feature, Kind, Row, Value
from serving.csv_text import signatures
from serving.csv_text.cells import is_missing, read_float, read_integer
from serving.csv_text.lines import (
    BYTE_ORDER_MARK,
    SAMPLE_LINES,
    CsvTextError,
    decode_lines,
    split_records,
    take_separator,
)
from serving.gateway.problems import FieldProblem, ProblemError
from serving.gateway.row_validator import refuse_rows

INVALID_CSV = "invalid_csv"  # code: the body cannot be divided into cells


@dataclasses.dataclass(frozen=True, kw_only=True)
class CsvFile:
    """The cells of a file as text, and the file's format."""

    header: list[str]
    lines: list[int]  # the first line of each row, from 1
    cells: list[list[str]]  # of each row, as many as the header has
    separator: str
    names_separator: bool  # the file begins with a line such as sep=;
    has_mark: bool  # the file begins with a byte order mark, by which Excel recognizes UTF-8

    def rows(self, contract: Contract) -> list[Row]:
        """Read the values of the contract's columns; skip other columns.

        A cell that should be a number and is not stays a string, so that validation reports it.

        Args:
            contract: the features of a row.

        Returns:
            The rows; a missing value has no key.
        """
        places = {name: place for place, name in enumerate(self.header)}
        columns = [(feature, places[feature.name]) for feature in contract.features if feature.name in places]
        rows: list[Row] = []
        for cells in self.cells:
            values = {
                feature.name: read_cell(cells[place], feature, contract.missing.cells) for feature, place in columns
            }
            rows.append({name: value for name, value in values.items() if value is not None})
        return rows

    def append(self, columns: Mapping[str, Sequence[str]]) -> bytes:
        """Write the file with added columns, in its own format.

        Args:
            columns: name -> a cell for each row.

        Returns:
            The file's bytes.
        """
        text = io.StringIO()
        if self.names_separator:
            text.write(f"sep={self.separator}\r\n")
        writer = csv.writer(text, delimiter=self.separator)
        writer.writerow([*self.header, *columns])
        writer.writerows(
            [*cells, *more] for cells, more in zip(self.cells, zip(*columns.values(), strict=True), strict=True)
        )
        return (BYTE_ORDER_MARK if self.has_mark else b"") + text.getvalue().encode()


def read_csv(body: bytes, most_rows: int) -> CsvFile:
    """Divide a file into cells.

    Args:
        body: the file's bytes.
        most_rows: the limit of rows.

    Returns:
        The cells.

    Raises:
        ProblemError: 400, the file is not CSV in UTF-8; 413, it has too many rows; 422, it has no rows, or rows whose
            number of cells differs from the header's.
    """
    if fault := signatures.find_fault(body[: signatures.HEAD_BYTES]):
        raise ProblemError(400, INVALID_CSV, f"The file is not CSV: {fault}")
    try:
        return _read(body, most_rows)
    except CsvTextError as error:
        raise ProblemError(400, INVALID_CSV, f"The file cannot be read: {error}") from error


def read_cell(cell: str, feature: Feature, missing: Collection[str]) -> Value | None:
    """Read a cell as training does; return None for a missing value, and the cell itself if it is not a number."""
    if is_missing(cell, missing):
        return None
    if feature.kind is Kind.BYTES:
        return cell
    try:
        text = feature.number_format.normalise(cell) if feature.number_format else cell
        return read_integer(text) if feature.kind is Kind.INT else read_float(text)
    except ValueError:
        return cell


def _read(body: bytes, most_rows: int) -> CsvFile:
    decoded = decode_lines(io.BytesIO(body))
    sample = list(itertools.islice(decoded, SAMPLE_LINES))
    first = sample[:1]
    try:
        separator = take_separator(sample)
    except ValueError as error:
        raise CsvTextError(f"{error}.") from error
    records = split_records(itertools.chain(sample, decoded), separator)
    header = next((cells for _, _, cells in records), None)
    if header is None:
        raise ProblemError(422, "no_rows", "The file is empty: expected a line of column names, and rows below it.")
    found = list(itertools.islice(records, most_rows + 1))
    if not found:
        raise ProblemError(422, "no_rows", "The file has no rows: expected at least one below the column names.")
    if len(found) > most_rows:
        raise ProblemError(
            413,
            "too_many_rows",
            f"The file has too many rows: expected at most {most_rows:,}, received more; send several files.",
        )
    ragged = [
        FieldProblem(
            row=row,
            field="",
            expected=f"{len(header)} cells, as in the first line (quote a cell that contains the separator)",
            received=f"{len(cells)}",
            line=line,
        )
        for row, (line, _, cells) in enumerate(found)
        if len(cells) != len(header)
    ]
    if ragged:
        raise refuse_rows(ragged, len(ragged))
    return CsvFile(
        header=header,
        lines=[line for line, _, _ in found],
        cells=[cells for _, _, cells in found],
        separator=separator,
        names_separator=sample[:1] != first,
        has_mark=body.startswith(BYTE_ORDER_MARK),
    )
