"""Checks that a column's dates and times are written as the contract says."""

from collections.abc import Sequence

from components.csv_example_gen.csv_values import Value
from components.csv_example_gen.file_contents import SourceError
from components.csv_example_gen.records import locate_record
from serving.contract import dates


def check_dates(file: str, name: str, written: str, lines: Sequence[int], values: Sequence[Value]) -> None:
    """Raise at the first value that is no date: a model would be given NaN in its place.

    Args:
        file: that holds the values.
        name: of the column.
        written: how dates are written; see serving.contract.dates.
        lines: of the values, as `locate_record` takes them.
        values: texts or whole numbers.

    Raises:
        SourceError: Names line, column and cell.
    """
    for line, value in zip(lines, values, strict=True):
        if value is None:
            continue
        text = value.decode() if isinstance(value, bytes) else str(value)
        if dates.parse(text, written) is None:
            raise SourceError(
                f"{locate_record(file, line)}, column `{name}`: expected a date or time written {written}, as the "
                f"contract says, received {text!r}. Correct the cell, or leave it empty to say that the "
                "value is missing."
            )
