"""Which accepted spans a user chose, looked up in ML Metadata; loads no TFX, so that a missing span is told at once."""

from collections.abc import Sequence
from pathlib import Path

import ml_metadata as mlmd
from ml_metadata.errors import StatusError

from components.accepted_spans import AcceptedSpan, list_accepted_spans
from pipelines.config import ingestion_pipeline
from pipelines.metadata_database import MetadataDatabaseError, connect, find_mysql, has_metadata
from pipelines.spans.errors import SpanError
from pipelines.spans.selection import SpanSelection


def choose_accepted_spans(choice: str, task: str, metadata: Path, judged_by: str = "") -> Sequence[AcceptedSpan]:
    """Chooses among the accepted spans of a task, whoever judged them.

    Args:
        choice: such as last:4.
        task: its name.
        metadata: the ML Metadata database.
        judged_by: DataBlessing.JUDGED_BY of the judgement that counts, where there are several of one version.

    Returns:
        The newest accepted version of each span that is chosen, in the order of time.

    Raises:
        SpanError: No span is accepted, or none of the chosen; or the database cannot be read.
    """
    accepted = _read(metadata, ingestion_pipeline(task), judged_by)
    if not accepted:
        raise SpanError(
            f"spans {choice}: expected accepted spans of task {task}, received none; take them in first: "
            f"python -m pipelines ingest --task {task} --from FOLDER"
        )
    chosen = SpanSelection.parse(choice).choose([span.name for span in accepted])
    return [span for span in accepted if span.name in chosen]


def _read(database: Path, pipeline: str, judged_by: str) -> Sequence[AcceptedSpan]:
    if not has_metadata(database):
        return []
    if find_mysql(database) is None and not database.stat().st_size:  # A run that was killed may leave an empty file.
        return []
    try:
        return list_accepted_spans(mlmd.MetadataStore(connect(database, read_only=True)), pipeline, judged_by)
    except (StatusError, RuntimeError, MetadataDatabaseError) as error:
        raise SpanError(
            f"{database}: expected the database of ML Metadata, which cannot be read: {error}; if a run is using it, "
            "wait for its end"
        ) from error
