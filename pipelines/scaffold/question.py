"""Choose the kind of problem: inferred from the label's values, unless the user names it."""

import dataclasses
from collections.abc import Callable, Collection
from typing import Any

import pandas as pd

from components.csv_example_gen.csv_files import CellKind
from pipelines.scaffold.column_cells import name_text_option
from pipelines.scaffold.errors import ScaffoldError
from pipelines.scaffold.missing_cells import AMBIGUOUS
from pipelines.scaffold.text_labels import check_text_label
from pipelines.task_definition.problem import BINARY, MULTICLASS, REGRESSION

LEAST_ROWS_OF_A_CLASS = 10  # about three of them are in the eval split
MOST_WHOLE_NUMBERS = 20  # a label with more different whole numbers is a quantity
MOST_CLASSES = 100

Class = str | int | float


@dataclasses.dataclass(frozen=True, kw_only=True)
class Question:
    """The label and the kind of problem."""

    label: str  # raw column
    kind: CellKind  # type of the column
    problem: str  # one of pipelines.task_definition.problem.PROBLEMS
    classes: tuple[Class, ...]  # values of the label, in the order of the ids 0, 1, …; none for a regression
    reason: str  # why this problem was chosen, in words


def _describe_row(row: int) -> str:
    return f"row {row + 1}"


def choose_problem(
    label: str,
    values: pd.Series,
    kind: CellKind,
    wanted: str | None = None,
    *,
    place: Callable[[int], str] = _describe_row,
    spellings: Collection[str] = (),
) -> Question:
    """Choose the problem by the label's values.

    Args:
        label: Name of the column.
        values: Values of the column.
        kind: Type of the column.
        wanted: Problem that the user named, which overrides the inferred one.
        place: Describes the place of a row in its file; takes its index among the values, from 0.
        spellings: Spellings of the column's missing cells that are not empty.

    Returns:
        The problem, its classes, and why it was chosen.

    Raises:
        ScaffoldError: A value is missing or spelled in several ways, all are the same, or they do not suit the problem.
    """
    if missing := int(values.isna().sum()):
        first = int(values.isna().to_numpy().argmax())
        raise ScaffoldError(
            f"label {label}: expected a value in every row, received none in {missing:,} of {len(values):,} rows, the "
            f"first of them {place(first)}. Remove those rows: a model cannot learn from a row without a label."
            f"{_suggest_text(label, spellings)}"
        )
    if kind is CellKind.BYTES:
        check_text_label(label, values, place)
    counts = values.value_counts()
    if len(counts) == 1:
        raise ScaffoldError(
            f"label {label}: expected different values, received {_to_python(counts.index[0], kind)!r} in each of "
            f"{len(values):,} rows. Name another column as LABEL, or bring other rows."
        )
    guess, reason = _guess_problem(kind, counts)
    problem = wanted or guess
    if wanted and wanted != guess:
        reason = "you said so"
    _check_problem(label, kind, counts, problem)
    classes = () if problem == REGRESSION else tuple(sorted(_to_python(value, kind) for value in counts.index))
    return Question(label=label, kind=kind, problem=problem, classes=classes, reason=reason)


def _suggest_text(label: str, spellings: Collection[str]) -> str:
    """Say how to declare that a spelling of "missing" is a class; return an empty string if none can be."""
    classes = sorted(AMBIGUOUS.intersection(spellings))
    if not classes:
        return ""
    return f" If {' or '.join(map(repr, classes))} is a class, say that the label is text: {name_text_option(label)}."


def _guess_problem(kind: CellKind, counts: pd.Series) -> tuple[str, str]:
    many = len(counts)
    if many == 2:
        return BINARY, "the label has two values"
    if kind is CellKind.BYTES:
        return MULTICLASS, f"the label is text, {many} different ones"
    if kind is CellKind.INT and many <= MOST_WHOLE_NUMBERS and counts.min() >= LEAST_ROWS_OF_A_CLASS:
        return MULTICLASS, f"the label has {many} different whole numbers, each in {counts.min()} rows or more"
    return REGRESSION, f"the label is a number with {many:,} different values"


def _check_problem(label: str, kind: CellKind, counts: pd.Series, problem: str) -> None:
    if problem == REGRESSION:
        if kind is CellKind.BYTES:
            raise ScaffoldError(
                f"label {label}: a regression predicts a number, expected numbers only, received text such as "
                f"{_to_python(counts.index[0], kind)!r}. Choose another PROBLEM, or clean the column."
            )
        return
    if problem == BINARY and len(counts) != 2:
        raise ScaffoldError(
            f"label {label}: a binary problem has two classes, expected 2 different values, received {len(counts)}. "
            "Choose another PROBLEM, or another column as LABEL."
        )
    if len(counts) > MOST_CLASSES:
        raise ScaffoldError(
            f"label {label}: expected at most {MOST_CLASSES} classes, received {len(counts):,} different values in "
            f"{counts.sum():,} rows, which looks like names or numbers of the rows. Name another column as LABEL, or "
            "merge values."
        )
    if counts.min() < LEAST_ROWS_OF_A_CLASS:
        raise ScaffoldError(
            f"label {label}: expected {LEAST_ROWS_OF_A_CLASS} rows or more of each class, received {counts.min()} of "
            f"{_to_python(counts.index[-1], kind)!r}. Merge rare classes, remove their rows, or bring more."
        )


def _to_python(value: Any, kind: CellKind) -> Class:
    """Convert a NumPy value to Python's type, whose literal source code can hold."""
    if kind is CellKind.BYTES:
        return str(value)
    return int(value) if kind is CellKind.INT else float(value)
