"""Read the data of a run: its contract, rows, features, statistics and anomalies."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from pipelines import nodes
from pipelines.nodes import TRAIN
from pipelines.runs import statistics
from pipelines.runs.quiet import quiet_imports
from pipelines.runs.recorded_run import RecordedRun
from pipelines.runs.span_statistics import read_span_statistics

if TYPE_CHECKING:
    from collections.abc import Iterator

    import tensorflow_transform as tft
    from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

    from components.stacked_features import Parts

_SCHEMA_FILE = "schema.pbtxt"


class RunData(RecordedRun):
    """The data of one run. A method raises RunError if the run ended before it wrote what the method reads."""

    @functools.cached_property
    def schema(self) -> schema_pb2.Schema:
        """The contract that the run's data was checked against."""
        return _schema(self.artifact(nodes.IMPORT_SCHEMA_GEN, "schema"))

    @functools.cached_property
    def proposed_schema(self) -> schema_pb2.Schema:
        """The schema that SchemaGen inferred from the run's data."""
        return _schema(self.artifact(nodes.SCHEMA_GEN, "schema"))

    def records(self, split: str, every: int = 1) -> list[bytes]:
        """Read the raw rows of one split as serialized tf.Examples, in a fixed order; the first of each `every`."""
        with quiet_imports():
            from pipelines.runs.examples import read_records

        return read_records(self.artifact(nodes.EXAMPLE_GEN, "examples"), split, every)

    def record_chunks(self, split: str, every: int = 1) -> Iterator[list[bytes]]:
        """Read the same as `records` in chunks, at least one."""
        with quiet_imports():
            from pipelines.runs.examples import read_record_chunks

        return read_record_chunks(self.artifact(nodes.EXAMPLE_GEN, "examples"), split, every)

    def rows(self, split: str, every: int = 1) -> pd.DataFrame:
        """Read the raw rows of one split, with the contract's columns, in the order of `records`.

        Args:
            split: name of the split.
            every: 1 for all rows; n for the first of each n, which takes an n-th of the memory.

        Returns:
            INT is Int64 with NA for a missing value, FLOAT is float32 with NaN, BYTES is str with None.
        """
        with quiet_imports():
            from pipelines.runs.examples import read_records, to_frame

        return to_frame(read_records(self.artifact(nodes.EXAMPLE_GEN, "examples"), split, every), self.schema)

    def transformed(self, split: str) -> pd.DataFrame:
        """Read the transformed rows of one split, with the label.

        Args:
            split: name of the split.

        Returns:
            A column for each feature, int64, float32 or str; features that Transform stacked are separate columns. The
            rows are in the order of `rows`, independent of the order in which an engine wrote them.

        Raises:
            RunError: There is no such split, or its files were removed.
            PairingError: Transform read other rows than these.
        """
        with quiet_imports():
            from pipelines.runs.examples import read_transformed, split_stacked, to_frame, use_numpy_integers

        records = read_transformed(
            self.artifact(nodes.EXAMPLE_GEN, "examples"), self.artifact(nodes.TRANSFORM, "transformed_examples"), split
        )
        rows = use_numpy_integers(to_frame(records, self.transform_graph.transformed_metadata.schema))
        return split_stacked(rows, self.feature_parts)

    @functools.cached_property
    def feature_parts(self) -> Parts:
        """The names of the columns of stacked transformed features, by feature; empty if none was stacked."""
        from pipelines.runs.parameters import read_feature_parts

        return read_feature_parts(self._steps)

    @functools.cached_property
    def transform_graph(self) -> tft.TFTransformOutput:
        """Transform's output: feature specs, vocabularies, and the graph."""
        with quiet_imports():
            import tensorflow_transform

        return tensorflow_transform.TFTransformOutput(str(self.artifact(nodes.TRANSFORM, "transform_graph")))

    def statistics(self, split: str) -> statistics_pb2.DatasetFeatureStatisticsList:
        """Read the statistics of the raw rows of one split."""
        return statistics.read_statistics(self.artifact(nodes.STATISTICS_GEN, "statistics"), split)

    def statistics_table(self) -> pd.DataFrame:
        """Tabulate the statistics: one row per split and feature; for the columns see tabulate_statistics."""
        return statistics.tabulate_statistics(self.artifact(nodes.STATISTICS_GEN, "statistics"))

    def previous_statistics(self, split: str = TRAIN) -> statistics_pb2.DatasetFeatureStatisticsList | None:
        """Read the accepted statistics that this run's were compared with; None if there were none."""
        if "statistics" not in self._outputs(nodes.ACCEPTED_STATISTICS_RESOLVER):
            return None
        return statistics.read_statistics(self.artifact(nodes.ACCEPTED_STATISTICS_RESOLVER, "statistics"), split)

    def span_statistics(self) -> dict[str, statistics_pb2.DatasetFeatureStatisticsList]:
        """Read the statistics of each span that the run was trained on, by name and version, in the order of time."""
        return read_span_statistics(self._metadata, self.id)

    def anomalies(self) -> pd.DataFrame:
        """Tabulate the anomalies: columns split, feature, kind, short, description. `gates` says which were refused."""
        return statistics.tabulate_anomalies(self.artifact(nodes.EXAMPLE_VALIDATOR, "anomalies"))


def _schema(artifact: Path) -> schema_pb2.Schema:
    from google.protobuf import text_format
    from tensorflow_metadata.proto.v0 import schema_pb2

    return text_format.Parse((artifact / _SCHEMA_FILE).read_text(encoding="utf-8"), schema_pb2.Schema())
