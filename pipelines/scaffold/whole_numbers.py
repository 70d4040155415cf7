"""Tells whole numbers that are names (codes, ids, numbers of rows) from quantities.

What a number is cannot be read from its values alone: a store may be called 101 to 140, and so may a blood pressure be.
Two things tell a code: its heading; and the label, where the values tell much of it and neighbouring values are no more
alike than any two, as in no quantity. An index is told by its order in the file: no quantity counts up.
"""

import numpy as np
import pandas as pd

from pipelines.scaffold.headings import last_word, names_a_code, names_a_thing, names_row_numbers

_LEAST_NAME = 1000  # under a heading such as `customer`, which may as well count them
ROWS_PER_CODE = 10  # on average; of codes that occur in fewer rows the label cannot tell anything
_COUNTED = 0.9  # share of the steps from row to row that are the same, of what numbers the rows
# Different numbers of what numbers the rows, as a share of them: five files in one count from 0 five times. With fewer
# they take turns, as the hours of a day and the stores of a week do.
_LEAST_COUNTED = 0.2
# An all-distinct column whose numbers lie as dense as this numbers its rows in another order.
_GAPS = 2.0  # numbers between the least and the greatest, for each that is there
# Variance between values over that within them (F of a one-way analysis of variance): at 3, two thirds of what differs
# between the values' mean labels is theirs, and not chance.
_LEAST_F = 3.0
# Von Neumann's ratio of the mean labels in the order of the values, halved: 1 where neighbours are as unlike as any
# two, near 0 along a smooth curve. Von Neumann, "Distribution of the Ratio of the Mean Square Successive Difference to
# the Variance", 1941. At 20 values its standard error is 0.2.
_LEAST_RATIO = 0.7
_LEAST_KINDS = 10  # of fewer values chance alone gives such an F, and such a ratio, too often
_CALENDAR = frozenset({"year", "yr", "month", "day", "date", "hour", "time", "timestamp", "age"})


def are_named(heading: str, present: pd.Series) -> bool:
    """Whether the heading says that the numbers are names: a `customer` of four digits or more counts no customers."""
    return names_a_code(heading) or (names_a_thing(heading) and bool((present.abs() >= _LEAST_NAME).all()))


def explain_row_number(heading: str, values: pd.Series) -> str:
    """Says why a column numbers or names the rows; empty where it does not.

    Args:
        heading: of the column in the file.
        values: whole numbers in the order of the rows, missing ones among them.
    """
    present = values.dropna()
    numbers = present.to_numpy("float64")
    steps = np.diff(numbers)
    distinct, rows = len(np.unique(numbers)), len(numbers)
    if names_a_code(heading) and distinct > rows / 2:
        return f"{distinct:,} different numbers in {rows:,} rows: an id, of which other rows have others"
    if last_word(heading) in _CALENDAR or not len(steps):
        return ""
    named = names_row_numbers(heading)
    step = float(np.median(steps))
    counted = step != 0 and float((steps == step).mean()) >= _COUNTED and distinct >= _LEAST_COUNTED * rows
    if counted and (abs(step) == 1 or named or distinct == rows):
        return f"it counts the rows, {_format(numbers[:3])} and so on: an index, of which other rows have other values"
    if distinct < rows or (rows < len(values) and not named):
        return ""
    if (steps > 0).all() or (steps < 0).all():
        word = "grows" if steps[0] > 0 else "falls"
        return f"it {word} from every row to the next: an index, or what the file is sorted by"
    if numbers.max() - numbers.min() < _GAPS * rows:
        return (
            f"it is another of the numbers {_format([numbers.min()])} to {_format([numbers.max()])} in every row: an id"
        )
    return ""


def find_leading_zero(present: pd.Series) -> str:
    """Says that texts of digits only are texts for their leading zeros; empty where they are not."""
    digits = present.str.fullmatch("[0-9]+")
    padded = present[present.str.fullmatch("0[0-9]+")]
    if not digits.all() or padded.empty:
        return ""
    return f"numbers that are names, since some begin with 0, such as {padded.iloc[0]!r}; quantities have no such zeros"


def neighbours_are_unlike(values: pd.Series, labels: pd.Series) -> bool:
    """Whether the values tell much of the label, and their order tells nothing of it.

    Args:
        values: whole numbers; the index tells the rows.
        labels: numbers, or classes, of all rows.
    """
    _, kinds, rows = np.unique(values.to_numpy("float64"), return_inverse=True, return_counts=True)
    if len(rows) < _LEAST_KINDS or len(values) < ROWS_PER_CODE * len(rows):
        return False
    # The means of rare values are chance. Among a city's areas the rare ones would hide what the others show.
    values = values[rows[kinds.reshape(-1)] >= ROWS_PER_CODE]
    _, groups, counts = np.unique(values.to_numpy("float64"), return_inverse=True, return_counts=True)
    groups = groups.reshape(-1)
    if len(counts) < _LEAST_KINDS:
        return False
    targets = _as_numbers(labels.loc[values.index])
    means = np.stack([np.bincount(groups, target) / counts for target in targets.T], axis=1)
    within = float(((targets - means[groups]) ** 2).sum()) / (len(values) - len(counts))
    between = float((counts[:, None] * (means - targets.mean(axis=0)) ** 2).sum()) / (len(counts) - 1)
    spread = float(((means - means.mean(axis=0)) ** 2).sum()) / (len(counts) - 1)
    if spread == 0 or between < _LEAST_F * within:
        return False
    successive = float((np.diff(means, axis=0) ** 2).sum()) / (2 * (len(counts) - 1))
    return successive / spread > _LEAST_RATIO


def _as_numbers(labels: pd.Series) -> np.ndarray:
    """[rows, outputs]: the number itself where there are many, otherwise zeros and ones for each class."""
    different = labels.unique()
    if len(different) > 20 and pd.api.types.is_numeric_dtype(labels):
        return labels.to_numpy("float64")[:, None]
    return np.stack([(labels == value).astype("float64").to_numpy() for value in different], axis=1)


def _format(numbers: np.ndarray | list[float]) -> str:
    return ", ".join(str(int(number)) for number in numbers)
