"""Three data sets that scikit-learn ships, one for each kind of problem, as somebody's CSV files would be."""

from pathlib import Path

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


def _written(table, file: Path) -> Path:  # type: ignore[no-untyped-def]
    table.to_csv(file, index=False)
    return file
