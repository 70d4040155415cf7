"""Run the examples in docstrings, so that they stay true."""

import doctest
import importlib

import pytest

MODULES = [
    "serving.contract.dates",
    "serving.contract.missing_values",
    "serving.contract.time_parts",
    "serving.csv_text.cells",
    "serving.csv_text.number_formats",
    "serving.csv_text.separators",
    "serving.did_you_mean",
    "serving.gateway.contributions",
    "serving.gateway.sticky",
    "serving.request_id",
    "serving.request_log.encoding",
    "serving.rollout.comparison",
    "serving.rollout.options",
    "serving.signing.manifest",
    "serving.traffic_file",
]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    results = doctest.testmod(importlib.import_module(name))
    assert results.attempted > 0
    assert results.failed == 0
