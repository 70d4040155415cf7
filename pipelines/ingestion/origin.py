"""Check that the versions of a span come from the same source: files that arrived, or the request log."""

from pathlib import Path

from components.accepted_spans import AcceptedSpan
from pipelines.runs.data_source import find_data_source
from pipelines.runs.metadata import Metadata
from pipelines.spans.errors import SpanError
from pipelines.spans.sources import SpanSource


def logged_folder(var: Path, task: str, kind: str) -> Path:
    """Return the folder of the spans from the request log, one for each kind of period.

    Each kind has its own folder, because a folder has one pattern of names.
    """
    return var / "data" / f"{task}-logged" / kind


def check_origin(source: SpanSource, accepted: AcceptedSpan, task: str, database: Path) -> None:
    """Check that a new version of a span comes from the same source as the accepted version.

    Args:
        source: of the new version.
        accepted: the accepted version.
        task: name of the task.
        database: of ML Metadata.

    Raises:
        SpanError: One comes from files, the other from the request log: each would replace the other's rows.
    """
    before = find_data_source(Metadata(database), accepted.examples.id)
    if before is None or _is_logged(Path(before.folder), task) == _is_logged(source.path.parent, task):
        return
    raise SpanError(
        f"span {source.span}: expected rows from {before.folder}, as in its accepted version, received rows from "
        f"{source.path.parent}: files and the request log would replace each other's rows at each ingestion. Choose "
        "one of the two as the source of a period, or ingest the other into another --var."
    )


def _is_logged(folder: Path, task: str) -> bool:
    """Return whether a folder has spans from the request log, by its names only: `var` may have been moved."""
    return folder.parent.name == logged_folder(Path(), task, folder.name).parent.name
