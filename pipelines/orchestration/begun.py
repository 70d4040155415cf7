"""Record how a run began, in begun.json in its folder, and check that its later processes have the same options."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.options import RunOptions
from pipelines.orchestration.options import as_arguments, describe_contradiction
from pipelines.runner.run_folder import BEGUN_FILE
from serving.durable_file import write_whole

if TYPE_CHECKING:
    from tfx.proto.orchestration import pipeline_pb2

_FORMAT = 1


class RunMismatchError(ValueError):
    """The run with this id was begun with other options or code, or the node's turn in it has not come."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class BegunRun:
    """The state in which a run began, as its first process found it."""

    started: str  # UTC, ISO 8601
    arguments: tuple[str, ...]  # see options.as_arguments
    spans: str | None  # the chosen spans as a range, so that spans accepted later are not part of the run
    nodes: Mapping[str, str]  # node -> digest of its definition, in the pipeline's order
    pushed_before: tuple[int, ...]  # versions that were pushed before the run began
    data: str  # the rows that are read, in words; this and the fields below are those of Summary
    source_digest: str
    task_files: Mapping[str, str]
    unread_files: tuple[str, ...]

    def write(self, directory: Path) -> None:
        """Write begun.json into the run's folder, whole or not at all."""
        write_whole(directory / BEGUN_FILE, json.dumps({"format": _FORMAT} | dataclasses.asdict(self), indent=1) + "\n")


def read_begun(directory: Path) -> BegunRun | None:
    """Return the state in which a run began, or None if it has not begun.

    Args:
        directory: of the run.

    Raises:
        RunMismatchError: Another version of this project wrote begun.json.
    """
    path = directory / BEGUN_FILE
    if not path.is_file():
        return None
    record: dict[str, Any] = json.loads(path.read_text())
    if (received := record.pop("format", None)) != _FORMAT:
        raise RunMismatchError(f"{path}: expected format {_FORMAT}, received {received}; begin a new run")
    tuples = {name: tuple(record[name]) for name in ("arguments", "pushed_before", "unread_files")}
    return BegunRun(**record | tuples)


def digest_nodes(compiled: pipeline_pb2.Pipeline) -> dict[str, str]:
    """Return a digest of each node's definition (settings, code, inputs), in the pipeline's order."""
    return {
        node.pipeline_node.node_info.id: hashlib.sha256(
            node.pipeline_node.SerializeToString(deterministic=True)
        ).hexdigest()[:16]
        for node in compiled.nodes
    }


def check_nodes(run_id: str, begun: BegunRun, nodes: Mapping[str, str]) -> None:
    """Check that every node is defined as it was when the run began.

    Args:
        run_id: for the message.
        begun: the state in which the run began.
        nodes: node -> digest of its definition now.

    Raises:
        RunMismatchError: A node differs, is new, or is missing.
    """
    differ = [name for name in {**begun.nodes, **nodes} if begun.nodes.get(name) != nodes.get(name)]
    if differ:
        raise RunMismatchError(
            f"run {run_id} was begun with other code, settings or data: expected every node as it was then, received "
            f"another {', '.join(differ)}; begin a new run: what did not change comes from the cache"
        )


def pin_options(options: RunOptions, begun: BegunRun | None) -> RunOptions:
    """Return the options, with the spans that the run began with.

    Args:
        options: of this process.
        begun: the state in which the run began; None: it has not begun.

    Raises:
        RunMismatchError: The run was begun with other options.
    """
    if begun is None:
        return options
    received = as_arguments(options)
    if received != begun.arguments:
        difference = describe_contradiction(begun.arguments, received)
        raise RunMismatchError(
            f"the run was begun with other options: {difference}; begin a new run, or give the same options"
        )
    return dataclasses.replace(options, spans=begun.spans) if begun.spans else options
