"""Where the bars of the timeline lie."""

from types import SimpleNamespace
from typing import cast

from pipelines.report.timeline import describe_timeline, place_bars
from pipelines.runs import Run


def test_nodes_that_ran_at_the_same_time_overlap() -> None:
    nodes = [
        {"started": "2026-11-21T10:00:00.000+00:00", "seconds": 4.0},
        {"started": "2026-11-21T10:00:04.000+00:00", "seconds": 6.0},
        {"started": "2026-11-21T10:00:05.500+00:00", "seconds": 2.0},
        {"started": "", "seconds": 0.0},  # skipped
    ]
    assert place_bars(nodes) == [(0.0, 40.0), (40.0, 60.0), (55.0, 20.0), (0.0, 0.0)]


def test_bars_of_an_older_record_are_shares_of_the_longest() -> None:
    nodes = [{"started": "", "seconds": 4.0}, {"started": "", "seconds": 8.0}]
    assert place_bars(nodes) == [(0.0, 50.0), (0.0, 100.0)]


def test_no_node_ran() -> None:
    assert place_bars([]) == []


def test_a_gate_that_refused_the_data_did_not_fail() -> None:
    nodes = [
        {"id": node, "state": "failed", "seconds": 1.0, "started": "", "summary": ""}
        for node in ("SchemaGen", "AnomalyGate")
    ]
    summary = {
        "error": "",
        "nodes": nodes,
        "gates": [{"gate": "AnomalyGate", "passed": False}, {"gate": "Evaluator", "passed": None}],
    }
    found = describe_timeline(cast("Run", SimpleNamespace(summary=summary)))
    assert [row["state"] for row in found["nodes"]] == ["failed", "refused"]
    assert found["states"] == {"failed": 1, "refused": 1}
