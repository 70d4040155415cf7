"""What is known of a task's spans: which versions were stored, and which were accepted."""

from collections.abc import Mapping
from pathlib import Path

from components.accepted_spans import AcceptedSpan, StoredSpan, list_accepted_spans, list_stored_spans
from pipelines.config import ingestion_pipeline
from pipelines.metadata_database import has_metadata
from pipelines.runner.metadata_cleanup import open_metadata_store
from pipelines.spans.errors import SpanError
from pipelines.spans.span import Span, read_span


class KnownSpans:
    """The spans of one task, as ML Metadata records them at the time of making."""

    def __init__(self, database: Path, task: str, judged_by: str):
        """Read the records; there are none without a database.

        Args:
            database: of ML Metadata.
            task: its name.
            judged_by: DataBlessing.JUDGED_BY of the judgements that count today.
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
        """Find the newest accepted version of a span."""
        return self._accepted.get(number)

    def name_before(self, number: int) -> str:
        """Name the accepted span before a span, which its drift is measured from, with its version; empty for none."""
        before = max((one for one in self._accepted if one < number), default=None)
        return "" if before is None else f"{self._accepted[before].name} v{self._accepted[before].version}"

    def check_period(self, span: Span) -> None:
        """Look for an accepted span of another name with days of this one, such as 2014Q1 for 2014-02.

        Raises:
            SpanError: There is one: rows of these days would be trained on twice, or be replaced by others.
        """
        for other in self._periods:
            if other.name != span.name and _may_share_days(other, span):
                raise SpanError(
                    f"span {span}: expected spans that share no day, received one beside {other}, which is accepted: "
                    "rows would count twice, or be lost. Ingest spans of another kind into another --var."
                )

    def choose_version(self, number: int, fingerprint: str, refused: Mapping[int, str]) -> int:
        """Choose the version for what the files of a span hold now: the next, unless the newest holds the same.

        A version that was refused, or whose ingestion was killed, counts: its number is never given to other rows.

        Args:
            number: of the span.
            fingerprint: of what its files hold.
            refused: the same by version, of one in quarantine: what ExampleGen refuses to read is not stored.
        """
        versions = {span.version: span.fingerprint for span in self._stored if span.number == number} | dict(refused)
        if not versions:
            return 1
        newest = max(versions)
        return newest if versions[newest] == fingerprint else newest + 1


def _may_share_days(one: Span, other: Span) -> bool:
    """Tell whether two spans have days in common, as far as one can know: a number is of no period."""
    if one.begin is None or one.end is None or other.begin is None or other.end is None:
        return one.begin != other.begin
    return one.begin < other.end and other.begin < one.end
