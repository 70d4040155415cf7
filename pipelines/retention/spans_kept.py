"""Find the artifacts of spans that are never removed, because a training may read any accepted span."""

from pathlib import Path

from components.accepted_spans import list_acceptances, list_stored_spans
from pipelines.retention.records import INGESTION_PREFIX
from pipelines.runner.metadata_cleanup import open_metadata_store
from pipelines.runs.metadata import Metadata


def find_spans(database: Path, metadata: Metadata) -> frozenset[int]:
    """Return the artifacts that trainings over spans, the next ingestion and its drift need, of all tasks.

    For each span these are Examples, statistics and every blessing of the newest accepted version, because the current
    contract decides which blessing counts. In addition, the Examples of the newest version, accepted or not, from which
    the next version's number is counted, so that no number is used twice.

    Args:
        database: of ML Metadata.
        metadata: the same database, as it was read.
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
