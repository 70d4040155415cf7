"""Run the examples in docstrings, so that they stay true."""

import doctest
import importlib

import pytest

MODULES = [
    "pipelines.evaluation.bootstrap",
    "pipelines.evaluation.comparison_words",
    "pipelines.evaluation.measures",
    "pipelines.evaluation.model_comparison",
    "pipelines.evaluation.row_losses",
    "pipelines.evaluation.slices",
    "pipelines.evaluation.weighted_metrics",
]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    results = doctest.testmod(importlib.import_module(name))
    assert results.attempted > 0
    assert results.failed == 0
