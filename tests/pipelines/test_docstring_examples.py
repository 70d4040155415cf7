"""Run the examples in docstrings, so that they stay true."""

import doctest
import importlib

import pytest

MODULES = [
    "pipelines.data_versions.pinned_files",
    "pipelines.ingestion.logged_window",
    "pipelines.ingestion.printable",
    "pipelines.modeling.vocabularies",
    "pipelines.overview.mlflow_records",
    "pipelines.retention.disk_usage",
    "pipelines.review.state",
    "pipelines.search.trainings",
    "pipelines.task_check.raw_columns",
    "pipelines.task_check.sampled_rows",
    "pipelines.yardstick.models",
]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    results = doctest.testmod(importlib.import_module(name))
    assert results.attempted > 0
    assert results.failed == 0
