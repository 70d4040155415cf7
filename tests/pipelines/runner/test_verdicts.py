"""What the gates decided, in words: which threshold, on which slice, with which value."""

import json
from pathlib import Path

import apache_beam as beam
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import tensorflow_model_analysis as tfma
from apache_beam.options.pipeline_options import PipelineOptions
from google.protobuf import text_format
from tensorflow_model_analysis.proto import config_pb2, validation_result_pb2
from tfx_bsl.arrow import table_util

from components.anomaly_gate.component import AnomalyError
from components.anomaly_gate.findings import Finding
from pipelines.engines.local import LocalEngine
from pipelines.evaluation.tfma_results import slice_metrics
from pipelines.runner import verdicts as module
from pipelines.runner.results import CACHED, FAILED, RAN, SKIPPED, NodeResult, OutputArtifact, Verdict
from pipelines.runner.verdicts import read_verdicts

pytestmark = pytest.mark.slow

CONFIG = """
    model_specs { label_key: "label" prediction_key: "prediction" }
    slicing_specs {}
    slicing_specs { feature_keys: "pay" }
    options { min_slice_size { value: 2 } }
    metrics_specs {
      metrics { class_name: "ExampleCount" }
      metrics {
        class_name: "MeanSquaredError"
        per_slice_thresholds {
          slicing_specs {}
          threshold { value_threshold { upper_bound { value: 0.2 } } }
        }
        per_slice_thresholds {
          slicing_specs { feature_keys: "pay" }
          threshold { value_threshold { lower_bound { value: 0.01 } upper_bound { value: %s } } }
        }
        %s
      }
    }
"""
FINDING = Finding(feature="pay", split="train", rule="SOME", expected="a", observed="b", share=0.5, remedy="do")


