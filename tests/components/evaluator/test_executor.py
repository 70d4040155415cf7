"""From batches of extracts to the blessing, with a metric that adds up and one that goes row by row.

Reading Examples and asking models, which come before, are TFX's and TFMA's; the tests of runs have them.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apache_beam as beam
import numpy as np
import pytest
import tensorflow_model_analysis as tfma
from google.protobuf import json_format, text_format
from tensorflow_model_analysis.extractors.extractor import Extractor
from tfx.components.evaluator import constants
from tfx.types import standard_artifacts
from tfx.types import standard_component_specs as keys

from components.evaluator import executor
from components.evaluator.evaluation import split_specs

pytestmark = pytest.mark.slow

ROWS, BATCH = 60, 40
SCORE = np.random.default_rng(3).normal(0, 1, ROWS)
LABEL = (SCORE + np.random.default_rng(4).normal(0, 0.5, ROWS) > 0).astype(np.int64)
CONFIG = text_format.Parse(
    """
    model_specs { label_key: "label" }
    slicing_specs {}
    slicing_specs { feature_keys: "hour" }
    metrics_specs {
      metrics { class_name: "BinaryAccuracy" threshold {
        value_threshold { lower_bound { value: 0.1 } }
        change_threshold { direction: HIGHER_IS_BETTER absolute { value: 0.05 } }
      } }
      metrics { class_name: "SquaredPearsonCorrelation" threshold { value_threshold { lower_bound { value: 0.1 } } } }
    }
    """,
    tfma.EvalConfig(),
)


def predict(sign: float) -> np.ndarray:
    """What a model predicts from the score, or from its opposite, [rows, 1]."""
    return (1 / (1 + np.exp(-sign * SCORE[:, None]))).astype(np.float32)


def batches(candidate: np.ndarray, baseline: np.ndarray) -> Iterator[dict[str, Any]]:
    for begin in range(0, ROWS, BATCH):
        part = slice(begin, begin + BATCH)
        predictions = {tfma.CANDIDATE_KEY: candidate[part], tfma.BASELINE_KEY: baseline[part]}
        yield {
            "input": np.array([b"row"] * len(LABEL[part]), dtype=object),
            "features": {"hour": np.arange(ROWS)[part] % 2},
            "labels": dict.fromkeys(predictions, LABEL[part]),
            "predictions": predictions,
        }


@pytest.mark.parametrize(("sign", "passes"), [(1.0, True), (-1.0, False)], ids=["better", "worse"])
def test_verdict_and_blessing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sign: float, passes: bool) -> None:
    """The baseline is the opposite of the candidate."""
    assert all(split_specs(CONFIG)), "some metrics of either kind"
    made = list(batches(predict(sign), predict(-sign)))
    monkeypatch.setattr(executor, "read_batches", lambda pipeline, *_: (pipeline | beam.Create(made), None))
    monkeypatch.setattr(executor, "batch_extractors", lambda **_: [Extractor("AsGiven", beam.Map(lambda one: one))])
    artifacts = {
        keys.EXAMPLES_KEY: standard_artifacts.Examples(),
        keys.MODEL_KEY: standard_artifacts.Model(),
        keys.BASELINE_MODEL_KEY: standard_artifacts.Model(),
        keys.EVALUATION_KEY: standard_artifacts.ModelEvaluation(),
        keys.BLESSING_KEY: standard_artifacts.ModelBlessing(),
    }
    for name, artifact in artifacts.items():
        artifact.uri = str(tmp_path / name)
    both = {name: [artifact] for name, artifact in artifacts.items()}
    executor.Executor().Do(both, both, {keys.EVAL_CONFIG_KEY: json_format.MessageToJson(CONFIG)})

    verdict = tfma.load_validation_result(artifacts[keys.EVALUATION_KEY].uri)
    assert verdict.validation_ok is passes
    failed = {failure.metric_key.name for one in verdict.metric_validations_per_slice for failure in one.failures}
    assert failed == (set() if passes else {"binary_accuracy"})
    blessed = artifacts[keys.BLESSING_KEY].get_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY)
    assert blessed == int(passes)
    metrics = tfma.load_eval_result(artifacts[keys.EVALUATION_KEY].uri, model_name=tfma.CANDIDATE_KEY).slicing_metrics
    assert len(metrics) == 3
    overall = next(found for where, found in metrics if not where)[""][""]
    expected = np.corrcoef(LABEL, predict(sign)[:, 0])[0, 1] ** 2
    assert overall["squared_pearson_correlation"]["doubleValue"] == pytest.approx(expected, rel=1e-5)
    assert overall["binary_accuracy"]["doubleValue"] == pytest.approx(((predict(sign)[:, 0] > 0.5) == LABEL).mean())
