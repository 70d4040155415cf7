from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from notebooks import prototypes
from notebooks.prototypes import PrototypeError

RECORDS = [b"one", b"two", b"three"]
PREDICTIONS = np.array([0.1, 0.5, 1.0])


def test_what_is_saved_is_read_again(tmp_path: Path) -> None:
    path = prototypes.save_predictions(tmp_path, "taxi", "trees", PREDICTIONS, RECORDS)
    assert path == tmp_path / "prototypes" / "taxi" / "trees.parquet"
    assert [file.name for file in path.parent.iterdir()] == ["trees.parquet"]
    found = prototypes.read_predictions(tmp_path, "taxi", RECORDS)
    assert list(found) == ["trees"]
    np.testing.assert_allclose(found["trees"], PREDICTIONS, atol=1e-7)


@pytest.mark.parametrize("others", [RECORDS[::-1], RECORDS[:2], [b"one", b"two", b"four"], [b"onetwo", b"", b"three"]])
def test_predictions_of_other_rows_are_not_compared(tmp_path: Path, others: list[bytes]) -> None:
    prototypes.save_predictions(tmp_path, "taxi", "trees", PREDICTIONS, RECORDS)
    assert prototypes.read_predictions(tmp_path, "taxi", others) == {}


def test_another_task_has_its_own(tmp_path: Path) -> None:
    prototypes.save_predictions(tmp_path, "taxi", "trees", PREDICTIONS, RECORDS)
    assert prototypes.read_predictions(tmp_path, "diabetes", RECORDS) == {}


@pytest.mark.parametrize("name", ["", "../trees", "Trees", "a b", "-x"])
def test_a_name_that_is_no_file_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(PrototypeError, match=r"expected small letters, digits, - and _, received"):
        prototypes.save_predictions(tmp_path, "taxi", name, PREDICTIONS, RECORDS)


@pytest.mark.parametrize("wrong", [PREDICTIONS[:2], PREDICTIONS[:, None], PREDICTIONS * 2, -PREDICTIONS, [np.nan] * 3])
def test_what_is_no_probability_for_each_row_is_refused(tmp_path: Path, wrong: np.ndarray) -> None:
    with pytest.raises(PrototypeError, match=r"prototype trees: expected one probability for each of 3 rows"):
        prototypes.save_predictions(tmp_path, "taxi", "trees", wrong, RECORDS)
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
    trees = prototypes.fit_gradient_boosted_trees(rows, labels)
    # A column more, in another order, and a value that no training row had.
    asked = pd.DataFrame({"more": 1.0, "nobody": rows["nobody"], "miles": rows["miles"], "paid": rows["paid"]})[:5]
    asked.loc[asked.index[0], "paid"] = "Barter"
    asked.loc[asked.index[1], "paid"] = None
    found = trees.predict_proba(asked)[:, 1]
    assert ((found >= 0) & (found <= 1)).all()
    np.testing.assert_array_equal(found[2:].round(), labels[2:5])
    assert found[0] == found[1]  # unseen is missing
