"""Describe the timeline of a run: the nodes with their states and times."""

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from pipelines.runs import Run

_CSS_CLASSES = {"ran": "good", "cached": "quiet", "failed": "bad", "refused": "bad", "skipped": "quiet"}


def describe_timeline(run: Run) -> dict[str, Any]:
    """Return the content of the section: the nodes, each with a bar that shows when it ran."""
    nodes = run.summary["nodes"]
    refused = {gate["gate"] for gate in run.summary["gates"] if gate["passed"] is False}
    states = ["refused" if node["state"] == "failed" and node["id"] in refused else node["state"] for node in nodes]
    rows = [
        {
            "node": node["id"],
            "state": state,
            "css_class": _CSS_CLASSES.get(state, "quiet"),
            "seconds": node["seconds"],
            "begin": begin,
            "share": share,
            "summary": "see the error above" if _is_error_of_run(node, run.summary["error"]) else node["summary"],
        }
        for node, state, (begin, share) in zip(nodes, states, place_bars(nodes), strict=True)
    ]
    return {"nodes": rows, "states": {state: states.count(state) for state in _CSS_CLASSES if state in states}}


def _is_error_of_run(node: Mapping[str, Any], error: str | None) -> bool:
    """Return whether the top of the page shows the node's error."""
    return node["state"] == "failed" and error == f"{node['id']}: {node['summary']}"


def place_bars(nodes: Sequence[Mapping[str, Any]]) -> list[tuple[float, float]]:
    """Return begin and length of each node's bar, in percent of the time from the first start to the last end.

    Args:
        nodes: The nodes of a run's record. A node without a start time, as in older records, begins at 0.

    Example:
        >>> first = {"started": "2026-01-01T12:00:00", "seconds": 30}
        >>> second = {"started": "2026-01-01T12:00:30", "seconds": 10}
        >>> place_bars([first, second])
        [(0.0, 75.0), (75.0, 25.0)]
    """
    starts = [datetime.datetime.fromisoformat(node["started"]) if node["started"] else None for node in nodes]
    first = min((start for start in starts if start), default=None)
    begins = [(start - first).total_seconds() if start and first else 0.0 for start in starts]
    ends = [begin + node["seconds"] for begin, node in zip(begins, nodes, strict=True)]
    span = max([*ends, 0.1])
    return [(100 * begin / span, 100 * node["seconds"] / span) for begin, node in zip(begins, nodes, strict=True)]
