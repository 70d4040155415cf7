"""Whose memory a branch of a run's processes was: each node runs in a fork of the runner, which began when it did."""

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.measured_process import Branch

RUNNER, BETWEEN, ASKED = "runner, then report", "between nodes", "processes that SkewGate asks"
_FORK_SECONDS = 0.02  # by which a process may seem to begin before its node: its start is known to a clock tick


def peak_by_node(branches: Sequence[Branch], nodes: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Return the peak memory of each node with what it started, MiB.

    Args:
        branches: of a run, the runner itself first.
        nodes: of its summary.json.

    Returns:
        By node; nodes that took their result from the cache have none. RUNNER: the process that all forks are made of,
        which writes the report in the end. BETWEEN: forks of no node, such as that which checks the task's code.
        ASKED: what is no fork of the runner, which is the standby process of components.candidate_serving with its own.
    """
    runner, *others = branches
    found = {RUNNER: runner.peak_mib}
    for branch in others:
        name = _find_node(branch.started, nodes) if branch.is_fork else ASKED
        found[name] = max(found.get(name, 0.0), branch.peak_mib)
    return found


def _find_node(started: float, nodes: Sequence[Mapping[str, Any]]) -> str:
    """Return the node that began last before a process did: the runner begins one at a time."""
    begun = [(datetime.datetime.fromisoformat(node["started"]).timestamp(), node) for node in nodes if node["started"]]
    before = [(start, node) for start, node in begun if start <= started + _FORK_SECONDS]
    if not before:
        return BETWEEN
    start, node = max(before, key=lambda one: one[0])
    return str(node["id"]) if started <= start + node["seconds"] else BETWEEN
