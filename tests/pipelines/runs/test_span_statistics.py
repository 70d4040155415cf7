"""In which order a run's spans are read."""

from types import SimpleNamespace
from typing import Any

import pytest

from pipelines.nodes import SPANS_RESOLVER
from pipelines.runs import span_statistics


def test_a_corrected_span_that_was_stored_after_later_ones_stands_in_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    stored = {4: ("2014Q2", 16161, 1), 9: ("2014Q1", 16071, 2)}  # in the order of their ids
    metadata: Any = SimpleNamespace(
        list_steps=lambda run: [SimpleNamespace(node=SPANS_RESOLVER, resolved={"examples": tuple(stored)})],
        get_artifacts=lambda ids: [
            SimpleNamespace(
                id=id, properties={"span_name": stored[id][0], "span": stored[id][1], "version": stored[id][2]}
            )
            for id in ids
        ],
    )
    monkeypatch.setattr(span_statistics, "_find_statistics", lambda _, examples, name: (examples, name))
    monkeypatch.setattr(span_statistics, "read_statistics", lambda path, split: path)
    assert list(span_statistics.read_span_statistics(metadata, "r").items()) == [
        ("2014Q1 v2", (9, "2014Q1 v2")),
        ("2014Q2 v1", (4, "2014Q2 v1")),
    ]
