"""Three data sets that scikit-learn ships, one for each kind of problem, as CSV files; and made-up, awkward ones."""

import csv
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris


def breast_cancer(file: Path) -> Path:
    """Binary: 569 tumours, 30 numbers each with spaces in their headings; the label is text."""
    table = load_breast_cancer(as_frame=True).frame
    table["diagnosis"] = table.pop("target").map({0: "malignant", 1: "benign"})
    return _written(table, file)


def iris(file: Path) -> Path:
    """Multiclass: 150 flowers, headings with brackets; the label is text."""
    bunch = load_iris(as_frame=True)
    table = bunch.frame
    table["species"] = table.pop("target").map(dict(enumerate(bunch.target_names)))
    return _written(table, file)


def diabetes(file: Path) -> Path:
    """Regression: 442 patients; every seventh blood-sugar value and every eleventh sex missing; a number of each row.

    The ward is a code: whole numbers, of which there are few.
    """
    table = load_diabetes(as_frame=True, scaled=False).frame
    table["sex"] = table["sex"].map({1.0: "female", 2.0: "male"})
    table.loc[table.index % 7 == 0, "s6"] = None
    table.loc[table.index % 11 == 0, "sex"] = None
    table["ward"] = table.index * 5 % 4 + 1
    table["patient"] = [f"p{number}" for number in table.index]
    return _written(table, file)


def awkward(file: Path) -> Path:
    """Binary: headings and cells with every sign that some language takes for its own; columns that tell nothing."""
    random = np.random.default_rng(0)
    label = random.integers(0, 2, 300)
    texts = np.array(['red "1"', "größe", "a\\b", "line\nbreak", None], dtype=object)
    lines = np.array([["a\nb", "(missing)", None], ["a\rb", "a\r\nb", r"a\nb"]], dtype=object)  # they tell the label
    columns = {
        "": range(300),
        "self": random.normal(size=300) + label,
        "class": np.where(np.arange(300) == 7, np.nan, random.integers(1, 6, 300)),  # pandas writes 1.0
        'co"lor': texts[random.integers(0, 5, 300)],
        "paid": ["N/A", *(f"{cents / 100:.2f} €".replace(".", ",") for cents in random.integers(0, 99_999, 299))],
        "lines": lines[label, np.arange(300) % 3],
        "empty": [None] * 300,
        "same": "x",
        "key": random.integers(2**60, 2**61, 300),
        "day off": pd.date_range("2024-01-01", periods=300, freq="31h").strftime("%d.%m.%Y %H:%M"),
        "posted at": [None if n % 7 == 0 else 1_700_000_000 + 9000 * (n * n % 500) for n in range(300)],
        "tags": np.array(["a|b (c)", "b (c)", "a|größe|b (c)", "größe", None, "größe|a"])[random.integers(0, 6, 300)],
        "zip": np.array(["02134", "94103", "10001"])[random.integers(0, 3, 300)],
        "Store No.": np.array([1017, 2044, 5120, 9999])[random.integers(0, 4, 300)],
        "tail": np.exp(2 * random.normal(size=300)),
        "out come": np.array(['it\'s "yes"', "no | way"])[label],
    }
    table = pd.DataFrame(columns).astype({"posted at": "Int64"})
    table.to_csv(file, index=False, quoting=csv.QUOTE_NONNUMERIC)  # or pandas does not quote \r
    return file


def words(file: Path) -> Path:
    """Multiclass: text columns only; the label is a whole number."""
    random = np.random.default_rng(1)
    grade = random.integers(1, 4, 300)
    columns = {"a": np.array(["x", "y", "z"])[grade - 1], "b": np.array(["p", "q"])[grade % 2], "grade": grade}
    return _written(pd.DataFrame(columns), file)


def codes(file: Path) -> Path:
    """Binary: one column, whole numbers of few kinds; the label is 0 or 1."""
    code = np.random.default_rng(2).integers(0, 5, 300)
    return _written(pd.DataFrame({"code": code, "flag": code % 2}), file)


def _written(table, file: Path) -> Path:
    table.to_csv(file, index=False)
    return file
