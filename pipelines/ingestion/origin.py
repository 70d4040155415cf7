"""Where the rows of a span come from: files that arrived, or the request log."""

from pathlib import Path

from components.accepted_spans import AcceptedSpan
from pipelines.runs.data_source import find_data_source
from pipelines.runs.metadata import Metadata
from pipelines.spans.errors import SpanError
from pipelines.spans.sources import SpanSource


def logged_folder(var: Path, task: str, kind: str) -> Path:
    """Return the folder of the spans that are made of the request log, one for each kind of period.

    Kinds apart: a day and its month in one folder would have two patterns.
    """
    return var / "data" / f"{task}-logged" / kind


def check_origin(source: SpanSource, accepted: AcceptedSpan, task: str, database: Path) -> None:
    """Look where the accepted version of a span comes from, before another one takes its place.

    Args:
        source: of the version that would.
        accepted: the version before it.
        task: its name.
        database: of ML Metadata.

    Raises:
        SpanError: One is of files and the other of the request log: each ingestion would replace the other's rows.
    """
    before = find_data_source(Metadata(database), accepted.examples.id)
    if before is None or _is_logged(Path(before.folder), task) == _is_logged(source.path.parent, task):
        return
    raise SpanError(
        f"span {source.span}: expected rows of where its accepted version is from, {before.folder}, received some of "
        f"{source.path.parent}: files and the request log would replace each other's rows again and again. Let one of "
        "the two be the source of a period, or ingest the other into another --var."
    )


def _is_logged(folder: Path, task: str) -> bool:
    """By the names: `var` may have been moved."""
    return folder.parent.name == logged_folder(Path(), task, folder.name).parent.name
