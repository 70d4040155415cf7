"""Read the rows of a span as a gateway's clients send them, in the order of time, with their outcomes."""

import csv
import dataclasses
import gzip
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from pipelines.replay.errors import ReplayError
from serving import contract as contracts
from serving.contract import Contract, Feature, Kind, Value
from serving.contract.dates import parse
from serving.contract.span_time import find_time_format
from serving.feedback.label import read_label

_READERS = (".csv", ".csv.gz")


@dataclasses.dataclass(frozen=True, kw_only=True)
class SentRow:
    """One row and its outcome."""

    features: Mapping[str, Value]  # without missing values
    outcome: Value | None  # None: unknown


@dataclasses.dataclass(frozen=True, kw_only=True)
class RowReader:
    """Read the rows of a task's files."""

    contract: Contract
    label: Feature
    time: tuple[str, str] | None  # the time column, and the format of its times

    @classmethod
    def of(cls, path: Path) -> "RowReader":
        """Return the reader for a task's contract.

        Args:
            path: the contract, a Schema in text format.

        Raises:
            ContractError: The contract cannot be read, or does not have exactly one label.
        """
        schema = text_format.Parse(path.read_text(encoding="utf-8"), schema_pb2.Schema())
        return cls(contract=contracts.read(path), label=read_label(path), time=_find_time(schema))

    def read(self, path: Path) -> Sequence[SentRow]:
        """Return a file's rows, the oldest first if the contract has a time column.

        A cell that is not valid for its column is sent unchanged, because the gateway decides whether to refuse it.

        Raises:
            ReplayError: The file is not a CSV file.
        """
        rows = list(_read_cells(path))
        if self.time is not None:
            column, written = self.time
            rows.sort(key=lambda cells: moment.trend if (moment := parse(cells[column], written)) else 0.0)
        return [
            SentRow(
                features={
                    feature.name: value
                    for feature in self.contract.features
                    if (value := self._value(feature, cells.get(feature.name, ""))) is not None
                },
                outcome=self._value(self.label, cells.get(self.label.name, "")),
            )
            for cells in rows
        ]

    def _value(self, feature: Feature, cell: str) -> Value | None:
        if not cell or self.contract.missing.is_spelled_by(cell):
            return None
        if feature.kind is Kind.BYTES:
            return cell
        try:
            number = float(cell)
            return int(number) if feature.kind is Kind.INT and number.is_integer() else number
        except ValueError:
            return cell


def _find_time(schema: schema_pb2.Schema) -> tuple[str, str] | None:
    for feature in schema.feature:
        kind = schema_pb2.FeatureType.Name(feature.type)
        if written := find_time_format(feature.name, feature.annotation.tag, kind):
            return feature.name, written
    return None


def _read_cells(path: Path) -> Iterator[dict[str, str]]:
    if not path.name.endswith(_READERS):
        raise ReplayError(f"{path}: expected a CSV file for each span ({', '.join(_READERS)}), received another")
    content = path.read_bytes()
    text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode("utf-8-sig")
    yield from csv.DictReader(io.StringIO(text, newline=""))
