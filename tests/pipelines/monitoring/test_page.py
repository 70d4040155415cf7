"""What the page says of requests that failed."""

import dataclasses
from pathlib import Path

import pytest
from markupsafe import Markup

from pipelines.monitoring.page import render
from tests.pipelines.monitoring.records import made_record


@pytest.mark.slow
def test_failed_requests_are_told_by_version(tmp_path: Path) -> None:
    record = made_record("unchanged")
    told = dataclasses.replace(record, report=record.report | {"failed": {"": 1, "18": 1234}})
    page = render(told, tmp_path, Markup(""))
    assert "Requests that failed, by the requested version: none known: 1, 18: 1,234." in page
    del record.report["failed"]  # as in the record of an earlier release
    assert "Requests that failed" not in render(record, tmp_path, Markup(""))
