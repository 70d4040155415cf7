"""Turn the source of a span into an IngestionConfig: read the contract and compute the digests."""

import dataclasses
import functools
from pathlib import Path

from tensorflow_metadata.proto.v0 import schema_pb2
from tfx.utils import io_utils

from components.csv_example_gen import csv_files
from components.csv_example_gen import executor as checked_csv
from components.csv_example_gen.span_label import SpanLabel, add_label
from components.row_times import component as row_times
from components.source_digest import source_digest
from pipelines.config import ConfigError, CsvInput, IngestionConfig, TimeColumn
from pipelines.resolution import contract_copy
from pipelines.span_input import judgement_digest
from pipelines.spans.sources import SpanSource
from pipelines.spans.span import Span
from pipelines.task_definition.task import Task
from serving.contract.span_time import find_time_format


@dataclasses.dataclass(frozen=True)
class Ingestion:
    """What the ingestions of all spans of a task share: task, contract and digests."""

    task: Task
    var: Path

    @functools.cached_property
    def contract(self) -> Path:
        """Path of a copy of the task's contract."""
        return contract_copy(self.task, self.var)

    @functools.cached_property
    def schema(self) -> schema_pb2.Schema:
        """The contract as a Schema."""
        return io_utils.parse_pbtxt_file(str(self.contract), schema_pb2.Schema())

    @functools.cached_property
    def judged_by(self) -> str:
        """Digest of everything that decides on a span, except the other spans."""
        return judgement_digest(self.task, self.contract)

    def resolve(self, source: SpanSource, version: int) -> IngestionConfig:
        """Return the config of one span.

        Raises:
            SourceError: The contract's rules for cells are not valid.
            ConfigError: The contract's time column is not valid.
        """
        folder, pattern = csv_files.locate(source.path)
        label = SpanLabel(number=source.span.number, version=version, name=source.span.name)
        reader = checked_csv.column_types(str(self.task.contract), source_digest(checked_csv), self.task.split)
        return IngestionConfig(
            task=self.task,
            var=self.var,
            source=CsvInput(folder=folder, pattern=pattern, reader=add_label(reader, label)),
            contract=self.contract,
            judged_by=self.judged_by,
            time=self._find_time(source.span),
        )

    def _find_time(self, span: Span) -> TimeColumn | None:
        if span.begin is None or span.end is None:
            return None
        found = []
        for feature in self.schema.feature:
            try:
                kind = schema_pb2.FeatureType.Name(feature.type)
                written = find_time_format(feature.name, feature.annotation.tag, kind)
            except ValueError as error:
                raise ConfigError(f"{self.task.contract}: {error}") from None
            if written is not None:
                found.append((feature.name, written))
        if len(found) > 1:
            raise ConfigError(
                f"{self.task.contract}: expected at most one column with a tag span_time, received "
                f"{' and '.join(name for name, _ in found)}; remove the tag from the others"
            )
        return next(
            (
                TimeColumn(
                    name=name, written=written, begin=span.begin, end=span.end, code_digest=source_digest(row_times)
                )
                for name, written in found
            ),
            None,
        )
