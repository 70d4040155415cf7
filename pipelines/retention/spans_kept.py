"""Which spans are never removed: training may be told to read any that was accepted."""

from pathlib import Path

from components.accepted_spans import list_acceptances, list_stored_spans
from pipelines.retention.records import INGESTION_PREFIX
from pipelines.runner.metadata_cleanup import open_metadata_store
from pipelines.runs.metadata import Metadata


def find_spans(database: Path, metadata: Metadata) -> frozenset[int]:
    """Return what a training over spans, the next ingestion and its drift need, of all tasks.

    Of each span these are Examples, statistics and every blessing of the newest accepted version: the contract of the
    day decides which blessing counts. And the Examples of the newest version, accepted or not: the number of the next
    version is counted from it, and none is given twice.

    Args:
        database: ML Metadata.
        metadata: the same.
    """
    pipelines = {step.task for step in metadata.steps.values() if step.run_id.startswith(INGESTION_PREFIX)}
    store = open_metadata_store(database)
    found: set[int] = set()
    for pipeline in pipelines:
        acceptances = list(list_acceptances(store, pipeline))
        accepted: dict[int, int] = {}
        for span in acceptances:
            accepted[span.number] = max(accepted.get(span.number, 0), span.version)
        for span in acceptances:
            if span.version == accepted[span.number]:
                found.update((span.examples.id, span.statistics.id, span.blessing_id))
        newest: dict[int, tuple[int, int]] = {}
        for stored in list_stored_spans(store, pipeline):
            newest[stored.number] = max(newest.get(stored.number, (0, 0)), (stored.version, stored.examples.id))
        found.update(id for _, id in newest.values())
    return frozenset(found)
