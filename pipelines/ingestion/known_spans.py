"""Read from ML Metadata which versions of a task's spans were stored and which were accepted."""

from collections.abc import Mapping
from pathlib import Path

from components.accepted_spans import AcceptedSpan, StoredSpan, list_accepted_spans, list_stored_spans
from pipelines.config import ingestion_pipeline
from pipelines.metadata_database import has_metadata
from pipelines.runner.metadata_cleanup import open_metadata_store
from pipelines.spans.errors import SpanError
from pipelines.spans.span import Span, read_span


class KnownSpans:
    """The spans of one task in ML Metadata, as they were when this object was created."""

    def __init__(self, database: Path, task: str, judged_by: str):
        """Read the records; without a database there are none.

        Args:
            database: of ML Metadata.
            task: name of the task.
            judged_by: the current DataBlessing.JUDGED_BY; other judgements do not count.
        """
        self._stored: list[StoredSpan] = []
        self._accepted: dict[int, AcceptedSpan] = {}
        if has_metadata(database):
            store, pipeline = open_metadata_store(database), ingestion_pipeline(task)
            self._stored = list_stored_spans(store, pipeline)
            self._accepted = {span.number: span for span in list_accepted_spans(store, pipeline, judged_by)}
        self._periods = [
            read_span(one.name, numbered=one.name == str(number)) for number, one in self._accepted.items()
        ]

    def find_accepted(self, number: int) -> AcceptedSpan | None:
        """Return the newest accepted version of a span, or None."""
        return self._accepted.get(number)

    def name_before(self, number: int) -> str:
        """Return name and version of the accepted span that a span's drift is measured from; empty if there is none."""
        before = max((one for one in self._accepted if one < number), default=None)
        return "" if before is None else f"{self._accepted[before].name} v{self._accepted[before].version}"

    def check_period(self, span: Span) -> None:
        """Check that no accepted span of another name shares days with this one, as 2014Q1 does with 2014-02.

        Raises:
            SpanError: Such a span exists: rows of the shared days would be trained on twice or be replaced.
        """
        for other in self._periods:
            if other.name != span.name and _may_share_days(other, span):
                raise SpanError(
                    f"span {span}: expected a span that shares no day with accepted span {other}, received one that "
                    "may share days: its rows would count twice or be lost. Ingest spans of another kind into another "
                    "--var."
                )

    def choose_version(self, number: int, fingerprint: str, refused: Mapping[int, str]) -> int:
        """Return the version for a span's current content: the newest if its content is the same, else the next.

        The number of a version that was refused, or whose ingestion was killed, is never given to other rows.

        Args:
            number: of the span.
            fingerprint: of its files' content.
            refused: version -> fingerprint of the span in quarantine: ExampleGen stores nothing that it refuses.
        """
        versions = {span.version: span.fingerprint for span in self._stored if span.number == number} | dict(refused)
        if not versions:
            return 1
        newest = max(versions)
        return newest if versions[newest] == fingerprint else newest + 1


def _may_share_days(one: Span, other: Span) -> bool:
    """Return whether two spans may share days; a numbered span, whose period is unknown, may with a dated one."""
    if one.begin is None or one.end is None or other.begin is None or other.end is None:
        return one.begin != other.begin
    return one.begin < other.end and other.begin < one.end
