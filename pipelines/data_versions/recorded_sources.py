"""List the data that runs and ingestions read, from their records."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from pipelines.config import ingestion_pipeline
from pipelines.data_versions.errors import DataVersionError
from pipelines.nodes import EXAMPLE_GEN
from pipelines.runs import Run
from pipelines.runs.data_source import DataSource, read_data_sources
from pipelines.runs.metadata import Metadata


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainedSource:
    """One source of the rows that a run was trained on: a span, or a file or folder."""

    fingerprint: str  # of its files' content
    span: str | None  # name of the span; None: the run read a file or folder


def list_trained_sources(run: Run) -> Sequence[TrainedSource]:
    """Return the sources that a run was trained on: its spans in the order of time, or its one file or folder.

    Raises:
        DataVersionError: The run's record has no sources.
    """
    if run.summary["spans"]:
        return [TrainedSource(fingerprint=one["fingerprint"], span=one["span"]) for one in run.summary["spans"]]
    # Older records have the fingerprint only in the properties of ExampleGen's output.
    found = run.summary["data_fingerprint"] or next(
        (
            str(output["properties"].get("input_fingerprint", ""))
            for node in run.summary["nodes"]
            if node["id"] == EXAMPLE_GEN
            for output in node["outputs"].values()
        ),
        "",
    )
    if not found:
        raise DataVersionError(
            f"run {run.id}: expected a record of what it was trained on, received none: ExampleGen did not finish; "
            "name another run (make data-restore RUN_ID=...)"
        )
    return [TrainedSource(fingerprint=found, span=None)]


def list_read_sources(database: Path, task: str) -> Sequence[DataSource]:
    """Return the data that a task's runs and ingestions read, in the order of reading.

    Args:
        database: of ML Metadata.
        task: name of the task.

    Raises:
        RunError: The database does not exist.
    """
    metadata = Metadata(database)
    pipelines = (task, ingestion_pipeline(task))
    found = []
    for source in read_data_sources(metadata):
        step = metadata.find_producer(source.examples.id)
        if step is not None and step.task in pipelines:
            found.append(source)
    return found
