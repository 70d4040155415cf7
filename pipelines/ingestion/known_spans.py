"""What is known of a task's spans: which versions were stored, and which were accepted."""

from pathlib import Path

from components.accepted_spans import AcceptedSpan, StoredSpan, list_accepted_spans, list_stored_spans
from pipelines.config import ingestion_pipeline
from pipelines.runner.metadata_cleanup import open_metadata_store


class KnownSpans:
    """The spans of one task, as ML Metadata records them at the time of making."""

    def __init__(self, database: Path, task: str):
        """Reads the records; there are none without a database.

        Args:
            database: of ML Metadata.
            task: its name.
        """
        self._stored: list[StoredSpan] = []
        self._accepted: dict[int, AcceptedSpan] = {}
        if database.exists():
            store, pipeline = open_metadata_store(database), ingestion_pipeline(task)
            self._stored = list_stored_spans(store, pipeline)
            self._accepted = {span.number: span for span in list_accepted_spans(store, pipeline)}

    def find_accepted(self, number: int) -> AcceptedSpan | None:
        """Finds the newest accepted version of a span."""
        return self._accepted.get(number)

    def name_before(self, number: int) -> str:
        """Names the accepted span before a span, which its drift is measured from, with its version; empty for none."""
        before = max((one for one in self._accepted if one < number), default=None)
        return "" if before is None else f"{self._accepted[before].name} v{self._accepted[before].version}"

    def choose_version(self, number: int, fingerprint: str) -> int:
        """Chooses the version for what the files of a span hold now: the next, unless the newest holds the same.

        A version that was refused, or whose ingestion was killed, counts: its number is never given to other rows.
        """
        versions = {span.version: span for span in self._stored if span.number == number}
        if not versions:
            return 1
        newest = max(versions)
        return newest if versions[newest].fingerprint == fingerprint else newest + 1
