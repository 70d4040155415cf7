"""What runs and ingestions read, as their records have it."""

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
    """One source of the rows that a run was trained on."""

    fingerprint: str  # of what its files held
    span: str | None  # its name; None: the run read files


def list_trained_sources(run: Run) -> Sequence[TrainedSource]:
    """List what a run was trained on: each span in the order of time, or its one file or folder.

    Raises:
        DataVersionError: Its record does not say.
    """
    if run.summary["spans"]:
        return [TrainedSource(fingerprint=one["fingerprint"], span=one["span"]) for one in run.summary["spans"]]
    # Older records have it in the properties of ExampleGen's output alone.
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
    """List all that runs and ingestions of a task read, in the order of reading.

    Args:
        database: of ML Metadata.
        task: its name.

    Raises:
        RunError: There is no such database.
    """
    metadata = Metadata(database)
    pipelines = (task, ingestion_pipeline(task))
    found = []
    for source in read_data_sources(metadata):
        step = metadata.find_producer(source.examples.id)
        if step is not None and step.task in pipelines:
            found.append(source)
    return found
