"""TFMA, row by row, is the oracle: what is added up by batches is the same, on every slice, in TFMA's own files."""

from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest
import tensorflow_model_analysis as tfma
from apache_beam.options.pipeline_options import PipelineOptions
from google.protobuf import json_format
from tensorflow_model_analysis.api import model_eval_lib
from tensorflow_model_analysis.evaluators import metrics_plots_and_validations_evaluator as by_row
from tensorflow_model_analysis.extractors import extractor, slice_key_extractor, unbatch_extractor
from tensorflow_model_analysis.proto import config_pb2

from components.evaluator.evaluation import columnar_evaluator, split_specs
from tests.components.evaluator.tasks import make_evaluations

pytestmark = pytest.mark.slow

EVALUATIONS = make_evaluations()
WAYS = ("by_row", "by_columns")
BY_ROW = {"binary": {"SquaredPearsonCorrelation"}, "classes": {"MultiClassConfusionMatrixPlot"}, "regression": set()}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of TFMA's files for each kind of task and way."""
    folder = tmp_path_factory.mktemp("evaluations")
    with beam.Pipeline(options=PipelineOptions(["--direct_running_mode=in_memory"])) as pipeline:
        for task, evaluation in EVALUATIONS.items():
            batches = pipeline | f"Rows[{task}]" >> beam.Create(evaluation.batches, reshuffle=False)
            for way in WAYS:
                extractors, evaluator = _steps(way, evaluation.eval_config)
                writers = tfma.default_writers(str(folder / task / way), eval_config=evaluation.eval_config)
                _ = (
                    batches
                    | f"Evaluate[{task}, {way}]" >> model_eval_lib.ExtractAndEvaluate(extractors, [evaluator])
                    | f"Write[{task}, {way}]" >> tfma.WriteResults(writers=writers)
                )
    return folder


def _steps(way: str, eval_config: config_pb2.EvalConfig) -> tuple[list[Any], Any]:
    if way == "by_columns":
        return [extractor.Extractor("Nothing", beam.Map(lambda extracts: extracts))], columnar_evaluator(eval_config)
    return [
        unbatch_extractor.UnbatchExtractor(),
        slice_key_extractor.SliceKeyExtractor(eval_config=eval_config, materialize=False),
    ], by_row.MetricsPlotsAndValidationsEvaluator(eval_config=eval_config)


@pytest.mark.parametrize("task", EVALUATIONS)
def test_metrics_and_plots_of_every_slice_are_those_of_tfma(written: Path, task: str) -> None:
    expected, found = (_read(written / task / way) for way in WAYS)
    assert len(expected) > 30
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        assert found[key] == pytest.approx(value, rel=1e-6, abs=1e-6, nan_ok=True), key


@pytest.mark.parametrize("task", EVALUATIONS)
def test_the_verdict_is_that_of_tfma(written: Path, task: str) -> None:
    expected, found = (_validation(written / task / way) for way in WAYS)
    assert found == expected
    assert found["validationDetails"]


@pytest.mark.parametrize("task", BY_ROW)
def test_only_what_does_not_add_up_goes_row_by_row(task: str) -> None:
    columnar, others = split_specs(EVALUATIONS[task].eval_config)
    assert {metric.class_name for spec in others for metric in spec.metrics} == BY_ROW[task]
    assert columnar


def _read(folder: Path) -> dict[tuple[str, ...], Any]:
    """Every number of metrics and plots, by slice, metric and place."""
    found: dict[tuple[str, ...], Any] = {}
    for record in tfma.load_metrics(str(folder)):
        for item in record.metric_keys_and_values:
            found |= _leaves(item.value, "metric", str(record.slice_key), str(item.key))
    for record in tfma.load_plots(str(folder)):
        for item in record.plot_keys_and_values:
            found |= _leaves(item.value, "plot", str(record.slice_key), str(item.key))
    return found


def _leaves(message: Any, *where: str) -> dict[tuple[str, ...], Any]:
    found, waiting = {}, [(where, json_format.MessageToDict(message))]
    while waiting:
        place, value = waiting.pop()
        if isinstance(value, dict | list):
            items = value.items() if isinstance(value, dict) else enumerate(value)
            waiting += [((*place, str(name)), one) for name, one in items]
        else:
            found[place] = float(value) if value in ("NaN", "Infinity", "-Infinity") else value
    return found


def _validation(folder: Path) -> dict[str, Any]:
    result = json_format.MessageToDict(tfma.load_validation_result(str(folder)))
    for one in result.get("metricValidationsPerSlice", []):
        one["failures"] = sorted(str(failure["metricKey"]) for failure in one["failures"])
    result.get("metricValidationsPerSlice", []).sort(key=str)
    result["validationDetails"]["slicingDetails"].sort(key=str)
    return result
