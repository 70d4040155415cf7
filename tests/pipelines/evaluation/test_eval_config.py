"""From what was agreed to what the Evaluator is told."""

import re
from pathlib import Path

import pytest
from google.protobuf import text_format
from tensorflow_model_analysis.proto import config_pb2

from pipelines.evaluation.eval_config import make_eval_config
from pipelines.task_definition.scoping import ScopingError, Success, Threshold


def success(*thresholds: Threshold, min_slice_rows: int = 50) -> Success:
    return Success(business="", thresholds=thresholds, min_slice_rows=min_slice_rows)


def bound(metric: str, **more: object) -> Threshold:
    return Threshold(metric=metric, reason="", **more)


def test_the_whole_config() -> None:
    agreed = success(
        bound("AUC", at_least=0.9, change_at_least=-0.01),
        bound("AUC", slice={"sex": "a"}, at_least=0.8, at_most=0.99),
        bound("MeanSquaredError", at_most=7, change_at_most=0.5),
    )
    made = make_eval_config(agreed, label="y", slices=("sex", "age"), metrics=("AUC", "MeanSquaredError"))
    assert made == text_format.Parse(
        """
        model_specs {
          signature_name: "serving_default" label_key: "y" preprocessing_function_names: "transform_features"
        }
        slicing_specs {}
        slicing_specs { feature_keys: "sex" }
        slicing_specs { feature_keys: "age" }
        metrics_specs {
          metrics {
            class_name: "AUC"
            config: '{"num_thresholds": 1000}'
            per_slice_thresholds {
              slicing_specs {}
              threshold {
                value_threshold { lower_bound { value: 0.9 } }
                change_threshold { direction: HIGHER_IS_BETTER absolute { value: -0.01 } }
              }
            }
            per_slice_thresholds {
              slicing_specs { feature_values { key: "sex" value: "a" } }
              threshold { value_threshold { lower_bound { value: 0.8 } upper_bound { value: 0.99 } } }
            }
          }
          metrics {
            class_name: "MeanSquaredError"
            per_slice_thresholds {
              slicing_specs {}
              threshold {
                value_threshold { upper_bound { value: 7 } }
                change_threshold { direction: LOWER_IS_BETTER absolute { value: 0.5 } }
              }
            }
          }
          metrics {
            class_name: "ExampleCount"
            per_slice_thresholds {
              slicing_specs { feature_values { key: "sex" value: "a" } }
              threshold { value_threshold { lower_bound { value: 50 } } }
            }
          }
        }
        """,
        config_pb2.EvalConfig(),
    )


def rows_gates(config: config_pb2.EvalConfig) -> list[tuple[dict[str, str], float]]:
    (count,) = (metric for metric in config.metrics_specs[0].metrics if metric.class_name == "ExampleCount")
    return [
        (dict(gate.slicing_specs[0].feature_values), gate.threshold.value_threshold.lower_bound.value)
        for gate in count.per_slice_thresholds
    ]


def test_a_slice_with_two_thresholds_needs_its_rows_once() -> None:
    where = {"sex": "a"}
    agreed = success(bound("AUC", slice=where, at_least=0.8), bound("Calibration", slice=where, at_most=2))
    made = make_eval_config(agreed, label="y", slices=("sex",), metrics=("AUC", "Calibration"))
    assert rows_gates(made) == [(where, 50)]


def test_an_agreed_number_of_rows_stands() -> None:
    where = {"sex": "a"}
    agreed = success(bound("AUC", slice=where, at_least=0.8), bound("ExampleCount", slice=where, at_least=700))
    made = make_eval_config(agreed, label="y", slices=("sex",), metrics=("AUC", "ExampleCount"))
    assert rows_gates(made) == [(where, 700)]


def test_a_metric_with_options_keeps_them() -> None:
    options = config_pb2.MetricConfig(class_name="AUC", config='{"multi_label": true}')
    made = make_eval_config(success(bound("AUC", at_least=0.5)), label="y", slices=(), metrics=(options,))
    metric = made.metrics_specs[0].metrics[0]
    assert metric.config == '{"multi_label": true}'
    assert metric.per_slice_thresholds[0].threshold.value_threshold.lower_bound.value == 0.5
    assert not options.per_slice_thresholds, "the caller's own stays as it was"


@pytest.mark.parametrize(
    ("threshold", "message"),
    [
        (
            bound("AUCPrecision", at_least=0.5),
            "threshold of AUCPrecision on overall: 'AUCPrecision' is not computed; did you mean 'AUCPrecisionRecall'? "
            "evaluation.py lists the metrics and slices that are computed, scoping.toml their thresholds",
        ),
        (
            bound("AUC", slice={"sexx": "a"}, at_least=0.5),
            "threshold of AUC on sexx = a: no slices by 'sexx' are computed; did you mean 'sex'? "
            "evaluation.py lists the metrics and slices that are computed, scoping.toml their thresholds",
        ),
        (
            bound("zzz", at_least=0.5),
            "threshold of zzz on overall: 'zzz' is not computed; expected one of AUCPrecisionRecall, AUC, "
            "ExampleCount. evaluation.py lists the metrics and slices that are computed, scoping.toml their thresholds",
        ),
    ],
)
def test_a_threshold_on_what_is_not_computed(threshold: Threshold, message: str) -> None:
    with pytest.raises(ScopingError) as error:
        make_eval_config(success(threshold), label="y", slices=("sex",), metrics=("AUCPrecisionRecall", "AUC"))
    assert str(error.value) == message


@pytest.mark.parametrize(
    "page",
    [
        "pipelines/scaffold/templates/task/scoping.toml.jinja",
        "pipelines/tasks/taxi/scoping.toml",
        "docs/how-to/scoping.md",
        "docs/explanation/gates.md",
    ],
)
def test_every_page_says_that_a_threshold_on_a_small_slice_refuses_the_model(page: str) -> None:
    """`_row_thresholds` does so."""
    root = Path(__file__).resolve().parents[3]
    assert re.search(r"a threshold on (it|one)\s+refuses the model", (root / page).read_text())
