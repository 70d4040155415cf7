"""Decisions are those of the gateway, which reads a probability as its shortest decimal number."""

import json
from pathlib import Path

import numpy as np
import pytest

from components.batch_predictor.job import PredictionJob
from components.batch_predictor.output import decide, least_probability, output_schema


def job(**more: object) -> PredictionJob:
    return PredictionJob(files=(), model=Path(), version=7, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("threshold", [0.0, 0.1, 0.3, 0.5, 0.7, 0.7000000001, 0.69999999, 0.2, 1.0, 1e-9])
def test_thresholds_between_two_float32(threshold: float) -> None:
    least = least_probability(threshold)
    near = [least, np.nextafter(least, np.float32(2)), np.nextafter(least, np.float32(-2)), np.float32(threshold)]
    said = [json.loads(str(probability)) >= threshold for probability in near]  # as JSON has them
    assert (np.array(near) >= least).tolist() == said


def test_the_most_probable_class() -> None:
    predictions = np.array([[0.2, 0.5, 0.3], [0.4, 0.4, 0.2]], np.float32)
    assert decide(job(classes=("a", "b", "c")), predictions).to_pylist() == ["b", "a"]
    assert decide(job(), predictions).to_pylist() == [1, 0]
    names = ["file", "line", "id", "prediction_0", "prediction_1", "prediction_2", "decision", "model_version"]
    assert output_schema(job(keep=("id",)), 3).names == [*names, "prediction_time"]


def test_a_regression_decides_nothing() -> None:
    assert decide(job(), np.array([[3.5]], np.float32)) is None
    assert "decision" not in output_schema(job(), 1).names
