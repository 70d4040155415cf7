"""Run the examples in docstrings, so that they stay true."""

import doctest
import importlib

import pytest

MODULES = [
    "components.anomaly_gate.observations",
    "components.artifact_files",
    "components.batch_predictor.assembly",
    "components.batch_predictor.output",
    "components.csv_example_gen.csv_files",
    "components.csv_example_gen.csv_values",
    "components.csv_example_gen.moments",
    "components.csv_example_gen.records",
    "components.csv_example_gen.row_copies",
    "components.csv_example_gen.row_split",
    "components.read_ahead",
    "components.row_keys",
    "components.span_examples.component",
    "components.stacked_features",
]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    results = doctest.testmod(importlib.import_module(name))
    assert results.attempted > 0
    assert results.failed == 0
