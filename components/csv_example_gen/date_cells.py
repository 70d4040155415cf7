"""Check that a column's dates and times are in the contract's format."""

from collections.abc import Sequence

from components.csv_example_gen.csv_values import Value
from components.csv_example_gen.file_contents import SourceError
from components.csv_example_gen.reading_rules import ReadingRules
from components.csv_example_gen.records import locate_record
from serving.contract import dates


def check_dates(file: str, name: str, rules: ReadingRules, lines: Sequence[int], values: Sequence[Value]) -> None:
    """Refuse a value that is not a date in the format, for which a model would get NaN.

    Args:
        file: the file of the values.
        name: name of the column.
        rules: have the format of its dates; see serving.contract.dates.
        lines: line of each value, as `locate_record` takes it.
        values: texts or whole numbers; None for a missing value, which is allowed.

    Raises:
        SourceError: A value is not a date. The message has the line, the column and the cell of the first.
    """
    written = rules.dates[name]
    for line, value in zip(lines, values, strict=True):
        if value is None:
            continue
        text = value.decode() if isinstance(value, bytes) else str(value)
        if dates.parse(text, written) is None:
            raise SourceError(
                f"{locate_record(file, line)}, column `{name}`: expected {dates.describe(written)}, as the "
                f"contract says, received {text!r}. {rules.suggest_correction(name)}"
            )
