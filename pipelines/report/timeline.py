"""The section on the timeline: the nodes with their states and times."""

from typing import Any

from pipelines.runs import Run

_CSS_CLASSES = {"ran": "good", "cached": "quiet", "failed": "bad", "skipped": "quiet"}


def describe_timeline(run: Run) -> dict[str, Any]:
    """Describes the nodes, each with its time as a share of the longest."""
    nodes = run.nodes()
    longest = max(nodes["seconds"].max(), 0.1) if len(nodes) else 1.0
    rows = [
        {
            "node": row.node,
            "state": row.state,
            "css_class": _CSS_CLASSES.get(row.state, "quiet"),
            "seconds": row.seconds,
            "share": 100 * row.seconds / longest,
            "summary": row.summary,
        }
        for row in nodes.itertuples()
    ]
    states = nodes["state"].value_counts().to_dict()
    return {"nodes": rows, "states": {state: states[state] for state in _CSS_CLASSES if state in states}}
