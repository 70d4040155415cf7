"""TFMA's own code, row by row, is the oracle: what is added up by batches is the same on every slice."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from google.protobuf import json_format
from google.protobuf.message import Message
from tensorflow_model_analysis import constants
from tensorflow_model_analysis.evaluators import metrics_plots_and_validations_evaluator as by_row
from tensorflow_model_analysis.evaluators import metrics_validator
from tensorflow_model_analysis.metrics import metric_specs, metric_types
from tensorflow_model_analysis.slicer import slicer_lib
from tensorflow_model_analysis.utils import util

from components.evaluator.accumulation import SliceSums
from components.evaluator.combiners import columnar_sums
from components.evaluator.evaluation import split_specs
from tests.components.evaluator.tasks import Evaluation, make_evaluations

EVALUATIONS = make_evaluations()
BY_ROW = {
    "binary": {"SquaredPearsonCorrelation"}, "weighted": {"SquaredPearsonCorrelation"}, "fractions": set(),
    "regression": set(), "classes": {"MultiClassConfusionMatrixPlot"},
}  # fmt: skip
BASELINE = "baseline"


@pytest.mark.parametrize("task", EVALUATIONS)
def test_metrics_plots_and_verdicts_of_every_slice_are_those_of_tfma(task: str) -> None:
    evaluation = EVALUATIONS[task]
    computations = by_row._filter_and_separate_computations(
        metric_specs.to_computations(split_specs(evaluation.eval_config)[0], eval_config=evaluation.eval_config)
    )
    expected, found = _by_row(evaluation, computations), _by_columns(evaluation, computations)
    assert len(expected) > 8
    assert found.keys() == expected.keys()
    for where in expected:
        truth, ours = (_derive(metrics[where], computations) for metrics in (expected, found))
        assert ours.keys() == truth.keys()
        for key, value in truth.items():
            assert _flat(ours[key]) == pytest.approx(_flat(value), rel=1e-6, abs=1e-6, nan_ok=True), (where, key)
        assert _verdict(where, ours, evaluation) == _verdict(where, truth, evaluation)


@pytest.mark.parametrize("task", EVALUATIONS)
def test_only_what_does_not_add_up_goes_row_by_row(task: str) -> None:
    columnar, others = split_specs(EVALUATIONS[task].eval_config)
    assert {metric.class_name for spec in others for metric in spec.metrics} == BY_ROW[task]
    assert columnar


def _by_row(evaluation: Evaluation, computations: Any) -> dict[Any, dict[Any, Any]]:
    """What TFMA's combiners give for each slice."""
    specs = [slicer_lib.SingleSliceSpec(spec=spec) for spec in evaluation.eval_config.slicing_specs]
    preprocess = by_row._PreprocessorDoFn(computations.non_derived_computations)
    combine = by_row._ComputationsCombineFn(computations.non_derived_computations)
    preprocess.setup()
    combine.setup()
    accumulators: dict[Any, Any] = {}
    for row in (row for batch in evaluation.batches for row in util.split_extracts(batch)):
        slices = set(slicer_lib.get_slices_for_features_dicts([], row[constants.FEATURES_KEY], specs))
        (element,) = preprocess.process(row | {constants.SLICE_KEY_TYPES_KEY: slices})
        for where in slices:
            accumulator = accumulators.get(where) or combine.create_accumulator()
            accumulators[where] = combine.add_input(accumulator, element)
    return {where: combine.extract_output(accumulator) for where, accumulator in accumulators.items()}


def _by_columns(evaluation: Evaluation, computations: Any) -> dict[Any, dict[Any, Any]]:
    """What is added up by batches."""
    sums = [columnar_sums(one) for one in computations.non_derived_computations]
    combine = SliceSums([one for one in sums if one is not None], evaluation.eval_config)
    combine.setup()
    accumulator = combine.create_accumulator()
    for batch in evaluation.batches:
        accumulator = combine.add_input(accumulator, batch)
    return dict(combine.extract_output(accumulator))


def _derive(metrics: Mapping[Any, Any], computations: Any) -> dict[Any, Any]:
    """Adds what TFMA derives, and differences from the baseline."""
    found = dict(metrics)
    for computation in computations.derived_computations:
        found |= computation.result(found)
    for key, value in list(found.items()):
        baseline = key.make_baseline_key(BASELINE) if isinstance(key, metric_types.MetricKey) else None
        if baseline in found and key.model_name != BASELINE and isinstance(value, float | np.floating):
            found[key.make_diff_key()] = value - found[baseline]
    return found


def _verdict(where: Any, metrics: dict[Any, Any], evaluation: Evaluation) -> tuple[bool, list[str]]:
    """Whether the slice meets its thresholds, and which metrics do not."""
    public = by_row._filter_by_key_type(by_row._remove_private_metrics(where, metrics), metric_types.MetricKey)
    result = metrics_validator.validate_metrics(public, evaluation.eval_config)
    slices = result.metric_validations_per_slice
    return result.validation_ok, sorted(str(failure.metric_key) for one in slices for failure in one.failures)


def _flat(value: Any) -> list[float]:
    """Every number of a metric or plot, in order."""
    if isinstance(value, Message):
        return _flat(json_format.MessageToDict(value))
    if dataclasses.is_dataclass(value):
        return _flat(list(vars(value).values()))
    if isinstance(value, Mapping):
        return [number for name in sorted(value) for number in _flat(value[name])]
    if isinstance(value, list | tuple):
        return [number for one in value for number in _flat(one)]
    if hasattr(value, "__slots__") and not isinstance(value, np.generic | np.ndarray):
        return [float(getattr(value, name)) for name in value.__slots__]
    return [float(number) for number in np.ravel(value)]
