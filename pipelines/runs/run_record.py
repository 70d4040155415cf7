"""Read the record of a run: its summary.json, of any format; without one, what ML Metadata recorded of the run."""

import datetime
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pipelines.metadata_database import has_metadata
from pipelines.runs.errors import RunError
from pipelines.runs.metadata import Artifact, Metadata, Step

SUMMARY_FILE = "summary.json"  # docs/reference/summary.md
FORMAT = 2  # of summary.json; older ones are upgraded when they are read
UNFINISHED = "unfinished"  # status of a run without a summary: it is still running, or was killed

# What the first records of format 2 lack.
_ADDED_LATER: Mapping[str, Any] = {
    "data_fingerprint": "", "split": "", "spans": [], "unread_files": [], "vocabularies": {},
    "experiment": None, "not_pushed": None, "comparison": None,
}  # fmt: skip
_NODE_ADDED_LATER: dict[str, Any] = {"started": ""}  # what their nodes lack
_STATES = {"COMPLETE": "ran", "CACHED": "cached"}  # of ML Metadata -> of summary.json
_ID_TIME = "%Y%m%d-%H%M%S"  # a run's id begins with the time at which it started


def read_record(directory: Path, database: Path) -> dict[str, Any]:
    """Read the record of a run, and upgrade it to format 2 (docs/reference/summary.md).

    Args:
        directory: the run's folder.
        database: the SQLite file of ML Metadata; opened only if the run has no summary.

    Returns:
        The record. Its status may also be UNFINISHED.

    Raises:
        RunError: The summary is damaged, or of an unknown format.
    """
    path = directory / SUMMARY_FILE
    if not path.is_file():
        return _rebuild_record(directory.name, Metadata(database) if has_metadata(database) else None)
    try:
        record = json.loads(path.read_text())
    except ValueError as error:
        raise RunError(f"{path} is damaged: expected JSON, received {error}; move the run's folder away.") from error
    received = record.get("format") if isinstance(record, dict) else type(record).__name__
    if received == FORMAT:
        return _ADDED_LATER | record | {"nodes": [_NODE_ADDED_LATER | node for node in record["nodes"]]}
    if received in _UPGRADES:
        return _UPGRADES[received](record)
    raise RunError(
        f"{path} is not understood: expected format {', '.join(map(str, _UPGRADES))} or {FORMAT}, received {received}; "
        "update this project."
    )


def sort_key(directory: Path) -> tuple[str, int]:
    """Return a key that sorts folders of runs by time, and those of the same second by their number."""
    length = len(datetime.datetime(2000, 1, 1).strftime(_ID_TIME))
    number = directory.name[length:].removeprefix("-")
    return directory.name[:length], int(number) if number.isdecimal() else 0


def _upgrade_from_1(record: Mapping[str, Any]) -> dict[str, Any]:
    """Rename what format 2 renamed, and add what the first records of format 1 lack (docs/reference/summary.md)."""
    nodes = [
        {
            **_NODE_ADDED_LATER,
            **{name: value for name, value in node.items() if name != "words"},
            "summary": node["words"],
        }
        for node in record["nodes"]
    ]
    added = {"latency": {}, "report": {"path": None, "error": "the run is older than reports are"}}
    kept = {name: value for name, value in record.items() if name != "room"}
    return (
        added
        | kept
        | {
            "format": FORMAT,
            **_ADDED_LATER,
            "task_files": record.get("room", {}),
            "review": _upgrade_review_from_1(record.get("review")),
            "nodes": nodes,
        }
    )


def _upgrade_review_from_1(review: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return a review with the reason from its text `science review: stale, model.py changed since …`."""
    if review is None:
        return None
    _, _, reason = review["words"].partition(", ")
    return {name: value for name, value in review.items() if name != "words"} | {"reason": reason}


_UPGRADES: Mapping[object, Callable[[Mapping[str, Any]], dict[str, Any]]] = {1: _upgrade_from_1}  # by format


def _rebuild_record(run_id: str, metadata: Metadata | None) -> dict[str, Any]:
    steps = metadata.list_steps(run_id) if metadata else []
    return {
        "format": FORMAT,
        "run_id": run_id,
        "task": steps[0].task if steps else "",
        "status": UNFINISHED,
        "started": _parse_started(run_id),
        "seconds": 0.0,
        "data": next((str(step.parameters["input_base"]) for step in steps if "input_base" in step.parameters), ""),
        "rows": {},
        "source_digest": "",
        "task_files": {},
        "review": None,
        "stack": {},
        "nodes": [_rebuild_node(step, metadata) for step in steps] if metadata else [],
        "gates": [],
        "metrics": {},
        "latency": {},
        **_ADDED_LATER,
        "schema_differences": [],
        "pushed": None,
        "report": {"path": None, "error": None},
        "error": "the run left no summary: it is still running, or it was killed",
    }


def _rebuild_node(step: Step, metadata: Metadata) -> dict[str, Any]:
    known = {**step.outputs, **step.resolved} if step.state in _STATES else {}
    state = "ran" if step.resolved else _STATES.get(step.state, "failed")
    return {
        "id": step.node,
        "state": state,
        **_NODE_ADDED_LATER,
        "seconds": 0.0,
        "summary": "" if step.state in _STATES else f"ML Metadata says {step.state}",
        "outputs": {key: _rebuild_output(metadata.artifacts[ids[0]]) for key, ids in known.items()},
        "error": None,
    }


def _rebuild_output(artifact: Artifact) -> dict[str, Any]:
    return {"type": artifact.type, "uri": artifact.uri, "properties": dict(artifact.properties)}


def _parse_started(run_id: str) -> str:
    try:
        moment = datetime.datetime.strptime("-".join(run_id.split("-")[:2]), _ID_TIME)
    except ValueError:  # A folder that a user named.
        return ""
    return moment.replace(tzinfo=datetime.UTC).isoformat(timespec="seconds")
