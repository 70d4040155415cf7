"""All runs in one table, and the intervals, outcomes and changes in it."""

import math
from pathlib import Path

import pandas as pd
import pytest

from pipelines.runs import RunError, Runs
from pipelines.runs.changes import describe_changes
from pipelines.runs.intervals import INTERVALS_FILE
from pipelines.runs.leaderboard import list_metrics
from tests.pipelines.runs.made_leaderboard import FIRST, KILLED, REASON, REFUSED, TRIED, WHY, edit, write_runs
from tests.pipelines.runs.made_runs import summary, write


@pytest.fixture
def var(tmp_path: Path) -> Path:
    write_runs(tmp_path)
    return tmp_path


@pytest.fixture
def table(var: Path) -> pd.DataFrame:
    return Runs(var).leaderboard().set_index("run")


def test_each_run_is_a_row_with_what_became_of_it(table: pd.DataFrame) -> None:
    assert list(table.index) == [FIRST, REFUSED, TRIED, KILLED]
    assert list(table["outcome"]) == [
        "version 1795253025 holds this model",
        f"Evaluator: {REASON}",
        "experiment night",
        "the run is still running, or it was killed",
    ]
    assert list(table["reviewer"]) == ["A. Person", None, None, None]
    assert table.loc[TRIED, ["experiment", "note", "tags"]].to_list() == ["night", WHY, ("hours", "x")]
    assert str(table["started"].dtype) == "datetime64[ns, UTC]"


def test_metrics_have_the_intervals_that_the_report_kept(table: pd.DataFrame) -> None:
    assert table["auc"].to_list()[:3] == [0.95, 0.93, 0.96]
    assert math.isnan(table.loc[KILLED, "auc"])
    about = ["auc_low", "auc_high", "auc_change", "auc_change_low", "auc_change_high", "auc_meaning"]
    assert table.loc[TRIED, about].to_list() == [0.95, 0.97, 0.01, 0.004, 0.016, "better"]
    assert table.loc[FIRST, about[:-1]].isna().all()
    assert "example_count" not in table


def test_parameters_and_the_data_that_metrics_are_of(table: pd.DataFrame) -> None:
    assert table["param.train_steps"].to_list()[:3] == [100, 100, 300]
    assert table.loc[FIRST, "data_digest"] == table.loc[TRIED, "data_digest"] != table.loc[REFUSED, "data_digest"]
    assert table.loc[KILLED, "data_digest"] == ""


def test_what_changed_since_the_run_before(table: pd.DataFrame) -> None:
    assert table["before"].to_list() == [None, FIRST, REFUSED, None]  # nobody knows which task was killed
    assert table.loc[FIRST, "changed"] == ()
    assert table.loc[REFUSED, "changed"] == ("other data (15,002 → 24,993 rows)",)
    assert table.loc[TRIED, "changed"] == (
        "other data (24,993 → 15,002 rows)",
        "features.py",
        "train_steps 100 → 300",
    )


def test_of_one_task(var: Path) -> None:
    assert Runs(var).leaderboard("taxi")["run"].to_list() == [FIRST, REFUSED, TRIED]
    assert Runs(var).leaderboard("iris").empty


def test_a_run_without_metrics_is_compared_with_no_other_in_its_place(tmp_path: Path) -> None:
    failed = summary("20261121-100000", status="failed")
    failed.metrics = {}
    write(tmp_path, summary("20261121-090000"), failed, summary("20261121-110000"))
    assert Runs(tmp_path).leaderboard()["before"].to_list() == [None, "20261121-090000", "20261121-090000"]


def test_the_most_telling_metric_comes_first(var: Path) -> None:
    edit(
        var, FIRST, metrics={"overall": {"calibration": 1.0, "odd": 2.0, "mean_squared_error": 3.0, "example_count": 9}}
    )
    assert list_metrics([Runs(var).open(FIRST)]) == ["mean_squared_error", "calibration", "odd"]


def test_more_parameters_than_fit_are_counted(var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = Runs(var)
    before, after = runs.open(FIRST), runs.open(TRIED)
    for run, value in ((before, 1), (after, 2)):
        lineage = run.lineage()
        for number in range(6):
            lineage.hyperparameters[f"h{number}"] = value  # type: ignore[index]
    assert describe_changes(before, after)[1:] == ("h0 1 → 2", "h1 1 → 2", "h2 1 → 2", "h3 1 → 2", "3 more parameters")


def test_a_required_review_is_a_reason(var: Path) -> None:
    review = {"required": True, "state": "stale", "reason": "model.py changed"}
    edit(var, REFUSED, gates=[], review=review)
    assert Runs(var).open(REFUSED).outcome == "a valid review is required: model.py changed"


def test_what_ended_a_run_is_the_reason(var: Path) -> None:
    edit(var, REFUSED, gates=[], status="failed", error="Trainer: it broke\nin line 3")
    assert Runs(var).open(REFUSED).outcome == "Trainer: it broke"


def test_damaged_intervals(var: Path) -> None:
    (var / "runs" / TRIED / INTERVALS_FILE).write_text('{"format": 9}')
    with pytest.raises(
        RunError, match=rf"is damaged: format 9, expected 1; make it again with .* --again --run {TRIED}"
    ):
        Runs(var).leaderboard()
