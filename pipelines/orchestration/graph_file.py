"""The graph file: the nodes of a run as an orchestrator needs them. Reads and writes it without TFX."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

FORMAT = 1


class GraphFileError(ValueError):
    """The file is no graph, or another version of this project wrote it."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class GraphNode:
    """One node."""

    id: str
    what: str  # it does, in words
    upstream: Sequence[str]
    downstream: Sequence[str]
    pushes: bool  # it puts a model in place
    gate: bool  # it decides about data or model; of these only AnomalyGate and Pusher end with 1 where that is refused
    memory_bytes: int
    cores: int  # 0: as many as there are
    timeout_minutes: float
    retries: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class Graph:
    """The nodes of a run, in an order in which each comes after those that it waits for."""

    task: str  # its name
    package: str  # what --task calls it
    var: str
    arguments: Sequence[str]  # of `python -m pipelines`; --run-id, and --node or --finish, come after them
    engine: str  # where Beam runs
    parallel: bool  # several nodes may run at the same time
    pushes_to: str  # the folder of versions; empty for an experiment
    nodes: Sequence[GraphNode]

    def as_json(self) -> str:
        """Returns the text of the graph file."""
        return json.dumps({"format": FORMAT} | dataclasses.asdict(self), indent=2) + "\n"


def read_graph(file: Path) -> Graph:
    """Reads a graph file.

    Args:
        file: as `python -m pipelines node --graph` writes it.

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
