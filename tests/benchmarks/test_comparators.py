"""How often chance refuses a new task's rows: at most one random split in a hundred, where it was nearly all."""

import numpy as np
import pandas as pd
import pytest
from google.protobuf import text_format
from tensorflow_data_validation import validate_statistics
from tensorflow_metadata.proto.v0 import schema_pb2

from benchmarks.comparators import (
    FALSE_ALARMS_OF_A_RULE,
    POWER_MIX,
    main,
    make_counts,
    measure_distances,
    simulate_refusals,
    simulate_shifted,
)
from benchmarks.tfdv_splits import compute_statistics, find_anomalies
from pipelines.scaffold.chance import propose_threshold

SPLITS = 1_000


@pytest.mark.parametrize(("rows", "before"), [(600, 0.99), (3_000, 0.99), (15_000, 0.5)])
def test_chance_is_not_called_drift(rows: int, before: float) -> None:
    refused = simulate_refusals(rows, SPLITS, np.random.default_rng(1))
    assert refused["new"].any(axis=0).mean() <= 0.01
    assert refused["old"].any(axis=0).mean() > before


@pytest.mark.parametrize(("present", "shift"), [(150, 0.5), (300, 0.4), (600, 0.3), (1_500, 0.2)])
def test_a_shift_is_caught(present: int, shift: float) -> None:
    threshold = propose_threshold(make_counts(present, POWER_MIX), FALSE_ALARMS_OF_A_RULE)
    assert threshold is not None
    assert (simulate_shifted(present, shift, SPLITS, np.random.default_rng(2)) > threshold).mean() >= 0.98


def test_prints_both_tables(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["comparators", "--splits", "20"])
    main()
    shown = capsys.readouterr().out
    assert "Random splits refused, of 20" in shown
    assert "Shifts caught" in shown


@pytest.mark.slow
def test_tfdv_measures_the_distance_that_is_simulated() -> None:
    random = np.random.default_rng(3)
    cells = np.where(random.random(200) < 0.3, random.choice(["a", "b", "c\nd"], 200), None)
    table = pd.DataFrame({"text": cells})
    in_eval = random.random(200) < 1 / 3
    trained, evaluated = (
        np.array([[(cells[side] == value).sum() for value in ("a", "b", "c\nd")]]) for side in (~in_eval, in_eval)
    )
    (expected,) = measure_distances(trained, evaluated)
    for threshold, kinds in ((expected - 1e-6, {("text", "COMPARATOR_L_INFTY_HIGH")}), (expected + 1e-6, set())):
        schema = schema_with_comparator(threshold)
        assert find_anomalies(table[~in_eval], table[in_eval], schema) == kinds
    statistics = [compute_statistics(table[side], schema) for side in (~in_eval, in_eval)]
    found = validate_statistics(statistics[0], schema, serving_statistics=statistics[1])
    assert found.drift_skew_info[0].skew_measurements[0].value == pytest.approx(expected)


@pytest.mark.slow
def test_tfdv_refuses_a_split_without_any_value() -> None:
    table = pd.DataFrame({"text": ["a", "a", None, None], "other": ["x"] * 4})
    schema = schema_with_comparator(0.5)
    assert ("text", "COMPARATOR_L_INFTY_HIGH") in find_anomalies(table[:2], table[2:], schema)
    without = table[2:].drop(columns="text")  # as ExampleGen writes such rows
    kinds = {kind for column, kind in find_anomalies(table[:2], without, schema) if column == "text"}
    assert kinds == {"COMPARATOR_CONTROL_DATA_MISSING"}


def schema_with_comparator(threshold: float) -> schema_pb2.Schema:
    """One optional column of text, known values, and a skew comparator."""
    return text_format.Parse(
        f"""
        default_environment: "TRAINING"
        feature {{ name: "text" type: BYTES value_count {{ min: 0 max: 1 }} domain: "text"
          skew_comparator {{ infinity_norm {{ threshold: {float(threshold)} }} }} }}
        string_domain {{ name: "text" value: "a" value: "b" value: "c\\nd" }}
        """,
        schema_pb2.Schema(),
    )
