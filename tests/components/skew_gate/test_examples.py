"""Run the examples in docstrings, so that they stay true."""

import doctest
import importlib

import pytest

MODULES = [
    "components.skew_gate.bitwise",
    "components.skew_gate.comparison",
    "components.skew_gate.coverage",
    "components.skew_gate.json_values",
    "components.skew_gate.rounding",
    "components.skew_gate.served_candidate",
]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    results = doctest.testmod(importlib.import_module(name))
    assert results.attempted > 0
    assert results.failed == 0
