"""The timeline of a run: its nodes with their states and times."""

from typing import Any

from pipelines.runs import Run

_LOOKS = {"ran": "good", "cached": "quiet", "failed": "bad", "skipped": "quiet"}


def timeline(run: Run) -> dict[str, Any]:
    """The nodes, each with the share of the longest one's time."""
    nodes = run.nodes()
    longest = max(nodes["seconds"].max(), 0.1) if len(nodes) else 1.0
    rows = [
        {
            "node": row.node,
            "state": row.state,
            "look": _LOOKS.get(row.state, "quiet"),
            "seconds": row.seconds,
            "share": 100 * row.seconds / longest,
            "summary": row.summary,
        }
        for row in nodes.itertuples()
    ]
    states = nodes["state"].value_counts().to_dict()
    return {"nodes": rows, "states": {state: states[state] for state in _LOOKS if state in states}}
