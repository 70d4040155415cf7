"""What a run was begun as: begun.json in its folder. Each process of the run holds what it is asked against it."""

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
    """A process was asked for another run than the one that was begun under this id, or for a node before its turn."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class BegunRun:
    """A run, as its first process found it."""

    started: str  # UTC, ISO 8601
    arguments: tuple[str, ...]  # see options.as_arguments
    spans: str | None  # the choice of spans as a range: those that arrive later are not of this run
    nodes: Mapping[str, str]  # node -> digest of its definition, in the pipeline's order
    pushed_before: tuple[int, ...]  # versions that were in place
    data: str  # what is read; in words, as for the three below
    source_digest: str
    task_files: Mapping[str, str]
    unread_files: tuple[str, ...]

    def write(self, directory: Path) -> None:
        """Writes it into the run's folder, whole or not at all."""
        write_whole(directory / BEGUN_FILE, json.dumps({"format": _FORMAT} | dataclasses.asdict(self), indent=1) + "\n")


def read_begun(directory: Path) -> BegunRun | None:
    """Reads what a run was begun as; None where it was not begun yet.

    Raises:
        RunMismatchError: Another version of this project wrote it.
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
    """Digests the definition of each node: settings, code, inputs; in the pipeline's order."""
    return {
        node.pipeline_node.node_info.id: hashlib.sha256(
            node.pipeline_node.SerializeToString(deterministic=True)
        ).hexdigest()[:16]
        for node in compiled.nodes
    }


def check_nodes(run_id: str, begun: BegunRun, nodes: Mapping[str, str]) -> None:
    """Checks that the pipeline is the one that was begun.

    Raises:
        RunMismatchError: It is not.
    """
    differ = [name for name in {**begun.nodes, **nodes} if begun.nodes.get(name) != nodes.get(name)]
    if differ:
        raise RunMismatchError(
            f"run {run_id} was begun with other code, settings or data: expected every node as it was then, received "
            f"another {', '.join(differ)}; begin a new run: what did not change comes from the cache"
        )


def pin_options(options: RunOptions, begun: BegunRun | None) -> RunOptions:
    """Returns the options with the spans that the run was begun with.

    Raises:
        RunMismatchError: The run was begun with other options.
    """
    if begun is None:
        return options
    received = as_arguments(options)
    if received != begun.arguments:
        said = describe_contradiction(begun.arguments, received)
        raise RunMismatchError(f"the run was begun with other options: {said}; begin a new run, or give the same ones")
    return dataclasses.replace(options, spans=begun.spans) if begun.spans else options
