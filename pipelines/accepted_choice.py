"""Look up the accepted spans that a user chose in ML Metadata.

It does not load TFX, so that a missing span is reported at once.
"""

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
    """Choose among the accepted spans of a task, including those that another contract or other code accepted.

    Args:
        choice: which spans: all, last:4, or 2014Q1..2015Q4.
        task: the task's name.
        metadata: the SQLite file of ML Metadata; MySQL is found next to it.
        judged_by: the DataBlessing.JUDGED_BY to prefer where one version was accepted several times.

    Returns:
        The newest accepted version of each chosen span, in the order of time.

    Raises:
        SpanError: No span is accepted, no accepted span is chosen, or the database cannot be read.
    """
    accepted = _read(metadata, ingestion_pipeline(task), judged_by)
    if not accepted:
        raise SpanError(
            f"spans {choice}: expected accepted spans of task {task}, received none; ingest them first: "
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
            f"{database}: expected a database of ML Metadata that can be read, received {error}; if a run is using it, "
            "wait until the run has ended"
        ) from error
