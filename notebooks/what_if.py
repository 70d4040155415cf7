"""Show how a row's prediction changes when its values change."""

from typing import Any

import pandas as pd

from pipelines.runs import Run
from serving.did_you_mean import suggestion


def what_if(run: Run, row: pd.DataFrame, **changes: Any) -> pd.DataFrame:
    """Compare a row's prediction and contributions before and after a change of some values.

    Args:
        run: the run whose model predicts.
        row: one row of raw values, such as `run.rows("eval").iloc[[0]]`.
        **changes: column -> its new value; None for a missing one.

    Returns:
        One row per raw column, the largest change of a contribution first, then the row "prediction". Columns: value,
        contribution, other value, other contribution, change. Both rows' contributions have the same background and
        the same output.

    Raises:
        ValueError: `row` is not exactly one row, or the model has no such column.
        RunError: The model does not accept a value.
    """
    known = run.model().columns
    if len(row) != 1:
        raise ValueError(f"expected one row, as rows.iloc[[0]] gives it, received {len(row)}")
    if unknown := [name for name in changes if name not in known]:
        raise ValueError(f"the model takes no column {unknown[0]!r}; {suggestion(unknown[0], known)}")
    other = row.astype(object).assign(**changes)
    before = run.explain(row).droplevel("row")
    after = run.explain(other, output=before["output"].iloc[0]).droplevel("row")
    change = after["contribution"] - before["contribution"]
    order = change.abs().sort_values(ascending=False, kind="stable").index
    one, two = before["prediction"].iloc[0], after["prediction"].iloc[0]
    return pd.DataFrame(
        {
            "value": [*before["value"][order], None],
            "contribution": [*before["contribution"][order], one],
            "other value": [*after["value"][order], None],
            "other contribution": [*after["contribution"][order], two],
            "change": [*change[order], two - one],
        },
        index=[*order, "prediction"],
    )
