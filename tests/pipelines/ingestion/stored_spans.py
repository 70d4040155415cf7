"""Spans as an ingestion leaves them in ML Metadata, without the rows."""

import itertools
from pathlib import Path

import ml_metadata as mlmd
from ml_metadata.proto import metadata_store_pb2
from tfx.types import artifact
from tfx.types.standard_artifacts import Examples, ExampleStatistics

from components.artifacts import DataBlessing
from components.span_names import SPAN_NAME
from pipelines.runner.metadata_cleanup import open_metadata_store

PIPELINE = "taxi_spans"


class StoredSpans:
    """A database of ML Metadata."""

    def __init__(self, database: Path):
        self.store: mlmd.MetadataStore = open_metadata_store(database)
        self._folder, self._numbers = database.parent / "stored", itertools.count()
        self._context = self._put_context()
        self._step = self.store.put_execution_type(metadata_store_pb2.ExecutionType(name="StatisticsGen"))

    def add(self, name: str, number: int, version: int, fingerprint: str, *judged_by: str) -> None:
        """Adds a version of a span, its statistics, and a blessing for each digest that it was judged by."""
        examples, statistics = Examples(), ExampleStatistics()
        examples.span, examples.version = number, version
        examples.set_string_custom_property(SPAN_NAME, name)
        examples.set_string_custom_property("input_fingerprint", fingerprint)
        made = self._put(statistics)
        step = metadata_store_pb2.Execution(type_id=self._step)
        events = [
            metadata_store_pb2.Event(artifact_id=self._put(examples), type=metadata_store_pb2.Event.INPUT),
            metadata_store_pb2.Event(artifact_id=made, type=metadata_store_pb2.Event.OUTPUT),
        ]
        (step_id,) = self.store.put_executions([step])
        for event in events:
            event.execution_id = step_id
        self.store.put_events(events)
        for digest in judged_by:
            blessing = DataBlessing()
            blessing.set_string_custom_property(DataBlessing.STATISTICS_URI, statistics.uri)
            blessing.set_string_custom_property(DataBlessing.JUDGED_BY, digest)
            self._put(blessing)

    def _put_context(self) -> int:
        kind = self.store.put_context_type(metadata_store_pb2.ContextType(name="pipeline"))
        (context,) = self.store.put_contexts([metadata_store_pb2.Context(type_id=kind, name=PIPELINE)])
        return context

    def _put(self, made: artifact.Artifact) -> int:
        folder = self._folder / str(next(self._numbers))
        folder.mkdir(parents=True)
        made.uri = str(folder)
        kind = self.store.put_artifact_type(made.artifact_type)
        stored = made.mlmd_artifact
        stored.type_id, stored.state = kind, metadata_store_pb2.Artifact.LIVE
        (number,) = self.store.put_artifacts([stored])
        self.store.put_attributions_and_associations(
            [metadata_store_pb2.Attribution(artifact_id=number, context_id=self._context)], []
        )
        return number
