"""Run the examples in docstrings, so that they stay true."""

import doctest
import importlib

import pytest

MODULES = [
    "pipelines.scaffold.chance",
    "pipelines.scaffold.column_cells",
    "pipelines.scaffold.contract",
    "pipelines.scaffold.dates",
    "pipelines.scaffold.headings",
    "pipelines.scaffold.names",
    "pipelines.scaffold.rendering",
]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    results = doctest.testmod(importlib.import_module(name))
    assert results.attempted > 0
    assert results.failed == 0
