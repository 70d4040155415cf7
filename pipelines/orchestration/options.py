"""What a user can ask of `node`: the options of a run, and what to do of it. Loads without TFX."""

import dataclasses
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipelines.config import ConfigError
from pipelines.metadata_database import MySqlDatabase
from pipelines.options import RunOptions

# Exit statuses. An orchestrator tries again what failed, was killed, or found the folder busy; nothing else.
DONE, REFUSAL, WRONG_USE, FAILURE, BUSY, INTERRUPTED = 0, 1, 2, 3, 4, 130

# Those that decide how a run is carried out here, not what it is.
NOT_OF_THE_RUN = frozenset({"var", "verbose", "at_once", "watch"})
# As `run` names its runs. Folders of runs are sorted by it, and so the newest is found.
_RUN_ID = re.compile(r"[0-9]{8}-[0-9]{6}(-[0-9]+)?")
_NODE = re.compile(r"[A-Za-z]+")  # it names a file and a folder; whether the run has it is asked later


@dataclasses.dataclass(frozen=True, kw_only=True)
class NodeOptions(RunOptions):
    """The options of `node`."""

    run_id: str | None = None
    """The run: 20260131-235959, its time in UTC, with -1 or another number behind it where that is taken."""
    node: str | None = None
    """Run this node. The first node of a run begins the run."""
    finish: bool = False
    """Close the run, whatever became of its nodes: write its record and its report."""
    list: bool = False
    """List the nodes, and what each waits for."""
    graph: Path | None = None
    """Write the nodes to this file as JSON, for an orchestrator (docs/how-to/airflow.md)."""
    metadata: str | None = None
    """Keep ML Metadata in MySQL, from the first command on --var: mysql://user@host/database. Nodes may run at once."""
    wait_minutes: float = 10.0
    """Time at most to wait for another process that uses --var."""

    def __post_init__(self) -> None:
        super().__post_init__()
        asked = [self.node is not None, self.finish, self.list, self.graph is not None]
        if sum(asked) != 1:
            raise ConfigError(f"expected one of --node, --finish, --list and --graph, received {sum(asked)} of them")
        if (self.node is not None or self.finish) != (self.run_id is not None):
            raise ConfigError("--run-id says which run --node or --finish is about: give both, or neither")
        if self.metadata is not None:
            MySqlDatabase.parse(self.metadata)  # Raises for what is no address.
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
                raise ConfigError(f"{option} is about many nodes in one process, and `node` runs one: use `run`")


def as_arguments(options: RunOptions) -> tuple[str, ...]:
    """Returns the command line's words for what a run is: every option that differs from its default, but --var."""
    return tuple(word for name, value in _differing(options, RunOptions) for word in _spell(name, value))


def describe_contradiction(begun: tuple[str, ...], received: tuple[str, ...]) -> str:
    """Describes two command lines that differ: `expected --train-steps 5, received --train-steps 6`."""
    return f"expected {shlex.join(begun) or 'no options'}, received {shlex.join(received) or 'no options'}"


def _differing(options: Any, kind: type) -> Iterator[tuple[str, Any]]:
    """Yields name and value of each field that differs from its default; a nested record yields its own fields."""
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