def evaluate(directory: Path, card_bound: float, more: str = "") -> Path:
    """A real evaluation: squared error 0.01 over 20 rows paid in cash, 0.25 over 20 by card."""
    config = text_format.Parse(CONFIG % (card_bound, more), config_pb2.EvalConfig())
    rows = np.arange(40)
    table = {
        "label": (rows % 2).astype("float32"),
        "pay": np.where(rows < 20, "Cash", "Card"),
        "prediction": np.where(rows < 20, 0.1 + 0.8 * (rows % 2), 0.5).astype("float32"),
    }
    batch = table_util.CanonicalizeRecordBatch(pa.RecordBatch.from_pandas(pd.DataFrame(table)))
    with beam.Pipeline(options=PipelineOptions(list(LocalEngine().beam_args()))) as pipeline:
        (
            pipeline
            | beam.Create([batch])
            | tfma.ExtractEvaluateAndWriteResults(
                eval_config=config,
                extractors=tfma.default_extractors(eval_config=config),
                output_path=str(directory),
            )
        )
    return directory


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Blessed; the threshold without a slice holds for every slice."""
    every_slice = "threshold { value_threshold { upper_bound { value: 0.5 } } }"
    return evaluate(tmp_path_factory.mktemp("good"), 0.3, every_slice)


def evaluator(evaluation: Path, *, blessed: bool) -> NodeResult:
    return NodeResult(
        node="Evaluator",
        state=RAN,
        seconds=1.0,
        outputs=(
            OutputArtifact(key="evaluation", type_name="ModelEvaluation", uri=str(evaluation), properties={}),
            OutputArtifact(
                key="blessing", type_name="ModelBlessing", uri="", properties={"blessed": 1} if blessed else {}
            ),
        ),
    )


def gate(node: str, directory: Path, report: dict[str, object], state: str = RAN) -> NodeResult:
    (directory / "report.json").write_text(json.dumps(report))
    blessing = OutputArtifact(key="blessing", type_name="Blessing", uri=str(directory), properties={})
    return NodeResult(node=node, state=state, seconds=1.0, outputs=(blessing,))


def verdict(result: NodeResult) -> Verdict:
    (found,) = [verdict for verdict in read_verdicts({result.node: result}) if verdict.gate == result.node]
    return found


def test_evaluator_that_blessed(good: Path) -> None:
    found = verdict(evaluator(good, blessed=True))
    assert found.passed
    assert sorted(found.reasons) == [
        "mean_squared_error on overall is 0.1300: at most 0.2",
        "mean_squared_error on overall is 0.1300: at most 0.5",
        "mean_squared_error on pay = Card is 0.2500: at least 0.01 and at most 0.3",
        "mean_squared_error on pay = Card is 0.2500: at most 0.5",
        "mean_squared_error on pay = Cash is 0.0100: at least 0.01 and at most 0.3",
        "mean_squared_error on pay = Cash is 0.0100: at most 0.5",
    ]


def test_large_values_and_bounds_have_no_decimals() -> None:
    bound = config_pb2.GenericValueThreshold()
    bound.upper_bound.value = 2_030_000
    described = module._describe_result("mean_squared_error", (), 1_013_416.5673, bound)
    assert described == "mean_squared_error on overall is 1,013,417: at most 2,030,000"


def test_evaluator_that_refused(tmp_path: Path) -> None:
    more = """
        threshold { value_threshold { upper_bound { value: 0.2 } } }
        per_slice_thresholds {
          slicing_specs { feature_values { key: "pay" value: "Cheque" } }
          threshold { value_threshold { upper_bound { value: 0.9 } } }
        }
    """
    found = verdict(evaluator(evaluate(tmp_path, 0.24, more), blessed=False))
    assert found.passed is False
    assert sorted(found.reasons) == [
        "mean_squared_error on pay = Card is 0.2500: NOT at least 0.01 and at most 0.24",
        "mean_squared_error on pay = Card is 0.2500: NOT at most 0.2",
        "no rows for a slice that has a threshold: pay = Cheque",
    ]


def test_slice_metrics(good: Path) -> None:
    found = slice_metrics(good)
    assert list(found) == ["overall", "pay = Card", "pay = Cash"]
    assert found["overall"] == {"example_count": 40, "mean_squared_error": pytest.approx(0.13)}
    assert found["pay = Card"]["mean_squared_error"] == pytest.approx(0.25)
    rows = {where: values["example_count"] for where, values in found.items()}
    assert rows == {"overall": 40, "pay = Card": 20, "pay = Cash": 20}
    assert list(slice_metrics(good, min_rows=20)) == ["overall", "pay = Card", "pay = Cash"]
    assert list(slice_metrics(good, min_rows=21)) == ["overall"]


def test_change_against_the_baseline_and_a_metric_that_is_not_there() -> None:
    validation = text_format.Parse(
        """
        metric_validations_per_slice {
          slice_key { single_slice_keys { column: "hour" int64_value: 7 } }
          failures {
            metric_key { name: "auc" is_diff: true }
            metric_threshold {
              change_threshold { direction: HIGHER_IS_BETTER absolute { value: -0.003 } relative { value: -0.01 } }
            }
            metric_value { double_value { value: -0.0125 } }
          }
          failures {
            metric_key { name: "loss" is_diff: true }
            metric_threshold { change_threshold { direction: LOWER_IS_BETTER absolute { value: 0.5 } } }
            metric_value { double_value { value: 1 } }
          }
          failures {
            metric_key { name: "precision" }
            metric_threshold { value_threshold { lower_bound { value: 0.5 } } }
            message: "Metric not found."
          }
        }
        """,
        validation_result_pb2.ValidationResult(),
    )
    assert list(module._list_missed_thresholds(validation, {})) == [
        "change of auc on hour = 7 is -0.0125: NOT at least -0.003 and at least -1.0% against the version pushed "
        "before",
        "change of loss on hour = 7 is +1.0000: NOT at most +0.5 against the version pushed before",
        "precision on hour = 7 was not computed, and has a threshold",
    ]


def test_anomaly_gate(tmp_path: Path) -> None:
    assert verdict(gate("AnomalyGate", tmp_path, {"tolerated": []}, CACHED)) == Verdict(
        gate="AnomalyGate", passed=True, reasons=("the data meets the contract",)
    )
    tolerant = verdict(gate("AnomalyGate", tmp_path, {"tolerated": [FINDING.as_dict()]}))
    assert tolerant.reasons[1:] == ("tolerated: pay (train): expected a; observed b (50% of rows); do [SOME]",)


def test_anomaly_gate_that_refused() -> None:
    failed = NodeResult(node="AnomalyGate", state=FAILED, seconds=1.0, error=AnomalyError("c.pbtxt", [FINDING]))
    assert verdict(failed) == Verdict(gate="AnomalyGate", passed=False, reasons=(str(FINDING),))


COVERAGE = {
    "in_all_layouts": 5000,
    "asked_again": 0,
    "presumed": 0,
    "by_server": 5000,
    "singly": 128,
    "confidence": 0.999,
    "share_found": 0.0,
    "share_found_by_server": 0.0,
    "share_found_of_presumed": 0.0,
}


def test_skew_gate(tmp_path: Path) -> None:
    report = {
        "blessed": True,
        "rows": 5000,
        "batch_sizes": [1, 64, 512],
        "reasons": [],
        "coverage": COVERAGE,
        "comparisons": [
            {"name": name, "rounding": {"rows": 0, "steps": 0.0, "at_edge": 0, "operations": ["Log1p"]}}
            for name in ("feature fare", "feature pay", "serving_raw, batch size 1")
        ],
        "latency": {
            "REST rows": {"calls": 128, "p50_ms": 1.25, "p95_ms": 2.5},
            "gRPC examples": {"calls": 128, "p50_ms": 1, "p95_ms": 2},
        },
    }
    found = verdict(gate("SkewGate", tmp_path, report))
    assert found.passed
    assert found.reasons == (
        "0 differences over 5,000 rows, 2 features and batch sizes 1, 64, 512",
        "0 differences over 5,000 rows by REST rows, gRPC examples; 128 of them also one by one",
    )
    sampled = {
        "in_all_layouts": 1987,
        "share_found": 0.004922,
        "asked_again": 7,
        "by_server": 1980,
        "share_found_by_server": 0.004922,
    }
    by_sample = verdict(gate("SkewGate", tmp_path, report | {"coverage": COVERAGE | sampled}))
    assert by_sample.reasons == (
        "0 differences over 5,000 rows and 2 features in batches of 512",
        "0 differences over 1,987 of them in batches of 1, 64: a skew in 0.50% of all rows is found with "
        "99.9% probability",
        "0 differences over 1,980 of 5,000 rows by REST rows, gRPC examples: a skew in 0.50% of all rows is found with "
        "99.9% probability; 128 of them also one by one",
    )
    presumed = COVERAGE | sampled | {"presumed": 1300, "share_found_of_presumed": 0.00138}
    assert verdict(gate("SkewGate", tmp_path, report | {"coverage": presumed})).reasons[2] == (
        "1,300 more rows differ in batches of 512, like 7 that rounding explains: a skew in 0.14% of such rows is "
        "found with 99.9% probability"
    )
    report["comparisons"][0]["rounding"] |= {"rows": 4293, "steps": 4.07}
    report["comparisons"][2]["rounding"] |= {"rows": 4999, "steps": 9.0}
    assert verdict(gate("SkewGate", tmp_path, report)).reasons[2:] == (
        "rounding in 1 feature: up to 4,293 rows and 4.1 float32 steps, likely from Log1p",
    )
    report["comparisons"][1]["rounding"] |= {"at_edge": 147}
    assert verdict(gate("SkewGate", tmp_path, report)).reasons[2:] == (
        "rounding in 2 features: up to 4,293 rows and 4.1 float32 steps, likely from Log1p; up to 147 rows at an edge",
    )
    refused = verdict(gate("SkewGate", tmp_path, report | {"blessed": False, "reasons": ["feature fare: no"]}))
    assert (refused.passed, refused.reasons) == (False, ("feature fare: no",))
    empty = verdict(gate("SkewGate", tmp_path, report | {"blessed": False}))
    assert (empty.passed, empty.reasons) == (False, ("no rows were compared",))


def test_latency(tmp_path: Path) -> None:
    measured = {"REST rows": {"calls": 128, "p50_ms": 1.25, "p95_ms": 2.5}}
    result = gate("SkewGate", tmp_path, {"latency": measured})
    assert module.read_latency({"SkewGate": result}) == measured
    assert module.read_latency({}) == {}
    assert module.read_latency({"SkewGate": NodeResult(node="SkewGate", state=SKIPPED, seconds=0.0)}) == {}


def test_a_gate_that_was_not_reached_or_failed() -> None:
    results = {
        "AnomalyGate": NodeResult(node="AnomalyGate", state=FAILED, seconds=1.0, error=OSError("no disk")),
        "Evaluator": NodeResult(node="Evaluator", state=SKIPPED, seconds=0.0),
    }
    assert [(v.gate, v.passed, v.reasons) for v in read_verdicts(results)] == [
        ("AnomalyGate", None, ("the gate failed before it decided",)),
        ("Evaluator", None, ("the run ended before this gate",)),
        ("SkewGate", None, ("the run ended before this gate",)),
    ]
