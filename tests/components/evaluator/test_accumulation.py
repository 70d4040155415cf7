"""Sums of batches: however they are spread over workers, and what they refuse."""

import pickle
from typing import Any

import numpy as np
import pytest
from google.protobuf import text_format
from tensorflow_model_analysis.api.types import EvalSharedModel
from tensorflow_model_analysis.metrics import metric_specs
from tensorflow_model_analysis.proto import config_pb2

from components.evaluator.accumulation import SliceSums
from components.evaluator.combiners import columnar_sums
from components.evaluator.evaluation import can_be_columnar, split_specs
from tests.components.evaluator.tasks import BATCH, make_evaluations

EVALUATIONS = make_evaluations()


def slice_sums(task: str) -> SliceSums:
    eval_config = EVALUATIONS[task].eval_config
    computations = metric_specs.to_computations(split_specs(eval_config)[0], eval_config=eval_config)
    sums = {repr(one): columnar_sums(one) for one in computations if hasattr(one, "combiner")}
    made = SliceSums([one for one in sums.values() if one is not None], eval_config)
    made.setup()
    return made


def numbers(found: list[tuple[Any, dict[Any, Any]]]) -> dict[Any, list[float]]:
    """Slice and metric -> the numbers in what TFMA's combiners gave."""
    return {(where, str(key)): _floats(value) for where, metrics in found for key, value in metrics.items()}


def _floats(value: Any) -> list[float]:
    if isinstance(value, list):  # a histogram
        return [number for bucket in value for number in (bucket.bucket_id, bucket.weighted_examples)]
    if isinstance(value, dict):  # matrices by threshold
        return [number for entry in value.values() for number in entry.matrix]
    names = getattr(value, "__slots__", ())
    return [getattr(value, name) for name in names] if names else [float(value)]


@pytest.mark.parametrize("task", ["weighted", "regression"])
def test_workers_that_see_other_rows_and_slices_first_find_the_same(task: str) -> None:
    sums, batches = slice_sums(task), EVALUATIONS[task].batches
    alone = sums.create_accumulator()
    for batch in batches:
        sums.add_input(alone, batch)
    parts = [sums.add_input(sums.create_accumulator(), batch) for batch in reversed(batches)]
    sent = [pickle.loads(pickle.dumps(sums.compact(part))) for part in parts]
    expected = numbers(sums.extract_output(alone))
    found = numbers(sums.extract_output(sums.merge_accumulators([*sent, sums.create_accumulator()])))
    assert len(expected) > 50
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        assert found[key] == pytest.approx(value, rel=1e-12), key


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": {"candidate": np.full(BATCH, 1.5), "baseline": np.zeros(BATCH)}}, r"label must be within \[0, 1\]"),
        ({"predictions": dict.fromkeys(("candidate", "baseline"), np.full((BATCH, 1), np.nan))}, f"NaN for {BATCH} of"),
    ],
)
def test_what_tfma_would_not_take_is_refused(change: dict[str, Any], message: str) -> None:
    sums = slice_sums("binary")
    with pytest.raises(ValueError, match=message):
        sums.add_input(sums.create_accumulator(), EVALUATIONS["binary"].batches[0] | change)


def test_what_needs_rows_is_left_to_tfma() -> None:
    assert can_be_columnar(config_pb2.EvalConfig(), [])
    for name, value in (("compute_confidence_intervals", True), ("min_slice_size", 2)):
        eval_config = config_pb2.EvalConfig()
        getattr(eval_config.options, name).value = value
        assert not can_be_columnar(eval_config, []), name


@pytest.mark.parametrize(
    ("specs", "expected"),
    [
        ('slicing_specs {} slicing_specs { feature_keys: "hour" }', True),
        ('slicing_specs {} slicing_specs { slice_keys_sql: "SELECT STRUCT(hour) FROM example.hour" }', False),
        ('cross_slicing_specs { baseline_spec {} slicing_specs { feature_keys: "hour" } }', True),
        ('cross_slicing_specs { baseline_spec {} slicing_specs { slice_keys_sql: "SELECT STRUCT(1)" } }', False),
        ('cross_slicing_specs { baseline_spec { slice_keys_sql: "SELECT STRUCT(1)" } slicing_specs {} }', False),
    ],
    ids=["columns", "SQL", "crossed columns", "crossed with SQL", "SQL as baseline"],
)
def test_slices_in_sql_are_left_to_tfma(specs: str, expected: bool) -> None:
    assert can_be_columnar(text_format.Parse(specs, config_pb2.EvalConfig()), []) is expected


@pytest.mark.parametrize(
    ("model_types", "expected"),
    [
        (["tf_generic"], True),
        (["tf_generic", "tf_keras"], True),
        (["tfma_eval"], False),
        (["tf_generic", "tfma_eval"], False),
        (["tf_estimator"], False),
        (["tf_lite"], False),
    ],
)
def test_models_that_are_loaded_in_another_way_are_left_to_tfx(model_types: list[str], expected: bool) -> None:
    eval_config = text_format.Parse("options { include_default_metrics { value: false } }", config_pb2.EvalConfig())
    assert can_be_columnar(eval_config, [EvalSharedModel(model_type=one) for one in model_types]) is expected


def test_metrics_inside_a_keras_model_are_left_to_tfma() -> None:
    assert not can_be_columnar(config_pb2.EvalConfig(), [EvalSharedModel(model_type="tf_keras")])
