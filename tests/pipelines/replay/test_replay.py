"""Three small spans through real servers and the real loop; in the third, weights are in pounds, not kilograms."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from serving.feedback.reading import read_outcomes
from serving.request_log.files import log_files
from tests.runs.project import SOURCE
from tests.tasks.orders import data

pytestmark = [pytest.mark.pipeline, pytest.mark.one_stack]  # the loop itself runs on both in tests/pipelines/retraining

POUNDS = 2.20462  # in a kilogram
SPANS = ("2", "3")  # that are sent; the first one trains the first model


def in_pounds(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(weight=(rows["weight"] * POUNDS).round(2))


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder of a replay, and what it said."""
    base = tmp_path_factory.mktemp("replay")
    (base / "spans").mkdir()
    for number in (1, 2, 3):
        rows = data.make_span(number, in_pounds if number == 3 else lambda rows: rows)
        if number == 2:
            rows.loc[5, "channel"] = "fax"  # which the contract does not know
        rows.to_csv(base / "spans" / f"orders-{number}.csv", index=False)
    var = base / "var"
    command = [
        sys.executable, "-m", "pipelines", "replay", "--task", "tests.tasks.orders", "--first", "1",
        "--settings", "tests/tasks/orders/gateway.toml", "--from", str(base / "spans"), "--var", str(var),
    ]  # fmt: skip
    done = subprocess.run(command, cwd=SOURCE, capture_output=True, text=True, env=dict(os.environ), check=False)
    assert done.returncode == 0, done.stdout + done.stderr + (var / "loop.log").read_text()
    return var, done.stdout


@pytest.fixture(scope="module")
def record(replayed: tuple[Path, str]) -> dict[str, Any]:
    return json.loads((replayed[0] / "summary.json").read_text())


@pytest.fixture(scope="module")
def logged(replayed: tuple[Path, str]) -> pd.DataFrame:
    """The rows of the log with their outcomes, read and joined here, in the order of time."""
    rows = pd.concat([pd.read_parquet(path) for path in log_files(replayed[0] / "requests" / "orders")])
    told = read_outcomes(replayed[0] / "feedback" / "orders", rows["request_time"].min().to_pydatetime()).table
    outcomes = told.to_pandas()[["request_id", "outcome"]]
    return rows.merge(outcomes, on="request_id", how="left").sort_values("request_time").reset_index(drop=True)


def test_every_row_that_meets_the_contract_was_answered_and_told(record: dict[str, Any], logged: pd.DataFrame) -> None:
    assert [span["span"] for span in record["spans"]] == list(SPANS)
    assert [(span["sent"], len(span["refused"]), span["failed"]) for span in record["spans"]] == [
        (data.ROWS, 1, []), (data.ROWS, 0, []),
    ]  # fmt: skip
    assert "channel" in record["spans"][0]["refused"][0]
    assert [sum(span["versions"].values()) for span in record["spans"]] == [data.ROWS - 1, data.ROWS]
    assert len(logged) == 2 * data.ROWS - 1
    assert logged["outcome"].notna().all()
    assert set(logged["answer_status"]) == {200}


def test_the_planted_change_raises_the_alarm_and_is_trained_on(record: dict[str, Any]) -> None:
    before, changed = record["spans"]
    assert (before["verdict"], before["alarms"]) == ("unchanged", [])
    assert changed["verdict"] == "alarm"
    assert "weight" in changed["alarms"]
    first, quiet, due = record["decisions"]
    assert (first["act"], first["outcome"], quiet["act"]) == (True, "pushed", False)
    assert due["act"]
    kinds = {reason["text"].partition(":")[0]: reason["kind"] for reason in due["reasons"]}
    assert (kinds["drift"], kinds["performance"]) == ("due", "due")
    assert "schedule" not in kinds
    # The row that the gateway refused is in the second span's file, too, and ingestion refuses that as a whole.
    assert (before["quarantined"], changed["quarantined"]) == (True, False)
    assert due["spans"] == ["1", "3"]


def test_the_new_version_is_on_trial_and_the_replay_ends_there(replayed: tuple[Path, str]) -> None:
    status = json.loads((replayed[0] / "continuous" / "orders" / "journal.json").read_text())
    assert status["step"] == "trial"
    assert json.loads((replayed[0] / "serving" / "traffic.json").read_text()) == {"canary_percent": 20.0}


def test_the_figures_are_those_of_log_and_outcomes(record: dict[str, Any], logged: pd.DataFrame) -> None:
    parts = (logged[: data.ROWS - 1], logged[data.ROWS - 1 :])
    for span, rows in zip(record["spans"], parts, strict=True):
        measured = span["comparison"]["retrained"]
        labels, answers = rows["outcome"].astype(int), rows["answer_probability"].astype(float)
        assert measured["auc"]["value"] == pytest.approx(roc_auc_score(labels, answers), abs=1e-6)
        assert measured["binary_crossentropy"]["value"] == pytest.approx(log_loss(labels, answers), abs=1e-6)
        assert measured["calibration"]["value"] == pytest.approx(answers.mean() / labels.mean(), abs=1e-6)
        assert measured["auc"]["low"] < measured["auc"]["value"] < measured["auc"]["high"]
        # Only the first model answered: both lines are the same, to the last digit.
        assert span["comparison"]["first"] == measured
        assert {each["value"] for each in span["comparison"]["difference"].values()} == {0}
    # The change turns the answers wrong: labels show it, and the estimate, which cannot, lies far off.
    _, changed = record["spans"]
    estimated, came = changed["retrained"]["estimated"], changed["retrained"]["measured"]
    assert came["binary_crossentropy"]["value"] > estimated["binary_crossentropy"]["high"]
    assert changed["retrained"]["rows"] == data.ROWS


def test_page_and_terminal_say_what_the_record_says(replayed: tuple[Path, str], record: dict[str, Any]) -> None:
    var, said = replayed
    page = (var / "page.html").read_text()
    for span in record["spans"]:
        auc = span["comparison"]["retrained"]["auc"]
        assert f"{auc['value']:.4f} ({auc['low']:.4f}–{auc['high']:.4f})" in page
        (line,) = [line for line in said.splitlines() if line.startswith(f"{span['span']}  ")]
        assert f"auc {auc['value']:.4f}, first model {auc['value']:.4f}" in line
    assert "training due by drift, performance: on trial" in page
    assert "training due by drift, performance: on trial" in said
    assert "No retrained model has answered" in page
    links = [span["page"] for span in record["spans"]]
    assert all(f'<a href="{link}">' in page and (var / link).is_file() for link in links)
