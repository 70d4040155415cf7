"""Run the examples in docstrings, so that they stay true."""

import doctest
import importlib

import pytest

MODULES = [
    "pipelines.config",
    "pipelines.metadata_database",
    "pipelines.runs.difference",
    "pipelines.runs.selection",
    "pipelines.spans.pattern",
    "pipelines.spans.selection",
    "pipelines.spans.span",
]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    results = doctest.testmod(importlib.import_module(name))
    assert results.attempted > 0
    assert results.failed == 0
