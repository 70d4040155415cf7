"""The section on the timeline: the nodes with their states and times."""

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from pipelines.runs import Run

_CSS_CLASSES = {"ran": "good", "cached": "quiet", "failed": "bad", "skipped": "quiet"}


def describe_timeline(run: Run) -> dict[str, Any]:
    """Describe the nodes, each with its bar: where it begins and ends, as shares of the time from first to last."""
    nodes = run.summary["nodes"]
    rows = [
        {
            "node": node["id"],
            "state": node["state"],
            "css_class": _CSS_CLASSES.get(node["state"], "quiet"),
            "seconds": node["seconds"],
            "begin": begin,
            "share": share,
            "summary": node["summary"],
        }
        for node, (begin, share) in zip(nodes, place_bars(nodes), strict=True)
    ]
    states = [node["state"] for node in nodes]
    return {"nodes": rows, "states": {state: states.count(state) for state in _CSS_CLASSES if state in states}}


def place_bars(nodes: Sequence[Mapping[str, Any]]) -> list[tuple[float, float]]:
    """Compute where each node's bar begins and how long it is, in percent of the time in which nodes ran.

    Args:
        nodes: of the record. One that does not say when it started, as in older records, begins at 0.
    """
    starts = [datetime.datetime.fromisoformat(node["started"]) if node["started"] else None for node in nodes]
    first = min((start for start in starts if start), default=None)
    begins = [(start - first).total_seconds() if start and first else 0.0 for start in starts]
    ends = [begin + node["seconds"] for begin, node in zip(begins, nodes, strict=True)]
    span = max([*ends, 0.1])
    return [(100 * begin / span, 100 * node["seconds"] / span) for begin, node in zip(begins, nodes, strict=True)]
