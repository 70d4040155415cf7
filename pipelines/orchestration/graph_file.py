"""Read and write the graph file, which describes the nodes of a run for an orchestrator. Loads without TFX."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

FORMAT = 1


class GraphFileError(ValueError):
    """A file is no graph file, or another version of this project wrote it."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class GraphNode:
    """One node of the graph."""

    id: str
    what: str  # what it does, in words
    upstream: Sequence[str]
    downstream: Sequence[str]
    pushes: bool  # whether it pushes the model
    gate: bool  # whether it is a gate or Pusher; only AnomalyGate and Pusher exit with 1 when they refuse
    memory_bytes: int
    cores: int  # 0: all cores
    timeout_minutes: float
    retries: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class Graph:
    """The nodes of a run in topological order, and the command line that runs them."""

    task: str  # the task's name
    package: str  # the value of --task: the name, or a dotted package
    var: str
    arguments: Sequence[str]  # of `python -m pipelines`; append --run-id, and --node or --finish
    engine: str  # where Beam runs
    parallel: bool  # whether several nodes may run at the same time
    pushes_to: str  # folder of the pushed versions; empty for an experiment
    nodes: Sequence[GraphNode]

    def as_json(self) -> str:
        """Return the text of the graph file."""
        return json.dumps({"format": FORMAT} | dataclasses.asdict(self), indent=2) + "\n"


def read_graph(file: Path) -> Graph:
    """Read a graph file.

    Args:
        file: which `python -m pipelines node --graph` wrote.

    Returns:
        The graph.

    Raises:
        GraphFileError: There is no such file, it is no graph, or another version of this project wrote it.
    """
    try:
        record = json.loads(file.read_text())
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise GraphFileError(f"{file}: expected a graph file, received {error}; {_REMEDY}") from error
    received = record.pop("format", None) if isinstance(record, dict) else None
    if received != FORMAT:
        raise GraphFileError(f"{file}: expected format {FORMAT}, received {received}; {_REMEDY}")
    return Graph(**record | {"nodes": [GraphNode(**node) for node in record["nodes"]]})


_REMEDY = "write it with `python -m pipelines node --graph FILE`"
