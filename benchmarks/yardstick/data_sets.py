"""The rows of each task as CSV files: the shipped taxi trips, and scikit-learn's data sets."""

import csv
from collections.abc import Callable
from pathlib import Path

from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine

from data import taxi


def write_fares(folder: Path) -> Path:
    """Write the taxi trips without their tips; the label is the fare in dollars."""
    trips = taxi.prepare(folder / "trips") / taxi.FILE_NAME
    file = folder / "fare.csv"
    with trips.open(newline="", encoding="utf-8") as source, file.open("w", newline="", encoding="utf-8") as target:
        rows = csv.DictReader(source)
        names = [name for name in rows.fieldnames or () if name != "tips"]
        writer = csv.DictWriter(target, names, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    return file


def write_wine(folder: Path) -> Path:
    """Write 178 wines of three cultivars."""
    bunch = load_wine(as_frame=True)
    rows = bunch.frame.assign(cultivar=bunch.target_names[bunch.target]).drop(columns="target")
    rows.to_csv(folder / "wine.csv", index=False)
    return folder / "wine.csv"


def write_breast_cancer(folder: Path) -> Path:
    """Write 569 tumours, benign or malignant."""
    bunch = load_breast_cancer(as_frame=True)
    rows = bunch.frame.assign(diagnosis=bunch.target_names[bunch.target]).drop(columns="target")
    rows.to_csv(folder / "breast_cancer.csv", index=False)
    return folder / "breast_cancer.csv"


def write_diabetes(folder: Path) -> Path:
    """Write 442 patients; the label is the progress of their disease after a year."""
    load_diabetes(as_frame=True, scaled=False).frame.to_csv(folder / "diabetes.csv", index=False)
    return folder / "diabetes.csv"


# Name of the new task -> the function that writes its rows, and the label's column.
NEW_TASKS: dict[str, tuple[Callable[[Path], Path], str]] = {
    "fare": (write_fares, "fare"),
    "wine": (write_wine, "cultivar"),
    "breast_cancer": (write_breast_cancer, "diagnosis"),
    "diabetes": (write_diabetes, "target"),
}
