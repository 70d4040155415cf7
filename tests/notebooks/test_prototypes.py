from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from notebooks import prototypes
from notebooks.prototypes import PrototypeError
from pipelines.task_definition.problem import BINARY, MULTICLASS, REGRESSION

RECORDS = [b"one", b"two", b"three"]
PREDICTIONS = np.array([0.1, 0.5, 1.0])


def test_what_is_saved_is_read_again(tmp_path: Path) -> None:
    path = prototypes.save_predictions(tmp_path, "taxi", "trees", PREDICTIONS, RECORDS, problem=BINARY)
    assert path == tmp_path / "prototypes" / "taxi" / "trees.parquet"
    assert [file.name for file in path.parent.iterdir()] == ["trees.parquet"]
    found = prototypes.read_predictions(tmp_path, "taxi", RECORDS)
    assert list(found) == ["trees"]
    np.testing.assert_allclose(found["trees"], PREDICTIONS, atol=1e-7)


@pytest.mark.parametrize("others", [RECORDS[::-1], RECORDS[:2], [b"one", b"two", b"four"], [b"onetwo", b"", b"three"]])
def test_predictions_of_other_rows_are_not_compared(tmp_path: Path, others: list[bytes]) -> None:
    prototypes.save_predictions(tmp_path, "taxi", "trees", PREDICTIONS, RECORDS, problem=BINARY)
    assert prototypes.read_predictions(tmp_path, "taxi", others) == {}


def test_another_task_has_its_own(tmp_path: Path) -> None:
    prototypes.save_predictions(tmp_path, "taxi", "trees", PREDICTIONS, RECORDS, problem=BINARY)
    assert prototypes.read_predictions(tmp_path, "diabetes", RECORDS) == {}


@pytest.mark.parametrize("name", ["", "../trees", "Trees", "a b", "-x"])
def test_a_name_that_is_no_file_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(PrototypeError, match=r"expected small letters, digits, - and _, received"):
        prototypes.save_predictions(tmp_path, "taxi", name, PREDICTIONS, RECORDS, problem=BINARY)


@pytest.mark.parametrize("wrong", [PREDICTIONS[:2], PREDICTIONS[:, None], PREDICTIONS * 2, -PREDICTIONS, [np.nan] * 3])
def test_what_is_no_probability_for_each_row_is_refused(tmp_path: Path, wrong: np.ndarray) -> None:
    with pytest.raises(PrototypeError, match=r"prototype trees: expected one probability for each of 3 rows"):
        prototypes.save_predictions(tmp_path, "taxi", "trees", wrong, RECORDS, problem=BINARY)
    assert not (tmp_path / "prototypes").exists()


def test_trees_take_missing_values_and_unseen_strings() -> None:
    random = np.random.default_rng(0)
    size = 600
    rows = pd.DataFrame(
        {
            "paid": random.choice(["Cash", "Card"], size).astype(object),
            "miles": pd.array(random.integers(0, 20, size), "Int64"),
            "nobody": pd.array([pd.NA] * size, "Int64"),
        }
    )
    labels = (rows["paid"] == "Card").to_numpy(np.int64)
    rows.loc[:20, "miles"] = pd.NA
    trees = prototypes.fit_gradient_boosted_trees(rows, labels, BINARY)
    # A column more, in another order, and a value that no training row had.
    asked = pd.DataFrame({"more": 1.0, "nobody": rows["nobody"], "miles": rows["miles"], "paid": rows["paid"]})[:5]
    asked.loc[asked.index[0], "paid"] = "Barter"
    asked.loc[asked.index[1], "paid"] = None
    found = prototypes.predict_with_trees(trees, asked, BINARY)
    assert ((found >= 0) & (found <= 1)).all()
    np.testing.assert_array_equal(found[2:].round(), labels[2:5])
    assert found[0] == found[1]  # unseen is missing


SHARES = np.array([[0.2, 0.3, 0.5], [1.0, 0.0, 0.0], [0.1, 0.1, 0.8]])


@pytest.mark.parametrize(("problem", "predictions"), [(MULTICLASS, SHARES), (REGRESSION, np.array([-5.0, 0.0, 1e6]))])
def test_predictions_of_any_kind_are_read_again(tmp_path: Path, problem: str, predictions: np.ndarray) -> None:
    prototypes.save_predictions(tmp_path, "wine", "trees", predictions, RECORDS, problem=problem)
    np.testing.assert_allclose(prototypes.read_predictions(tmp_path, "wine", RECORDS)["trees"], predictions, rtol=1e-6)


@pytest.mark.parametrize(
    ("problem", "wrong", "expected"),
    [
        (MULTICLASS, SHARES[:, 0], "probabilities of 2 or more classes, which add up to 1,"),
        (MULTICLASS, SHARES * 0.9, "probabilities of 2 or more classes, which add up to 1,"),
        (REGRESSION, SHARES, "one number"),
        (REGRESSION, np.array([1.0, np.inf, 2.0]), "one number"),
    ],
)
def test_what_does_not_suit_the_problem_is_refused(
    tmp_path: Path, problem: str, wrong: np.ndarray, expected: str
) -> None:
    with pytest.raises(PrototypeError, match=f"expected {expected} for each of 3 rows, received shape"):
        prototypes.save_predictions(tmp_path, "wine", "trees", wrong, RECORDS, problem=problem)


def test_a_class_without_a_training_row_has_no_chance() -> None:
    rows = pd.DataFrame({"miles": np.repeat([1.0, 9.0], 100)})
    trees = prototypes.fit_gradient_boosted_trees(rows, np.repeat([0, 2], 100), MULTICLASS)
    found = prototypes.predict_with_trees(trees, rows, MULTICLASS, classes=3)
    assert found.shape == (200, 3)
    assert found[:, 1].tolist() == [0.0] * 200
    assert found.argmax(axis=1).tolist() == [0] * 100 + [2] * 100


def test_trees_predict_a_number() -> None:
    rows = pd.DataFrame({"miles": np.tile(np.arange(10.0), 50)})
    labels = rows["miles"].to_numpy() * 100
    trees = prototypes.fit_gradient_boosted_trees(rows, labels, REGRESSION)
    np.testing.assert_allclose(prototypes.predict_with_trees(trees, rows, REGRESSION), labels, atol=5)
