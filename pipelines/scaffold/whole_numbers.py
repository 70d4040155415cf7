"""Tell whole numbers that are codes, ids or row numbers from quantities.

The values alone do not say which: 101 to 140 may be stores or blood pressures. A column holds codes if its heading says
so, or if its values predict the label well although neighbouring values are no more alike than any two. A column holds
row numbers if its values count up in the file's order.
"""

import numpy as np
import pandas as pd

from pipelines.scaffold.headings import last_word, names_a_code, names_a_thing, names_row_numbers

_LEAST_NAME = 1000  # smallest code under a heading such as `customer`; smaller numbers may count customers
ROWS_PER_CODE = 10  # on average; codes in fewer rows say nothing about the label
_COUNTED = 0.9  # share of the steps between rows that are equal, in a column that numbers the rows
# Different row numbers, as a share of the rows: five files concatenated into one count from 0 five times. With fewer,
# the values are a cycle, such as the hours of a day.
_LEAST_COUNTED = 0.2
# An all-distinct column with this density of numbers numbers its rows in another order.
_GAPS = 2.0  # largest range of the numbers, per row
# Variance between values over that within them (F of a one-way analysis of variance): at 3, two thirds of the variance
# of the values' mean labels is not chance.
_LEAST_F = 3.0
# Von Neumann's ratio of the mean labels in the order of the values, halved: 1 if neighbours are as unlike as any two,
# near 0 along a smooth curve. Von Neumann, "Distribution of the Ratio of the Mean Square Successive Difference to the
# Variance", 1941. With 20 values its standard error is 0.2.
_LEAST_RATIO = 0.7
_LEAST_KINDS = 10  # with fewer values, chance alone gives such an F and such a ratio too often
_CALENDAR = frozenset({"year", "yr", "month", "day", "date", "hour", "time", "timestamp", "age"})


def are_named(heading: str, present: pd.Series) -> bool:
    """Return whether the heading says that the numbers are codes; under `customer`, only if all are 1000 or more."""
    return names_a_code(heading) or (names_a_thing(heading) and bool((present.abs() >= _LEAST_NAME).all()))


def explain_row_number(heading: str, values: pd.Series) -> str:
    """Say why a column's values are row numbers or ids of rows.

    Args:
        heading: Heading of the column in the file.
        values: Whole numbers in the order of the rows, with the missing ones.

    Returns:
        Empty if they are neither.
    """
    present = values.dropna()
    numbers = present.to_numpy("float64")
    steps = np.diff(numbers)
    distinct, rows = len(np.unique(numbers)), len(numbers)
    if names_a_code(heading) and distinct > rows / 2:
        return f"{distinct:,} different numbers in {rows:,} rows: an id, which will be different in other rows"
    if last_word(heading) in _CALENDAR or not len(steps):
        return ""
    named = names_row_numbers(heading)
    step = float(np.median(steps))
    counted = step != 0 and float((steps == step).mean()) >= _COUNTED and distinct >= _LEAST_COUNTED * rows
    if counted and (abs(step) == 1 or named or distinct == rows):
        return f"it counts the rows, {_format(numbers[:3])} and so on: an index, which will be different in other rows"
    if distinct < rows or (rows < len(values) and not named):
        return ""
    if (steps > 0).all() or (steps < 0).all():
        word = "grows" if steps[0] > 0 else "falls"
        return f"it {word} from every row to the next: an index, or the column that the file is sorted by"
    if numbers.max() - numbers.min() < _GAPS * rows:
        return (
            f"it is a different number from {_format([numbers.min()])} to {_format([numbers.max()])} in every row: "
            "an id"
        )
    return ""


def find_leading_zero(present: pd.Series) -> str:
    """Say that texts of digits are codes, since some have leading zeros; return an empty string if they are not."""
    digits = present.str.fullmatch("[0-9]+")
    padded = present[present.str.fullmatch("0[0-9]+")]
    if not digits.all() or padded.empty:
        return ""
    return f"codes, since some begin with 0, such as {padded.iloc[0]!r}; quantities have no leading zeros"


def neighbours_are_unlike(values: pd.Series, labels: pd.Series) -> bool:
    """Return whether the values predict the label, and neighbouring values are no more alike than any two.

    Args:
        values: Whole numbers; the index says which rows they are of.
        labels: Numbers or classes of all rows.
    """
    _, kinds, rows = np.unique(values.to_numpy("float64"), return_inverse=True, return_counts=True)
    if len(rows) < _LEAST_KINDS or len(values) < ROWS_PER_CODE * len(rows):
        return False
    # The mean labels of rare values are mostly chance, and would hide the differences between the others.
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
    """Return [rows, outputs]: the number itself if there are many different ones, otherwise one-hot classes."""
    different = labels.unique()
    if len(different) > 20 and pd.api.types.is_numeric_dtype(labels):
        return labels.to_numpy("float64")[:, None]
    return np.stack([(labels == value).astype("float64").to_numpy() for value in different], axis=1)


def _format(numbers: np.ndarray | list[float]) -> str:
    return ", ".join(str(int(number)) for number in numbers)
