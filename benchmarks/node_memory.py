"""Assign the memory of a run's processes to its nodes: each node runs in a fork of the runner."""

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.measured_process import Branch

RUNNER, BETWEEN, ASKED = "runner, then report", "between nodes", "processes that SkewGate asks"
_FORK_SECONDS = 0.02  # a process may seem to begin this much before its node: its start is known to a clock tick only


def peak_by_node(branches: Sequence[Branch], nodes: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Return the peak memory of each node and the processes that it started, in MiB.

    Args:
        branches: of a run, the runner itself first.
        nodes: of its summary.json.

    Returns:
        By node; nodes that took their result from the cache have none. RUNNER is the process that is forked for each
        node, and that writes the report at the end. BETWEEN are forks that run no node, such as the one that checks
        the task's code. ASKED is the standby process of components.candidate_serving with its own forks: it is not a
        fork of the runner.
    """
    runner, *others = branches
    found = {RUNNER: runner.peak_mib}
    for branch in others:
        name = _find_node(branch.started, nodes) if branch.is_fork else ASKED
        found[name] = max(found.get(name, 0.0), branch.peak_mib)
    return found


def _find_node(started: float, nodes: Sequence[Mapping[str, Any]]) -> str:
    """Return the last node that began before a process: the runner starts one node at a time."""
    begun = [(datetime.datetime.fromisoformat(node["started"]).timestamp(), node) for node in nodes if node["started"]]
    before = [(start, node) for start, node in begun if start <= started + _FORK_SECONDS]
    if not before:
        return BETWEEN
    start, node = max(before, key=lambda one: one[0])
    return str(node["id"]) if started <= start + node["seconds"] else BETWEEN
