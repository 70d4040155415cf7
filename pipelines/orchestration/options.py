"""The options of `node`: those of a run, and which part of it to run. Loads without TFX."""

import dataclasses
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipelines.config import ConfigError
from pipelines.metadata_database import MySqlDatabase
from pipelines.options import RunOptions

# Exit statuses. An orchestrator retries a node that failed, was killed, or found the folder busy; no other.
DONE, REFUSAL, WRONG_USE, FAILURE, BUSY, INTERRUPTED = 0, 1, 2, 3, 4, 130

# Options that do not change what a run computes: they may differ between the processes of one run.
NOT_OF_THE_RUN = frozenset({"var", "verbose", "at_once", "watch"})
# The form of `run`'s ids. The newest run is found by sorting the folders' names.
_RUN_ID = re.compile(r"[0-9]{8}-[0-9]{6}(-[0-9]+)?")
_NODE = re.compile(r"[A-Za-z]+")  # safe in the name of a file; SingleNode checks that the run has the node


@dataclasses.dataclass(frozen=True, kw_only=True)
class NodeOptions(RunOptions):
    """The options of `node`."""

    run_id: str | None = None
    """The run's id: a time in UTC such as 20260131-235959, with -1 or another number appended if it is taken."""
    node: str | None = None
    """Run this node. The first node of a run begins the run."""
    finish: bool = False
    """End the run, also if nodes failed or did not run: write its record and its report."""
    list: bool = False
    """List the nodes, and which nodes each waits for."""
    graph: Path | None = None
    """Write the nodes to this file as JSON, for an orchestrator (docs/how-to/airflow.md)."""
    metadata: str | None = None
    """Keep ML Metadata in MySQL, from the first command on --var: mysql://user@host/database. Nodes can run at once."""
    wait_minutes: float = 10.0
    """Wait at most this long for another process that uses --var."""

    def __post_init__(self) -> None:
        super().__post_init__()
        asked = [self.node is not None, self.finish, self.list, self.graph is not None]
        if sum(asked) != 1:
            raise ConfigError(f"expected one of --node, --finish, --list and --graph, received {sum(asked)} of them")
        if (self.node is not None or self.finish) != (self.run_id is not None):
            raise ConfigError(
                "expected --run-id together with --node or --finish, received one without the other; give both, or "
                "neither"
            )
        if self.metadata is not None:
            MySqlDatabase.parse(self.metadata)  # raises an error if it is no address
        if self.run_id is not None and not _RUN_ID.fullmatch(self.run_id):
            raise ConfigError(
                f"run id: expected a time such as 20260131-235959, or 20260131-235959-1, received {self.run_id!r}"
            )
        if self.node is not None and not _NODE.fullmatch(self.node):
            raise ConfigError(f"node: expected a name such as Trainer, see --list, received {self.node!r}")
        if not 0 <= self.wait_minutes < float("inf"):
            raise ConfigError(f"wait minutes: expected 0 or more, received {self.wait_minutes}")
        for option, given in (("--watch", self.watch), ("--at-once", self.at_once not in (None, 1))):
            if given:
                raise ConfigError(f"{option}: expected an option of one node, received one of many nodes; use `run`")


def as_arguments(options: RunOptions) -> tuple[str, ...]:
    """Return, as command-line arguments, every option that defines the run and differs from its default."""
    return tuple(word for name, value in _differing(options, RunOptions) for word in _spell(name, value))


def describe_contradiction(begun: tuple[str, ...], received: tuple[str, ...]) -> str:
    """Describe two command lines that differ.

    Args:
        begun: the arguments that the run was begun with.
        received: the arguments of this process.

    Returns:
        The words for an error message.

    Example:
        >>> describe_contradiction(("--train-steps", "5"), ())
        'expected --train-steps 5, received no options'
    """
    return f"expected {shlex.join(begun) or 'no options'}, received {shlex.join(received) or 'no options'}"


def _differing(options: Any, kind: type) -> Iterator[tuple[str, Any]]:
    """Yield name and value of each field that differs from its default; a nested record yields its own fields."""
    for field in dataclasses.fields(kind):
        value = getattr(options, field.name)
        if field.name in NOT_OF_THE_RUN or value == field.default:
            continue
        if dataclasses.is_dataclass(value):
            yield from _differing(value, type(value))
        else:
            yield field.name, value


def _spell(name: str, value: Any) -> Iterator[str]:
    option = "--" + name.replace("_", "-")
    for one in value if isinstance(value, tuple) else (value,):
        yield option
        if one is not True:
            yield str(one)
