"""Run every example in a docstring, so that they stay true."""

import doctest
import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("benchmarks", "components", "data", "environment", "notebooks", "pipelines", "serving", "website")
ASKS_A_GATEWAY = "serving.client.__init__"  # tests/serving/client/test_client.py runs it
EXAMPLE = re.compile(r"^ +>>> ", re.MULTILINE)
WITH_EXAMPLES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for package in PACKAGES
    for path in (ROOT / package).rglob("*.py")
    if EXAMPLE.search(path.read_text(encoding="utf-8"))
}
MODULES = sorted(WITH_EXAMPLES - {ASKS_A_GATEWAY})


def test_there_are_examples_in_the_packages_that_people_call() -> None:
    assert {module.partition(".")[0] for module in MODULES} >= {"components", "pipelines", "serving"}


@pytest.mark.parametrize("module", MODULES)
def test_examples(module: str) -> None:
    results = doctest.testmod(importlib.import_module(module))
    assert results.attempted > 0
    assert results.failed == 0
