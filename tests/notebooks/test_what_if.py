"""A row beside a changed one."""

from typing import Any

import pandas as pd
import pytest

from notebooks.what_if import what_if


class Linear:
    """A run whose model adds up two columns; the background's mean is 1 and 0."""

    def model(self) -> Any:
        return type("Model", (), {"columns": ("fare", "miles")})

    def explain(self, rows: pd.DataFrame, output: str | None = None) -> pd.DataFrame:
        (number,) = rows.index
        index = pd.MultiIndex.from_product([[number], ["fare", "miles"]], names=["row", "column"])
        fare, miles = rows["fare"].iloc[0], rows["miles"].iloc[0]
        miles = 0 if pd.isna(miles) else miles
        return pd.DataFrame(
            {
                "value": rows[["fare", "miles"]].iloc[0].to_list(),
                "contribution": [fare - 1.0, float(miles)],
                "prediction": float(fare + miles),
                "output": output or "prediction",
            },
            index=index,
        )


RUN: Any = Linear()
ROW = pd.DataFrame({"fare": [4], "miles": pd.array([2], dtype="Int64"), "tips": [9.0]}, index=[17])


def test_what_changes_most_comes_first_and_the_prediction_last() -> None:
    found = what_if(RUN, ROW, fare=10)
    assert list(found.index) == ["fare", "miles", "prediction"]
    assert found["change"].tolist() == [6, 0, 6]
    assert (found.loc["fare", "value"], found.loc["fare", "other value"]) == (4, 10)
    assert found.loc["prediction", ["contribution", "other contribution"]].tolist() == [6, 12]


def test_a_value_can_be_taken_away() -> None:
    assert what_if(RUN, ROW, miles=None).loc["prediction", "change"] == -2


def test_mistakes_are_named() -> None:
    with pytest.raises(ValueError, match="the model takes no column 'mile'; did you mean 'miles'"):
        what_if(RUN, ROW, mile=3)
    with pytest.raises(ValueError, match=r"expected one row, as rows\.iloc\[\[0\]\] gives it, received 2"):
        what_if(RUN, pd.concat([ROW, ROW]), fare=3)
