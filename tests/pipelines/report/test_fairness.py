"""What the report says of groups and of costs, as scoping.toml asks for it."""

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipelines.report.decision_costs import describe_decision_costs
from pipelines.report.fairness import describe_fairness
from pipelines.report.predictions import EvalPredictions
from pipelines.task_definition.problem import BINARY, REGRESSION
from pipelines.task_definition.scoping import ScopingError
from tests.pipelines.task_definition.test_scoping import MINIMAL
from tests.tasks.diabetes.task import TASK

ROWS = 1200
GENERATOR = np.random.default_rng(4)
AREA = np.where(np.arange(ROWS) < 20, 9, np.arange(ROWS) % 3)
PROBABILITIES = GENERATOR.random(ROWS)
LABELS = (GENERATOR.random(ROWS) < PROBABILITIES).astype(int)
SCORES = np.where(AREA == 1, np.minimum(PROBABILITIES + 0.4, 1), PROBABILITIES)


def measured(folder: Path, agreed: str, problem: str = BINARY) -> EvalPredictions:
    path = folder / "scoping.toml"
    path.write_text(f"{MINIMAL}\n{agreed}\n")
    contract = folder / "contract.pbtxt"
    contract.write_text('feature { name: "area" type: INT }')
    task = dataclasses.replace(TASK, name="tip", problem=problem, scoping=path, contract=contract, min_slice_rows=50)
    rows = pd.DataFrame({"area": pd.array(AREA, "Int64")})
    return EvalPredictions(
        task=task, rows=rows, labels=LABELS, predictions=SCORES, baseline=None, baseline_note=""
    )  # fmt: skip


FAIR = '[fairness]\ncolumns = ["area"]\nreason = "Areas are incomes."\nmax_gap = 0.3'
COSTS = '[costs]\nfalse_alarm = 1\nmiss = 9\nreason = "agreed"'


def test_what_nobody_asked_for_is_not_there(tmp_path: Path) -> None:
    found = measured(tmp_path, "")
    assert describe_fairness(found, 0.5) is None
    assert describe_decision_costs(found, 0.5) is None


def test_a_gap_above_what_was_agreed_is_named_and_small_groups_are_not_shown(tmp_path: Path) -> None:
    found = describe_fairness(measured(tmp_path, FAIR), 0.5)
    assert found is not None
    assert (found["compared"], found["small"]) == (12, 1), "area 9 has 20 rows only"
    assert {row["group"] for row in found["gaps"] if row["word"] == "larger than agreed"} == {"area = 1"}
    assert all(not row["group"].endswith("9") for row in found["gaps"])


def test_a_column_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ScopingError, match="fairness: columns: received 'street'; expected one of area"):
        describe_fairness(measured(tmp_path, FAIR.replace('"area"', '"street"')), 0.5)


def test_a_limit_holds_for_the_measures_that_it_names(tmp_path: Path) -> None:
    found = describe_fairness(measured(tmp_path, FAIR + '\nmeasures = ["true positive rate"]'), 0.5)
    assert found is not None
    words = {(row["group"], row["measure"]): row["word"] for row in found["gaps"]}
    assert words["area = 1", "selection rate"] == "clear"
    assert "larger than agreed" not in {word for (_, measure), word in words.items() if measure != "true positive rate"}


def test_a_measure_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ScopingError, match=r"measures: received 'true positives'; did you mean 'true positive rate'\?"):
        describe_fairness(measured(tmp_path, FAIR + '\nmeasures = ["true positives"]'), 0.5)


def test_a_cheaper_threshold_is_proposed_as_a_line(tmp_path: Path) -> None:
    found = describe_decision_costs(measured(tmp_path, COSTS), 0.5)
    assert found is not None
    assert found["is_proposed"]
    assert found["settings"] == "serving/gateway/tip.toml"
    assert float(found["line"].removeprefix("threshold = ")) == found["best"].value < 0.3
    assert found["cost_best"] < found["cost_now"]


def test_nothing_is_proposed_where_the_threshold_does_as_well(tmp_path: Path) -> None:
    found = measured(tmp_path, COSTS)
    first = describe_decision_costs(found, 0.5)
    assert first is not None
    again = describe_decision_costs(found, first["best"].value)
    assert again is not None
    assert not again["is_proposed"]


def test_a_number_has_no_decision(tmp_path: Path) -> None:
    assert describe_decision_costs(measured(tmp_path, COSTS, REGRESSION), 0.5) is None
