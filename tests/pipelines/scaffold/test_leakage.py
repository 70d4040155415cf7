"""Which columns are suspected of giving the answer away."""

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_iris

from components.csv_example_gen.csv_files import CellKind
from pipelines.scaffold.leakage import explain_suspicion
from pipelines.scaffold.question import choose_problem

ROWS = 400
RANDOM = np.random.default_rng(5)
CLASSES = pd.Series(RANDOM.choice(["a", "b", "c"], ROWS))
FLAG = pd.Series(RANDOM.integers(0, 2, ROWS), dtype="Int64")
PRICE = pd.Series(np.exp(RANDOM.normal(size=ROWS)) * 100)


@pytest.mark.parametrize(
    ("labels", "kind", "values", "suspected"),
    [
        (CLASSES, CellKind.BYTES, CLASSES.map({"a": "x", "b": "y", "c": "z"}), True),
        (CLASSES, CellKind.BYTES, CLASSES.map({"a": "x", "b": "y", "c": "x"}), False),
        (FLAG, CellKind.INT, FLAG * 10.0 + RANDOM.normal(size=ROWS), True),
        (FLAG, CellKind.INT, FLAG * 2.0 + RANDOM.normal(size=ROWS), False),
        (FLAG, CellKind.INT, pd.Series(RANDOM.choice(["p", "q"], ROWS)).where(FLAG == 1), True),  # filled in afterwards
        (FLAG, CellKind.INT, pd.Series(RANDOM.choice(["p", "q"], ROWS)), False),
        (FLAG, CellKind.INT, pd.Series(RANDOM.normal(size=ROWS)), False),
        (PRICE, CellKind.FLOAT, PRICE * 1.2 + 3, True),
        (PRICE, CellKind.FLOAT, PRICE + 60 * RANDOM.normal(size=ROWS), False),
        (PRICE, CellKind.FLOAT, pd.Series(RANDOM.normal(size=ROWS)), False),
    ],
)
def test_columns(labels: pd.Series, kind: CellKind, values: pd.Series, suspected: bool) -> None:
    question = choose_problem("y", labels, kind)
    assert bool(explain_suspicion(values, labels, question)) is suspected


@pytest.mark.parametrize("load", [load_iris, load_breast_cancer])
def test_honest_columns_are_not_suspected(load) -> None:
    table = load(as_frame=True).frame
    labels = table.pop("target").astype("Int64")
    question = choose_problem("target", labels, CellKind.INT)
    assert {name: found for name in table if (found := explain_suspicion(table[name], labels, question))} == {}


def test_what_it_says() -> None:
    question = choose_problem("y", PRICE, CellKind.FLOAT)
    assert explain_suspicion(PRICE * 2, PRICE, question) == "alone it explains 100.0% of the label's variance"
    question = choose_problem("y", FLAG, CellKind.INT)
    assert explain_suspicion(FLAG, FLAG, question) == "alone it separates the classes with an AUC of 1.000"
