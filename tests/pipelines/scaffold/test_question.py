"""Which problem a label asks, and which labels ask none."""

from pathlib import Path

import pandas as pd
import pytest

from components.csv_example_gen.csv_files import CellKind
from pipelines.scaffold.errors import ScaffoldError
from pipelines.scaffold.question import choose_problem
from pipelines.scaffold.text_labels import describe_place
from pipelines.task_definition.problem import BINARY, MULTICLASS, REGRESSION


@pytest.mark.parametrize(
    ("values", "kind", "problem", "classes", "reason"),
    [
        (["no", "yes"] * 50, CellKind.BYTES, BINARY, ("no", "yes"), "the label has two values"),
        ([1, 0] * 50, CellKind.INT, BINARY, (0, 1), "the label has two values"),
        ([1.5, 0.5] * 50, CellKind.FLOAT, BINARY, (0.5, 1.5), "the label has two values"),
        (["b", "a", "c"] * 30, CellKind.BYTES, MULTICLASS, ("a", "b", "c"), "the label is text, 3 different ones"),
        (
            [10, 2, 3] * 30,
            CellKind.INT,
            MULTICLASS,
            (2, 3, 10),
            "the label has 3 different whole numbers, each in 30 rows or more",
        ),
        (list(range(21)) * 10, CellKind.INT, REGRESSION, (), "the label is a number with 21 different values"),
        ([1, 2, 3, 4] * 30 + [5], CellKind.INT, REGRESSION, (), "the label is a number with 5 different values"),
        ([1.0, 2.0, 3.5] * 30, CellKind.FLOAT, REGRESSION, (), "the label is a number with 3 different values"),
    ],
)
def test_told_by_the_values(values: list, kind: CellKind, problem: str, classes: tuple, reason: str) -> None:
    found = choose_problem("y", pd.Series(values), kind)
    assert (found.problem, found.classes, found.reason) == (problem, classes, reason)


def test_somebody_may_know_better() -> None:
    found = choose_problem("y", pd.Series([1, 2, 3] * 30), CellKind.INT, REGRESSION)
    assert (found.problem, found.classes, found.reason) == (REGRESSION, (), "you said so")
    assert choose_problem("y", pd.Series([1, 2] * 30), CellKind.INT, MULTICLASS).classes == (1, 2)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            ["yes", "Yes", " yes", "no"] * 20,
            "expected one spelling of each class, received some that differ only in case or spaces, with their number "
            "of rows: 'yes' (20), 'Yes' (20), ' yes' (20). Write each class in one way.",
        ),
        (
            ["yes", "no"] * 20 + ["NaN"],
            "received 'NaN' in 1 of 41 rows, the first of them row 41, which means that the value is missing",
        ),
        (["yes", " N/A ", "no"] * 20, "received ' N/A ' in 20 of 60 rows, the first of them row 2, which means"),
        (
            [str(n) for n in range(200)] + ["N/A"],
            "received 'N/A' in 1 of 201 rows, the first of them row 201, which means",
        ),
        (
            [str(n / 2) for n in range(200)] + ["sold"],
            "expected numbers, as in 200 of 201 rows, received 'sold' in row 201. Correct the cell, or remove the row.",
        ),
    ],
)
def test_labels_that_are_spelled_in_several_ways(values: list, message: str) -> None:
    with pytest.raises(ScaffoldError) as error:
        choose_problem("y", pd.Series(values, dtype="object"), CellKind.BYTES)
    assert str(error.value).startswith("label y: ")
    assert message in str(error.value)


@pytest.mark.parametrize("values", [["none", "mild"] * 20, ["-", "+"] * 20, ["1", "2", "x"] * 20, [" a", " b"] * 20])
def test_classes_that_only_look_odd(values: list) -> None:
    assert choose_problem("y", pd.Series(values, dtype="object"), CellKind.BYTES).classes == tuple(sorted(set(values)))


def test_a_place_names_the_line(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text('a,y\n"two\nlines",1\n\nx,\n')
    assert describe_place(tmp_path / "rows.csv", 1, 0) == "row 1 (line 2, '1')"
    assert describe_place(tmp_path / "rows.csv", 1, 1) == "row 2 (line 5)"


@pytest.mark.parametrize(
    ("values", "kind", "wanted", "message"),
    [
        (["a", None, "b", None], CellKind.BYTES, None, "received none in 2 of 4 rows, the first of them row 2"),
        (["a"] * 9, CellKind.BYTES, None, "expected different values, received 'a' in each of 9 rows"),
        ([2.5] * 9, CellKind.FLOAT, None, "expected different values, received 2.5 in each of 9 rows"),
        ([1] * 30 + [2] * 9, CellKind.INT, MULTICLASS, "expected 10 rows or more of each class, received 9 of 2."),
        (["a"] * 30 + ["b"] * 9, CellKind.BYTES, None, "expected 10 rows or more of each class, received 9 of 'b'"),
        (
            [f"x{n}" for n in range(200)],
            CellKind.BYTES,
            None,
            "at most 100 classes, received 200 different values in 200",
        ),
        (["a", "b", "c"] * 20, CellKind.BYTES, BINARY, "expected 2 different values, received 3"),
        (["a", "b", "c"] * 20, CellKind.BYTES, REGRESSION, "expected numbers only, received text such as 'a'"),
    ],
)  # fmt: skip
def test_a_label_that_cannot_be_learned(values: list, kind: CellKind, wanted: str | None, message: str) -> None:
    with pytest.raises(ScaffoldError) as error:
        choose_problem("y", pd.Series(values, dtype="object"), kind, wanted)
    assert str(error.value).startswith("label y: ")
    assert message in str(error.value)
